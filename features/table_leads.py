"""A lead of the tables in the form in which live scoring has one: for who imagines a few of many leads differently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from features.clock import NEVER
from features.history import EventRow
from features.matrix import LiveAccount, LiveLead, LiveMate
from features.tables import Tables


def live_lead(tables: Tables, place: int, as_of: int, *, with_mates: bool) -> LiveLead:
    """Return a lead by its place, with everything that the tables say of it; `with_mates` if features look at account mates.

    What is computed from it as of an instant up to `as_of` is what is computed from the tables.
    """
    leads = tables.leads
    start = int(leads.started_at[place])
    attributes: dict[str, tuple[object, int]] = {}
    for name, column in {**leads.traits, **leads.attributes}.items():
        known = leads.known.get(name)
        attributes[name] = (_plain(column[place]), start if known is None else int(known[place]))
    account = _account(tables, place, as_of) if with_mates else None
    return LiveLead(leads.ids[place], start, list(_trial_ends(tables, place)), attributes, list(_events(tables, place)), account)


def _trial_ends(tables: Tables, place: int) -> Iterator[tuple[int, int]]:
    """Yield the ends of the trial with the instants at which they were told."""
    leads = tables.leads
    if leads.trial_ends_at[place] < NEVER:
        yield int(leads.trial_ends_at[place]), -NEVER
    for _, layer in sorted(leads.ends_told.items()):
        since, end = layer[place].tolist()
        if since < NEVER:
            yield end, since


def _events(tables: Tables, place: int) -> Iterator[EventRow]:
    events = tables.events
    first, last = np.searchsorted(events.lead, [place, place + 1]).tolist()
    for row in range(first, last):
        properties = {name: _plain(column[row]) for name, column in events.properties.items()}
        told = int(events.at[row]), int(events.known[row]), int(events.count[row])
        yield EventRow(events.names[events.name[row]], *told, properties)


def _account(tables: Tables, place: int, as_of: int) -> LiveAccount | None:
    leads = tables.leads
    if leads.account[place] is None or leads.account_known[place] > as_of:
        return None
    mates = np.flatnonzero(leads.account == leads.account[place]).tolist()
    return LiveAccount(LiveMate(leads.ids[one], int(leads.account_known[one]), list(_events(tables, one))) for one in mates)


def _plain(value: Any) -> object:
    """Return a cell as Python has it; a missing number is None."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if value != value else value
