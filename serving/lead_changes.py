"""When a lead has changed: what was seen must last for a while, and then it is one change, with its evidence.

This is the one place that decides it. A stage or grade that was seen but did not last leaves no trace.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from features.storing.lead_states import LeadState, Transition
from features.storing.rows import to_json
from serving.proving import Loaded

T = TypeVar("T", str, str | None)

REASONS = 3
"""So many reasons are kept as evidence."""


def settle(state: LeadState, stage: str, grade: str | None, now: int, debounce_us: int) -> LeadState:
    """Return where a lead stands once a stage and a grade were seen: the same state if nothing is new.

    Who has no grade any more, such as a customer, keeps the last one: that is no change of grade.
    """
    is_stage, next_stage, stage_since = _held(state.stage, stage, state.next_stage, state.stage_since, now, debounce_us)
    seen = state.grade if grade is None else grade
    is_grade, next_grade, grade_since = _held(state.grade, seen, state.next_grade, state.grade_since, now, debounce_us)
    waiting = [since + debounce_us for since in (stage_since, grade_since) if since is not None]
    changed = (is_stage, is_grade) != (state.stage, state.grade)
    return replace(
        state,
        stage=is_stage,
        grade=is_grade,
        at=now if changed else state.at,
        next_stage=next_stage,
        stage_since=stage_since,
        next_grade=next_grade,
        grade_since=grade_since,
        due_at=min(waiting, default=None),
    )


def _held(
    current: T, seen: T, waiting: T | None, since: int | None, now: int, debounce_us: int
) -> tuple[T, T | None, int | None]:
    """Return what holds now, and what waits since when to replace it."""
    if seen == current:
        return current, None, None
    begun = now if since is None or waiting != seen else since
    if now - begun >= debounce_us:
        return seen, None, None
    return current, seen, begun


def change(before: LeadState, after: LeadState, record: Mapping[str, Any], rule: Mapping[str, Any], loaded: Loaded) -> Transition:
    """Return the change from one state to the next, with the score that was seen last, and the rule by which it has its stage."""
    evidence = {"rule": rule, "reasons": [_short(one) for one in record["reasons"]]}
    return Transition(
        transition_id=secrets.token_hex(16),
        lead_id=after.lead_id,
        at=after.at,
        from_stage=before.stage,
        to_stage=after.stage,
        from_grade=before.grade,
        to_grade=after.grade,
        probability=record["probability"],
        model_version=loaded.ref.version,
        model_digest=loaded.ref.digest,
        evidence=to_json(evidence),
    )


def _short(reason: Mapping[str, Any]) -> dict[str, Any]:
    return {name: reason[name] for name in ("player", "feature", "value", "points", "text")}
