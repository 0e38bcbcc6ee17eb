"""Which events stop at the conversion: absent from the weeks after it, where leads of the same age and season still have them.

Leads are compared with those who started in the same month and never converted, day of age by day of age, so that neither the end
of a trial nor that of a season is taken for an effect of paying. What counts is the leads that have the event at all, not how
often: a few busy leads prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, NEVER
from features.tables import Tables
from training.metrics import Floats, Ints

AFTER_DAYS, MOST_AGE_DAYS = 28, 400
FEWEST_EXPECTED = 20.0
STOPPED = 0.1
STILL_THERE = 0.5
"""Before the conversion the event must have been at least this usual: what was never there does not stop."""


@dataclass(frozen=True, slots=True)
class Stop:
    """An event that leads had before their conversion, and (almost) none has after it."""

    leads: int
    expected: float
    seen: int


@dataclass(frozen=True, slots=True)
class _Days:
    """Days of age of every lead, grouped by the month of the start: which are open, which just before a conversion or after."""

    month: Ints
    months: int
    ages: int
    last: Ints
    """The last whole day of age that lies in the data."""
    paid: Ints
    """The day of age of the conversion, NEVER for those without."""

    def exposed(self, lead: Ints, first: Ints, stop: Ints) -> Floats:
        """Count the days of age in ``[first, stop)`` of some leads, by month and age."""
        edges = np.zeros((self.months, self.ages + 1))
        first, stop = np.clip(first, 0, self.ages), np.clip(stop, 0, self.ages)
        some = stop > first
        np.add.at(edges, (self.month[lead[some]], first[some]), 1.0)
        np.add.at(edges, (self.month[lead[some]], stop[some]), -1.0)
        days: Floats = np.cumsum(edges, axis=1)[:, :-1]
        return days


def stops(tables: Tables, now: int) -> dict[str, Stop]:
    """Return the event names that stop at the conversion."""
    leads, events = tables.leads, tables.events
    days = _days(tables, now)
    counted = ~leads.ignored & (leads.converted_at > leads.started_at)
    others, payers = np.flatnonzero(counted & (days.paid == NEVER)), np.flatnonzero(counted & (days.paid < NEVER))
    exposed = days.exposed(others, np.zeros(len(others), np.int64), days.last[others])
    until = np.minimum(days.paid[payers] + 1 + AFTER_DAYS, days.last[payers])
    after = days.exposed(payers, days.paid[payers] + 1, until)
    before = days.exposed(payers, days.paid[payers] - AFTER_DAYS, days.paid[payers])
    watched = int((until > days.paid[payers] + 1).sum())
    if not len(events) or watched < FEWEST_EXPECTED:
        return {}

    age = (events.at - leads.started_at[events.lead]) // DAY_US
    inside = counted[events.lead] & (age >= 0) & (age < np.minimum(days.last[events.lead], days.ages))
    lead, age, name = events.lead[inside].astype(np.int64), age[inside], events.name[inside]
    since = age - days.paid[lead]
    of_others = days.paid[lead] == NEVER
    is_after = ~of_others & (since >= 1) & (since <= AFTER_DAYS)
    is_before = ~of_others & (since < 0) & (since >= -AFTER_DAYS)
    found = {}
    for code, text in enumerate(events.names):
        mine = name == code
        if mine.sum() < FEWEST_EXPECTED:
            continue
        usual = _lead_days(lead[mine & of_others], age[mine & of_others], days.ages)
        hits = np.zeros(exposed.shape)
        np.add.at(hits, (days.month[usual // days.ages], usual % days.ages), 1.0)
        rate = np.divide(hits, exposed, out=np.zeros_like(hits), where=exposed > 0)
        spells = len(np.unique((usual // days.ages) * days.ages + usual % days.ages // AFTER_DAYS))
        busy = max(len(usual) / max(spells, 1), 1.0)  # days on which a lead has it, in four weeks in which it does
        expected = min(float((rate * after).sum()) / busy, float(watched))
        seen = len(np.unique(lead[mine & is_after]))
        seen_before = len(_lead_days(lead[mine & is_before], age[mine & is_before], days.ages))
        if (
            expected >= FEWEST_EXPECTED
            and seen <= STOPPED * expected
            and seen_before >= STILL_THERE * float((rate * before).sum())
        ):
            found[text] = Stop(watched, expected, seen)
    return found


def _days(tables: Tables, now: int) -> _Days:
    leads = tables.leads
    _, month = np.unique(leads.started_at.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64), return_inverse=True)
    last = np.maximum((np.minimum(leads.ended_at, now) - leads.started_at) // DAY_US, 0)
    paid = np.where(leads.converted_at < NEVER, (leads.converted_at - leads.started_at) // DAY_US, NEVER)
    ages = int(min(last.max(initial=0), MOST_AGE_DAYS))
    return _Days(month, int(month.max(initial=-1)) + 1, ages, last, paid)


def _lead_days(lead: Ints, age: Ints, ages: int) -> NDArray[np.int64]:
    """Return the distinct pairs of a lead and a day of its age, each as one number."""
    pairs: Ints = np.unique(lead * max(ages, 1) + age)
    return pairs
