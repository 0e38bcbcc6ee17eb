"""The account mates of stored leads: those most recently active, read for all accounts of some leads at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from features.definition import Definition
from features.matrix import LiveMate
from features.reading.moments import effective_event
from features.store import EventStore
from features.storing.rows import StoredLead
from serving.live_lead import Reader, counted_until

MOST_READ = 201
"""So many mates count, and one more: a lead that is among its account's most active is no mate of its own."""

NOBODY: Mapping[str, StoredLead] = {}

Rank = tuple[int, str]
"""The most recently active first, then by id."""


def read_mates(
    store: EventStore,
    reader: Reader,
    definition: Definition,
    accounts: Sequence[str],
    as_of: int,
    read: Mapping[str, StoredLead] = NOBODY,
) -> Iterator[tuple[str, list[LiveMate]]]:
    """Yield each account with its most recently active leads as they were known at an instant, those asked about among them.

    The database says who may have been active last; what it says is never too early, so that reading leads in that order may stop
    as soon as nobody who was not read can come before the last one wanted. Most accounts are small: as many are read at once as
    one large account may take, without those that the caller has ``read`` already.
    """
    members = store.active_members(accounts, known_by=as_of, at_most=counted_until(definition, as_of))
    waiting = {account: _ranked(members[account], definition) for account in accounts}
    for some in _together(waiting):
        wanted = {lead_id for account in some for _, lead_id in waiting[account][:MOST_READ]}
        first = {**read, **store.leads(sorted(wanted - read.keys()))}
        for account in some:
            yield account, _most_active(store, reader, account, waiting[account], first, as_of)


def _ranked(members: Mapping[str, int], definition: Definition) -> list[Rank]:
    newest = np.array(list(members.values()), dtype=np.int64)
    if len(newest):
        newest = effective_event(newest, definition.resolution.events, definition.timezone)
    return sorted(zip((-newest).tolist(), members, strict=True))


def _together(waiting: Mapping[str, Sequence[Rank]]) -> Iterator[list[str]]:
    """Yield accounts, several at once as long as their leads are no more than may be read of one."""
    some: list[str] = []
    leads = 0
    for account, ranked in waiting.items():
        more = min(len(ranked), MOST_READ)
        if some and leads + more > MOST_READ:
            yield some
            some, leads = [], 0
        some.append(account)
        leads += more
    if some:
        yield some


def _most_active(
    store: EventStore, reader: Reader, account: str, waiting: Sequence[Rank], stored: Mapping[str, StoredLead], as_of: int
) -> list[LiveMate]:
    """Return the mates of one account, the most recently active first; of those who wait the first are read already."""
    found: list[tuple[Rank, LiveMate]] = []
    for start in range(0, len(waiting), MOST_READ):
        if len(found) >= MOST_READ and found[MOST_READ - 1][0] < waiting[start]:
            break
        part = [lead_id for _, lead_id in waiting[start : start + MOST_READ]]
        if start:
            stored = store.leads(part)
        found += _read([stored[one] for one in part if one in stored], reader, account, as_of)
        found.sort(key=lambda one: one[0])
        del found[MOST_READ:]
    return [mate for _, mate in found]


def _read(stored: list[StoredLead], reader: Reader, account: str, as_of: int) -> list[tuple[Rank, LiveMate]]:
    mates = [reader.mate(one, account, as_of) for one in stored]
    return [((-max(at for _, at, *_ in mate.events), mate.lead_id), mate) for mate in mates if mate is not None and mate.events]
