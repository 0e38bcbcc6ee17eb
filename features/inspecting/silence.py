"""Silence: a behaviour that stopped being sent, or a new event name that nothing maps, seen in the volume per open lead.

A lead counts while it is looked at: from its start to the oldest age of ``snapshots``, as long as it is open. Each of its days
either has an event of a behaviour or not. What the last seven days should have had follows from the weeks before: the same number
of leads, of the same ages. Whole weeks are compared, so that weekends weigh nothing; and weeks are allowed to differ as much as
they always have (a quasi-Poisson law), so that a monthly webinar is not missed three weeks out of four.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.clock import DAY_US
from features.names import matches
from features.reading.table_report import Finding
from features.tables import Tables
from features.workspaces.schema import Workspace

CODE = "behaviour_silent"
WEEK_DAYS, FEWEST_WEEKS, MOST_WEEKS = 7, 4, 26
RECENT_WEEKS = (1, 2, 4)
QUIET = 0.1
"""A behaviour has stopped when at most this share of what it should have is there."""
SURE = 1e-4
NEW_NAME, FEWEST_NEW = 0.01, 20
_LEAST_AGE_DAYS, _MOST_AGE_DAYS = 7, 60
_MEDIAN_OF_CHI2 = 0.455

I8 = npt.NDArray[np.int64]
F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Days:
    """The days of open leads, by week before the end of the data (0 is the last one) and age."""

    ages: int
    exposed: F8
    """[week, age]: how many there are."""
    row: I8
    """The row of each lead in `week`, -1 for those that started too long ago."""
    week: I8
    """[row, age]: the week of each day, -1 where the lead is not open then or the week is too long ago."""


def silent(ws: Workspace, tables: Tables, *, now: int) -> Iterator[Finding]:
    """Yield a warning for each behaviour that has stopped when the data end, ``now``, and for each new unmapped name.

    A behaviour or a name that stands under ``allow:`` is only mentioned. With less than five weeks of data nothing can be said.
    """
    if ws.undated or ws.data.events is None or not len(tables.events):
        return
    yield from _stopped(ws, tables, now)
    yield from _new_names(ws, tables, now)


def stopped_behaviours(ws: Workspace, tables: Tables, *, now: int) -> list[Finding]:
    """Return the warnings that nobody allowed: a training should learn neither from a gap nor past a name that filled it."""
    return [finding for finding in silent(ws, tables, now=now) if finding.level == "warn"]


def _stopped(ws: Workspace, tables: Tables, now: int) -> Iterator[Finding]:
    days = _open_days(ws, tables, now)
    for name, behaviour in ws.behaviours.items():
        patterns = [pattern.event for pattern in behaviour.events]
        mine = np.array([any(matches(pattern, one) for pattern in patterns) for one in tables.events.names], bool)
        if mine.any() and (evidence := _silence(days, _hits(tables, days, mine))):
            allowed = name in ws.allow
            yield Finding("info" if allowed else "warn", f"behaviours.{name}", evidence + (", as allowed" if allowed else ""))


def _silence(days: _Days, hits: F8) -> str:
    """Say since how many weeks (almost) nothing has come; a rare behaviour needs several weeks to be missed."""
    there = np.arange(len(hits))[days.exposed.sum(axis=1) > 0]
    for weeks in RECENT_WEEKS:
        recent, before = there[there < weeks], there[there >= weeks]
        if not len(recent) or len(before) < FEWEST_WEEKS:
            continue
        usual = days.exposed[before].sum(axis=0)
        rate = np.divide(hits[before].sum(axis=0), usual, out=np.zeros(days.ages), where=usual > 0)
        expected, seen = days.exposed @ rate, hits.sum(axis=1)
        restless = _restlessness(seen[before], expected[before])
        now_seen, now_expected = float(seen[recent].sum()), float(expected[recent].sum())
        if now_seen <= QUIET * now_expected and _poisson_up_to(now_seen / restless, now_expected / restless) <= SURE:
            return (
                f"{CODE}: in the last {weeks * WEEK_DAYS} days {now_seen:,.0f} lead-days have such an event, where "
                f"{now_expected:,.0f} are usual for as many open leads of the same ages ({len(before)} weeks before)"
            )
    return ""


def _open_days(ws: Workspace, tables: Tables, now: int) -> _Days:
    """Lay out each lead's days of age: a day counts in the week in which it ends, if the lead is then still open."""
    leads = tables.leads
    ages = int(min(max(max(ws.snapshots.ages_days), _LEAST_AGE_DAYS), _MOST_AGE_DAYS))
    oldest = now - ((MOST_WEEKS + 1) * WEEK_DAYS + ages) * DAY_US
    chosen = np.flatnonzero((leads.started_at >= oldest) & (leads.started_at < now) & ~leads.ignored)
    row = np.full(len(leads), -1, dtype=np.int64)
    row[chosen] = np.arange(len(chosen))
    ends = leads.started_at[chosen, None] + np.arange(1, ages + 1, dtype=np.int64) * DAY_US
    closed = np.minimum(np.minimum(leads.ended_at, leads.converted_at), now)[chosen]
    week = (now - ends) // (WEEK_DAYS * DAY_US)
    week = np.where((ends <= closed[:, None]) & (week <= MOST_WEEKS), week, -1)
    place, age = np.nonzero(week >= 0)
    exposed = np.zeros((MOST_WEEKS + 1, ages))
    np.add.at(exposed, (week[place, age], age), 1.0)
    return _Days(ages, exposed, row, week)


def _hits(tables: Tables, days: _Days, mine: npt.NDArray[np.bool_]) -> F8:
    """Count the days that have an event of some names, by week and age."""
    events, started = tables.events, tables.leads.started_at
    rows = np.flatnonzero(mine[events.name])
    lead = events.lead[rows].astype(np.int64)
    # A day of age is open at its beginning, as every window is.
    age = -((started[lead] - events.at[rows]) // DAY_US) - 1
    inside = (age >= 0) & (age < days.ages) & (days.row[lead] >= 0)
    cells = np.unique(days.row[lead[inside]] * days.ages + age[inside])
    week = days.week[cells // days.ages, cells % days.ages]
    hits = np.zeros(days.exposed.shape)
    np.add.at(hits, (week[week >= 0], (cells % days.ages)[week >= 0]), 1.0)
    return hits


def _restlessness(seen: F8, expected: F8) -> float:
    """Return how much more weeks differ than by a Poisson law; the median, so that silent weeks count little."""
    some = expected > 0
    if not some.any():
        return 1.0
    squares = (seen[some] - expected[some]) ** 2 / expected[some]
    return max(1.0, float(np.median(squares)) / _MEDIAN_OF_CHI2)


def _poisson_up_to(seen: float, expected: float) -> float:
    """Return the chance of so few or fewer.

    >>> round(_poisson_up_to(0, 2.0), 4), round(_poisson_up_to(1, 2.0), 4)
    (0.1353, 0.406)
    """
    if expected <= 0:
        return 1.0
    terms = [-expected + k * math.log(expected) - math.lgamma(k + 1) for k in range(math.floor(seen) + 1)]
    return math.fsum(math.exp(term) for term in terms)


def _new_names(ws: Workspace, tables: Tables, now: int) -> Iterator[Finding]:
    """Yield the names that nothing maps, of which the weeks before knew (almost) nothing: often a behaviour under a new name."""
    events = tables.events
    age = now - events.at
    recent, before = (age >= 0) & (age < WEEK_DAYS * DAY_US), age >= WEEK_DAYS * DAY_US
    if not before.any() or (now - int(events.at.min())) < (FEWEST_WEEKS + 1) * WEEK_DAYS * DAY_US:
        return
    fresh, old = (np.bincount(events.name[chosen], minlength=len(events.names)) for chosen in (recent, before))
    share, share_before = fresh / max(fresh.sum(), 1), old / old.sum()
    for code, name in enumerate(events.names):
        new = share_before[code] < NEW_NAME * share[code]
        if name in tables.unmapped and new and share[code] > NEW_NAME and fresh[code] >= FEWEST_NEW:
            evidence = (
                f"{CODE}: the new name '{name}' has {fresh[code]:,} of the {fresh.sum():,} events of the last 7 days "
                f"({100 * share[code]:.1f} %), {old[code]:,} before; no behaviour maps it"
            )
            allowed = name in ws.allow
            yield Finding("info" if allowed else "warn", "behaviours", evidence + (", as allowed" if allowed else ""))
