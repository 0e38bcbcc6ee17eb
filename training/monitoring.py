"""The work of ``trialwise monitor``: is the champion still right, and do today's leads still look like those it learnt from?

A retraining is worth its trouble when a promise was broken, when what the model reads has changed, or when it is missing. Each
of these alarms asks for a number of leads, for a change of some size, and for an interval that leaves no doubt: in a world that
stands still there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from features.clock import DAY_US, format_us, now_us
from features.errors import StoppedError
from features.inspecting.silence import stopped_behaviours
from features.reading.as_of_now import read_as_of_now
from features.reading.inactivity import close_inactive
from features.reading.model_part import as_trained
from features.reading.moments import TimeError, parse_moment
from features.tables import Tables
from features.workspace import Workspace, load_workspace
from models.champion import Champion, find_champion
from models.population import needs_dates, parse_when
from training.dataset import label_rule
from training.drift import RECENT_DAYS, REFERENCE_DAYS, Looked, Shift, looked_at, shifts
from training.evaluate_verb import need_same_label
from training.promised import LEDGER, Promised, promised_by_server, promised_in_file
from training.realised import Realised, realised
from training.volume_drift import Volume, volumes_now

Say = Callable[[str], None]

MATURE_DAYS = 56
"""Of the mature scores those of the last so many days count: what was wrong long ago may have been put right since."""


def run_monitor(workspace: Path, scores: Path | None = None, as_of: str | None = None, *, say: Say) -> dict[str, Any]:
    """Compare what was promised with what came, and now with then; return what ``monitor --json`` prints.

    Without a file of scores the promises are those of the server's ledger. ``retrain`` says whether there is a reason.

    Raises
    ------
    InputError
        The data have no dates, the model promises something else than the file asks, or the scores cannot be read.
    StoppedError
        There is no champion, which is a reason to train, or nothing in the data is known by then.
    """
    ws = load_workspace(workspace)
    if ws.data.undated:
        raise needs_dates("trialwise monitor")
    champion = find_champion(ws.name)
    if champion is None:
        raise StoppedError(
            "there is no champion to watch",
            given=f"workspace {ws.name!r} without a champion",
            expected="a promoted model",
            do="run trialwise train; where its verdict is no usable signal, nothing is promoted",
        )
    need_same_label(ws, champion.scorer)
    tables, now = _read(ws, champion, as_of)
    rule = label_rule(ws)
    last = now - rule.horizon_us - rule.known_after_us
    given = promised_in_file(scores) if scores else promised_by_server(since=last - MATURE_DAYS * DAY_US, until=now)
    if given is None:
        say("There is no file of scores (--scores) and no ledger, so that nothing can be said of what was promised.")
        given = Promised(LEDGER, [], np.zeros(0, np.int64), np.zeros(0), [])
    came = realised(tables, given, champion.scorer.reference, rule, now)
    seen = _drift(champion, tables, now)
    silent = [finding.evidence for finding in stopped_behaviours(ws, tables, now=now)]
    reasons = [*came.reasons(), *silent, *seen.reasons()]
    result = _result(champion, now, given, came, seen)
    return result | {"retrain": bool(reasons), "reason": _sentence(reasons), "reasons": reasons}


@dataclass(frozen=True, slots=True)
class _Drift:
    age_days: float
    before: int
    now: int
    shifts: list[Shift]
    volumes: list[Volume]

    def reasons(self) -> Iterator[str]:
        """Say what changed, causes before what follows from them."""
        yield from (one.reason for one in self.volumes if one.alarm)
        moved = [one for one in self.shifts if one.alarm]
        yield from (one.reason for one in sorted(moved, key=lambda one: (not one.gone, one.name == "scores", -one.psi)))


def _read(ws: Workspace, champion: Champion, as_of: str | None) -> tuple[Tables, int]:
    """Read the tables as the model was trained and as they were known at the cut; return them with the present instant."""
    cut = None if as_of is None else parse_when(as_of, "--as-of", ws)
    definition = champion.scorer.definition
    tables, cut = read_as_of_now(ws, definition, cut=cut)
    if not tables.newest:
        given = "no data" if cut is None else f"as of {format_us(cut)}"
        raise StoppedError("nothing in the data is known by then", given=given, expected="a later time", do="choose another")
    return close_inactive(as_trained(ws, definition), tables), tables.newest if cut is None else cut


def _drift(champion: Champion, tables: Tables, now: int) -> _Drift:
    """Compare the last weeks with the year up to the training, never with themselves."""
    scorer = champion.scorer
    ages = scorer.reference.ages
    age = ages[len(ages) // 2]
    since = now - RECENT_DAYS * DAY_US
    until = min(_trained_at(champion), since)
    before = looked_at(scorer, tables, age, until - REFERENCE_DAYS * DAY_US, until)
    recent: Looked = looked_at(scorer, tables, age, since, now)
    return _Drift(age, len(before), len(recent), shifts(scorer, before, recent, age), volumes_now(scorer, tables, since, now))


def _trained_at(champion: Champion) -> int:
    """Return as of when the champion was trained; now where it does not say."""
    try:
        return parse_moment(str(champion.scorer.meta.facts.get("as_of", "")))
    except TimeError:
        return now_us()


def _result(champion: Champion, now: int, given: Promised, came: Realised, seen: _Drift) -> dict[str, Any]:
    overall = came.overall
    return {
        "version": champion.ref.version,
        "as_of": format_us(now),
        "scores": {
            "source": given.origin,
            "read": len(given.lead),
            "versions": sorted(set(given.version) - {""}),
            "mature": 0 if overall is None else overall.answers,
            "left_out": came.left_out,
        },
        "realised": None if overall is None else overall.as_dict(),
        "grades": [one.as_dict() for one in came.grades],
        "calibration": came.calibration(),
        "drift": {
            "age_days": seen.age_days,
            "leads": seen.now,
            "leads_before": seen.before,
            "shifts": [one.as_dict() for one in seen.shifts],
            "volumes": [one.as_dict() for one in seen.volumes],
        },
    }


def _sentence(reasons: list[str]) -> str | None:
    """Return why to retrain, in a sentence."""
    if not reasons:
        return None
    more = f"; and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"Retrain, once the source of the data is known to be right: {reasons[0]}{more}."
