"""The audit of columns that know what came after the start of their lead: dates of later days, and counts of later events.

Attributes are taken for known from the start on. A date near every conversion, or a number that goes with what leads did in the
weeks after they started, cannot have been known then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, NEVER
from features.reading.moments import TimeError, parse_moment
from features.reading.table_report import Finding
from features.tables import Tables
from training.metrics import Floats, Ints

FEWEST_LEADS, FEWEST_COUNTED = 20, 100
AT_CONVERSION = 0.8
"""A date that lies within a day of the conversion for so many of those who have both is the date of the conversion."""
LATER_DATES = 0.05
GOES_WITH = 0.7
"""A rank correlation this high with what leads do later is no coincidence and no forecast."""
MOST_NAMES = 40

_DOTTED = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})(.*)", re.DOTALL)
_LOOKS = 200

Columns = Mapping[str, NDArray[Any]]


def dates_afterwards(columns: Columns, tables: Tables, lead: Ints) -> Iterator[Finding]:
    """Yield the columns of dates: those of the conversion are leaks, those of later days are asked about."""
    started, paid = tables.leads.started_at[lead], tables.leads.converted_at[lead]
    for name, values in columns.items():
        if values.dtype != object or (us := _dates(values[lead])) is None:
            continue
        known = us != NEVER
        both = known & (paid < NEVER)
        near = int((np.abs(us - paid)[both] <= DAY_US).sum())
        later = int((us - started > DAY_US)[known].sum())
        if both.sum() >= FEWEST_LEADS and near >= AT_CONVERSION * both.sum():
            evidence = f"its dates lie within a day of the conversion for {near:,} of {int(both.sum()):,} leads that have both"
            yield Finding("leak", name, evidence)
        elif later >= max(FEWEST_LEADS, LATER_DATES * known.sum()):
            evidence = f"it holds dates, {later:,} of {int(known.sum()):,} more than a day after the start of their lead"
            yield Finding("ask", name, f"{evidence}: was it known at sign-up?")


def counts_afterwards(columns: Columns, tables: Tables, lead: Ints) -> Iterator[Finding]:
    """Yield the numbers that go with how much leads did after their first day."""
    later = None
    for name, values in columns.items():
        if values.dtype == object:
            continue
        known = np.flatnonzero(~np.isnan(values[lead]))
        numbers = values[lead][known]
        if len(known) < FEWEST_COUNTED or len(np.unique(numbers)) < 3:
            continue
        later = _later_counts(tables) if later is None else later
        found = [(abs(rank_correlation(numbers, count[lead][known])), what) for what, count in later.items()]
        most, what = max(found, default=(0.0, ""))
        if most >= GOES_WITH:
            evidence = (
                f"it goes with the number of {what} after the first day (rank correlation {most:.2f}, {len(known):,} leads)"
            )
            yield Finding("leak", name, f"{evidence}: nobody knew that at sign-up")


def rank_correlation(one: Floats, other: Floats) -> float:
    """Return Spearman's rank correlation; 0 where one of the two never varies.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0]))
    0.5
    """
    a, b = _ranks(one), _ranks(other)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread else 0.0


def _ranks(values: Floats) -> Floats:
    _, place, n = np.unique(values, return_inverse=True, return_counts=True)
    middle: Floats = np.cumsum(n) - (n - 1) / 2
    return middle[place]


def _later_counts(tables: Tables) -> dict[str, Floats]:
    """Count for every lead the events after its first day: all of them, and those of the most frequent names."""
    leads, events = tables.leads, tables.events
    rows = np.flatnonzero(events.at > leads.started_at[events.lead] + DAY_US)
    lead, name = events.lead[rows], events.name[rows]
    counts = {"events": np.bincount(lead, events.count[rows], minlength=len(leads))}
    total = np.bincount(name, minlength=len(events.names))
    for code in np.argsort(-total, kind="stable")[:MOST_NAMES].tolist():
        if total[code] >= FEWEST_COUNTED:
            mine = name == code
            counts[f"'{events.names[code]}'"] = np.bincount(lead[mine], events.count[rows][mine], minlength=len(leads))
    return {what: count.astype(np.float64) for what, count in counts.items() if count.any()}


def _dates(values: NDArray[np.object_]) -> Ints | None:
    """Read a column as dates, NEVER where there is none; None if its values are no dates."""
    known = [value for value in values if value is not None]
    if len(known) < FEWEST_LEADS or sum(_date(value) < NEVER for value in known[:_LOOKS]) < 0.9 * len(known[:_LOOKS]):
        return None
    return np.array([NEVER if value is None else _date(value) for value in values], dtype=np.int64)


def _date(value: object) -> int:
    """Read a date or a time, of the forms 2026-05-07 and 7.5.2026; a time without a zone is near enough in UTC."""
    text = str(value).strip()
    if dotted := _DOTTED.fullmatch(text):
        day, month, year, rest = dotted.groups()
        text = f"{year}-{int(month):02d}-{int(day):02d}{rest}"
    try:
        return parse_moment(text, zone="UTC")
    except TimeError:
        return NEVER
