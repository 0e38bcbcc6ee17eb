"""The account mates of stored leads: those most recently active, read once for each account, however many leads ask for them."""

from __future__ import annotations

import numpy as np

from features.definition import Definition
from features.matrix import LiveMate
from features.reading.moments import effective_event
from features.store import EventStore
from features.storing.rows import StoredLead
from serving.live_lead import Reader, counted_until

MOST_READ = 201
"""So many mates count, and one more: a lead that is among its account's most active is no mate of its own."""

Rank = tuple[int, str]
"""The most recently active first, then by id."""


def read_mates(store: EventStore, reader: Reader, definition: Definition, account: str, as_of: int) -> list[LiveMate]:
    """Return the most recently active leads of an account as they were known at an instant, the one asked about among them.

    The database says who may have been active last; what it says is never too early, so that reading leads in that order may stop
    as soon as nobody who was not read can come before the last one wanted.
    """
    members = store.active_members(account, known_by=as_of, at_most=counted_until(definition, as_of))
    newest = np.array(list(members.values()), dtype=np.int64)
    if len(newest):
        newest = effective_event(newest, definition.resolution.events, definition.timezone)
    waiting = sorted(zip((-newest).tolist(), members, strict=True))
    found: list[tuple[Rank, LiveMate]] = []
    for start in range(0, len(waiting), MOST_READ):
        if len(found) >= MOST_READ and found[MOST_READ - 1][0] < waiting[start]:
            break
        part = [lead_id for _, lead_id in waiting[start : start + MOST_READ]]
        found += _read(list(store.leads(part).values()), reader, account, as_of)
        found.sort(key=lambda one: one[0])
        del found[MOST_READ:]
    return [mate for _, mate in found]


def _read(stored: list[StoredLead], reader: Reader, account: str, as_of: int) -> list[tuple[Rank, LiveMate]]:
    mates = [reader.mate(one, account, as_of) for one in stored]
    return [((-max(at for _, at, *_ in mate.events), mate.lead_id), mate) for mate in mates if mate is not None and mate.events]
