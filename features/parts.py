"""Tables, some leads at a time: whatever is counted lead by lead can be summed, in the memory of a part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from features.tables import Events, Tables

LEADS, EVENTS = 500_000, 4_000_000
"""So many at most are in one part, except that a lead stays with all its events."""


def parts(tables: Tables, *, leads: int = LEADS, events: int = EVENTS) -> Iterator[tuple[int, Tables]]:
    """Yield the tables of some leads that follow one another, and the place of the first of them; one part at least."""
    total, first = len(tables.leads.ids), 0
    if total <= leads and len(tables.events.at) <= events:
        yield 0, tables
        return
    while True:
        begin = int(np.searchsorted(tables.events.lead, np.int32(first)))
        full = begin + events
        # A lead whose events would not fit opens the next part, unless it would open this one.
        last = max(int(tables.events.lead[full]), first + 1) if full < len(tables.events) else total
        last = min(last, first + leads)
        rows = slice(begin, int(np.searchsorted(tables.events.lead, np.int32(last))))
        yield first, replace(tables, leads=tables.leads.take(slice(first, last)), events=_events(tables.events, rows, first))
        first = last
        if first >= total:
            return


def _events(events: Events, rows: slice, first: int) -> Events:
    """Return events of leads that follow one another, the first of which has this place."""
    return replace(
        events,
        lead=events.lead[rows] - np.int32(first),
        name=events.name[rows],
        at=events.at[rows],
        known=events.known[rows],
        count=events.count[rows],
        properties={name: column[rows] for name, column in events.properties.items()},
        row=None if events.row is None else events.row[rows],
    )
