"""When a lead has changed: what was seen must last, stage and grade each by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from features.storing.lead_states import LeadState
from serving.lead_changes import settle

SECOND = 1_000_000
HOLD = 60 * SECOND
STATE = LeadState("a", "lead", "C", "1", 0, revision=3)


def test_nothing_new_leaves_the_very_same_state() -> None:
    assert settle(STATE, "lead", "C", 9 * HOLD, HOLD) == STATE


def test_a_change_must_last() -> None:
    first = settle(STATE, "pql", "C", 100 * SECOND, HOLD)
    assert (first.stage, first.next_stage, first.stage_since, first.due_at) == ("lead", "pql", 100 * SECOND, 160 * SECOND)
    assert settle(first, "pql", "C", 159 * SECOND, HOLD) == first
    held = settle(first, "pql", "C", 160 * SECOND, HOLD)
    assert held == replace(STATE, stage="pql", at=160 * SECOND)


def test_what_goes_back_leaves_no_trace() -> None:
    first = settle(STATE, "pql", "A", 100 * SECOND, HOLD)
    assert settle(first, "lead", "C", 120 * SECOND, HOLD) == STATE


def test_another_change_begins_its_own_time() -> None:
    first = settle(STATE, "pql", "C", 100 * SECOND, HOLD)
    second = settle(first, "sql", "C", 150 * SECOND, HOLD)
    assert (second.stage, second.next_stage, second.due_at) == ("lead", "sql", 210 * SECOND)
    assert settle(second, "sql", "C", 210 * SECOND, HOLD).stage == "sql"


def test_a_grade_that_flaps_does_not_hold_up_the_stage() -> None:
    state = settle(STATE, "pql", "B", 0, HOLD)
    for moment in range(10, 60, 10):
        state = settle(state, "pql", "AB"[moment // 10 % 2], moment * SECOND, HOLD)
    state = settle(state, "pql", "B", HOLD, HOLD)
    assert (state.stage, state.grade, state.next_grade) == ("pql", "C", "B")
    assert state.due_at == state.grade_since + HOLD  # type: ignore[operator]


def test_without_a_time_to_hold_a_change_counts_at_once() -> None:
    assert settle(STATE, "pql", "A", 5, 0) == replace(STATE, stage="pql", grade="A", at=5)


@pytest.mark.parametrize("stage", ["customer", "expired"])
def test_who_has_no_grade_any_more_keeps_the_last(stage: str) -> None:
    assert settle(STATE, stage, None, 5, 0) == replace(STATE, stage=stage, at=5)
