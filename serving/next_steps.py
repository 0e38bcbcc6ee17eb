"""What to do next for one stored lead: the plays that may be done now, the best first, and those that may not, with the reason.

A contact rests for two weeks before the next one, a play is not repeated for a while, and a week has so many contacts. Plays that
reach everybody at once are no contacts: they wait for none and use none up. Whatever is proposed while a share is held out is
written down with its chance, so that leads with and without a play can be compared later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from features.clock import DAY_US, format_us
from features.matrix import FeatureMatrix
from features.store import EventStore
from features.storing.contacted import Offer
from features.storing.rows import StoredLead
from features.workspace import Workspace
from models.hold_out import is_held_out
from models.next_step import Step, candidates, ranked, told
from models.playbook import Play, playbook, words
from models.what_if import imagine
from serving.live_lead import Standing
from serving.proving import Loaded

Record = dict[str, Any]

PAUSE_US = 14 * DAY_US
"""How long a lead is left alone after a contact."""
WEEK_US = 7 * DAY_US


@dataclass(frozen=True, slots=True)
class Barrier:
    """Why a play is not for now, and until when."""

    code: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What was done already, as far as it stands in the way of more."""

    contacts: Sequence[tuple[int, str | None]]
    """When the lead was contacted and with which play, the newest first."""
    for_all: frozenset[str]
    a_week: float | None
    used: int
    """The contacts of the last seven days, with all leads."""
    now: int

    def barrier(self, play: Play) -> Barrier | None:
        """Return what stands in the way of a play, if anything."""
        again = next((at for at, name in self.contacts if name == play.name), None)
        until = None if again is None else again + round(play.spec.again_after_days * DAY_US)
        if until is not None and until > self.now:
            return Barrier("same_play_recently", until)
        if play.is_for_all:
            return None
        last = next((at for at, name in self.contacts if name not in self.for_all), None)
        if last is not None and last + PAUSE_US > self.now:
            return Barrier("contacted_recently", last + PAUSE_US)
        if self.a_week is not None and self.used >= self.a_week:
            return Barrier("capacity_used_up")
        return None


def limits_of(workspace: Workspace, store: EventStore, stored: StoredLead, plays: Sequence[Play], now: int) -> Limits:
    """Read what was done: with this lead under any of its ids, and in the last week with all."""
    for_all = sorted(play.name for play in plays if play.is_for_all)
    return Limits(
        contacts=store.contacted.of(list(dict.fromkeys(_ids(stored))), now),
        for_all=frozenset(for_all),
        a_week=workspace.capacity.contacts_per_week,
        used=store.contacted.count(now - WEEK_US, now, without=for_all),
        now=now,
    )


def next_steps(
    workspace: Workspace,
    loaded: Loaded,
    store: EventStore,
    stored: StoredLead,
    standing: Standing,
    score: Record,
    lang: str,
    now: int,
) -> Record:
    """Return the next plays for a lead of which ``score`` is the score as of ``now``; none for one that has paid or left."""
    plays = playbook(workspace)
    limits = limits_of(workspace, store, stored, plays, now)
    capacity = {"contacts_per_week": limits.a_week, "used_last_7_days": limits.used}
    answer: Record = {
        **{name: score[name] for name in ("lead_id", "as_of", "probability", "grade", "stage")},
        "items": [],
        "not_now": [],
        "capacity": capacity,
        "association": words("association", lang),
        "model": score["model"],
        "warnings": score["warnings"],
    }
    if score["probability"] is None:
        return answer
    matrix = loaded.view.matrix([standing], now, store)
    steps = _steps(workspace, loaded, store, plays, standing, matrix, score, now)
    held = {step.candidate.play.name: _is_held(workspace, stored, step) for step in steps}
    barriers = {step.candidate.play.name: _barrier(step, limits, held) for step in steps}
    store.contacted.note(list(_offers(workspace, steps, barriers, held, score, now)))
    age_days = (now - standing.lead.started_at) / DAY_US
    phrasing = loaded.words[lang]
    for step in steps:
        name = step.candidate.play.name
        barrier = barriers[name]
        record = _item(workspace, step, told(step, matrix, phrasing, loaded.scorer, age_days), lang, held[name])
        answer["items" if barrier is None else "not_now"].append(record | _reason(barrier, lang))
    return answer


def _steps(
    workspace: Workspace,
    loaded: Loaded,
    store: EventStore,
    plays: Sequence[Play],
    standing: Standing,
    matrix: FeatureMatrix,
    score: Record,
    now: int,
) -> list[Step]:
    values: Mapping[str, object] = {**{name: value for name, (value, _) in standing.lead.attributes.items()}, **matrix.row(0)}
    found = candidates(plays, standing.lead, matrix, score["stage"], values, now)
    if not found:
        return []
    leads = [replace(standing, lead=imagine(standing.lead, now, one.hypothesis)) for one in found]
    imagined = loaded.view.matrix(leads, now, store)
    return ranked(loaded.scorer, found, matrix, imagined.values, score["probability"], workspace.capacity)


def _barrier(step: Step, limits: Limits, held: Mapping[str, bool]) -> Barrier | None:
    """Return why a step is not for now: what was done already, then what is not expected, then the lot."""
    found = limits.barrier(step.candidate.play)
    if found is not None:
        return found
    if not step.is_gain:
        return Barrier("no_gain")
    return Barrier("held_out") if held[step.candidate.play.name] else None


def _is_held(workspace: Workspace, stored: StoredLead, step: Step) -> bool:
    return is_held_out(workspace.hold_out, workspace.name, stored.lead_id, step.candidate.play.name)


def _offers(
    workspace: Workspace,
    steps: Sequence[Step],
    barriers: Mapping[str, Barrier | None],
    held: Mapping[str, bool],
    score: Record,
    now: int,
) -> Iterator[Offer]:
    """Yield what the lot decided: the plays that nothing else stands in the way of. Without a share held out there is no lot."""
    for step in steps if workspace.hold_out else ():
        name = step.candidate.play.name
        barrier = barriers[name]
        if barrier is None or barrier.code == "held_out":
            yield Offer(
                score["lead_id"], name, workspace.name, now, held[name], 1.0 - workspace.hold_out, score["stage"],
                score["probability"], step.difference, score["model"]["version"],
            )  # fmt: skip


def _item(workspace: Workspace, step: Step, missing: list[dict[str, object]], lang: str, held_out: bool) -> Record:
    play = step.candidate.play
    return {
        "play": play.name,
        "text": play.text(lang),
        "reach": play.spec.reach,
        "moves": list(play.spec.moves),
        "missing": missing,
        "probability": step.probability,
        "activity": step.activity,
        "difference": step.difference,
        "cost": step.cost,
        "value": step.value,
        "held_out": held_out,
        "propensity": 1.0 - workspace.hold_out,
    }


def _reason(barrier: Barrier | None, lang: str) -> Record:
    if barrier is None:
        return {"reason": None, "detail": None, "until": None}
    until = None if barrier.until is None else format_us(barrier.until)
    return {"reason": barrier.code, "detail": words(barrier.code, lang, date=(until or "")[:10]), "until": until}


def _ids(stored: StoredLead) -> Iterator[str]:
    """Yield the id of a lead and every id that turned out to be this lead."""
    yield stored.lead_id
    for source, _ in stored.sources:
        yield from _ids(source)
