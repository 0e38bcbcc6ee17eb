"""Of which leads something new was stored, whichever process stored it; and whose turn it is to look.

Rows count up as they are inserted, so whoever remembers how far it has read finds the new ones. In PostgreSQL a row may become
visible after rows with higher numbers, since its transaction committed later. So a number counts as passed only once all
transactions are over that ran when it was read; until then the rows below it are looked through again for late ones.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Table, exists, func, select, text, update

from features.storing.engine import insert_into
from features.storing.forgetting import standing_place
from features.storing.links import links_from
from features.storing.schema import attribute, contact, event, identity_link, lead, membership, outcome
from features.storing.watch_tables import watch

Transaction = Callable[[], AbstractContextManager[Connection]]

ROWS = 5_000
"""So many rows of a table are looked through at once."""

SOURCES: tuple[Table, ...] = (event, attribute, membership, identity_link, outcome, contact)
_HORIZON = text(
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
)


@dataclass(frozen=True, slots=True)
class Watched:
    """How far the watch has come."""

    began_at: int
    read_to: Mapping[str, int]
    """By table, the number up to which nothing new can appear."""
    sweep_after: str | None = None
    """The last lead that was looked at in the pass over all leads; None between two passes."""
    sweep_begun: int = 0
    swept_by: str = ""
    """The digest of the model that the pass uses."""


@dataclass(slots=True)
class _Reading:
    """What one process remembers beyond what is kept."""

    top: dict[str, int]
    taken: dict[str, set[int]] = field(default_factory=lambda: {table.name: set() for table in SOURCES})
    """Numbers above those kept as read, that were read already."""
    marks: deque[tuple[dict[str, int], int]] = field(default_factory=deque)


class News:
    """The turn to watch, held by one process at a time, and the leads that are to be looked at."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing
        self._memory: _Reading | None = None

    def begin(self, now: int) -> None:
        """Begin the watch at what is stored by now, unless it has begun before."""
        with self._writing() as connection:
            position = {"read_to": {table.name: _newest(connection, table) for table in SOURCES}}
            row = {"name": "leads", "holder": None, "lease_until": 0, "began_at": now, "position": json.dumps(position)}
            connection.execute(insert_into(connection, watch).on_conflict_do_nothing(index_elements=["name"]), [row])

    def hold(self, holder: str, now: int, lease_us: int) -> Watched | None:
        """Take or keep the turn until a lease is over and return how far the watch has come; None while another has it."""
        with self._reading() as connection:
            row = connection.execute(select(watch.c.holder, watch.c.lease_until)).first()
        if row is None:
            self.begin(now)
        elif row[0] != holder and row[1] > now:
            return None
        with self._writing() as connection:
            free = (watch.c.holder == holder) | (watch.c.lease_until <= now)
            if connection.execute(update(watch).where(free).values(holder=holder, lease_until=now + lease_us)).rowcount != 1:
                return None
            began_at, position = connection.execute(select(watch.c.began_at, watch.c.position)).one()
        self._memory = None
        return Watched(began_at, **json.loads(position))

    def keep(self, holder: str, watched: Watched, until: int) -> bool:
        """Keep how far the watch has come and extend the lease; return False if another has taken the turn."""
        position = {name: getattr(watched, name) for name in ("read_to", "sweep_after", "sweep_begun", "swept_by")}
        with self._writing() as connection:
            if watched.sweep_after:  # no lead that was forgotten meanwhile
                position["sweep_after"] = standing_place(connection, watched.sweep_after)
            mine = update(watch).where(watch.c.holder == holder)
            return connection.execute(mine.values(position=json.dumps(position), lease_until=until)).rowcount == 1

    def give_up(self, holder: str) -> None:
        """Let another take the turn at once."""
        with self._writing() as connection:
            connection.execute(update(watch).where(watch.c.holder == holder).values(lease_until=0))

    def fetch(self, watched: Watched) -> tuple[list[str], Watched, bool]:
        """Return the leads of which something is new, how far that takes the watch, and whether there is more at once.

        An id that turned out to be another lead is named, and so is that lead.
        """
        memory = self._memory = self._memory or _Reading(dict(watched.read_to))
        found: dict[str, None] = {}
        more = False
        with self._reading() as connection:
            settled = _settled(connection, memory, watched.read_to)
            for table in SOURCES:
                # From what was settled before: what has settled by now is looked through for late rows a last time.
                rows, full = _rows(connection, table, watched.read_to.get(table.name, 0), memory)
                found.update((one, None) for row in rows for one in row[1:])
                more = more or full
            ids = _ends(connection, found)
        return ids, replace(watched, read_to=_let_go(memory, settled)), more

    def next_leads(self, after: str | None, limit: int) -> list[str]:
        """Return the ids that follow one in the order of all leads, without those that became another lead."""
        merged = exists().where(identity_link.c.from_id == lead.c.lead_id)
        query = select(lead.c.lead_id).where(lead.c.lead_id > (after or ""), ~merged)
        with self._reading() as connection:
            return list(connection.execute(query.order_by(lead.c.lead_id).limit(limit)).scalars())


def _newest(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.max(table.c.seq))).scalar() or 0)


def _settled(connection: Connection, memory: _Reading, kept: Mapping[str, int]) -> dict[str, int] | None:
    """Return the numbers below which all transactions are over; None where rows become visible in their order."""
    if connection.dialect.name != "postgresql":
        for table in SOURCES:  # a number is used again once the newest rows were deleted
            memory.top[table.name] = min(memory.top.get(table.name, 0), _newest(connection, table))
        return None
    settled = dict(kept)
    oldest, following = connection.execute(_HORIZON).one()
    # A number is drawn a moment before its transaction has one itself: the mark after it is the one that must have passed.
    while len(memory.marks) > 1 and memory.marks[1][1] <= oldest:
        settled |= memory.marks.popleft()[0]
    memory.marks.append((dict(memory.top), following))
    return settled


def _let_go(memory: _Reading, settled: dict[str, int] | None) -> dict[str, int]:
    """Forget which numbers were taken below those that have settled, and return these."""
    if settled is None:
        return dict(memory.top)
    for name, taken in memory.taken.items():
        taken.difference_update([seq for seq in taken if seq <= settled.get(name, 0)])
    return settled


def _rows(connection: Connection, table: Table, safe: int, memory: _Reading) -> tuple[list[Any], bool]:
    """Return the rows that were not taken yet, late ones first, and whether there are more."""
    ids = [table.c[name] for name in ("lead_id", "from_id", "to_id") if name in table.c]
    top, taken = memory.top.get(table.name, 0), memory.taken[table.name]
    query = select(table.c.seq, *ids).order_by(table.c.seq)
    late = []
    if safe < top and connection.dialect.name == "postgresql":
        late = [row for row in connection.execute(query.where(table.c.seq > safe, table.c.seq <= top)) if row[0] not in taken]
    fresh = list(connection.execute(query.where(table.c.seq > top).limit(ROWS)))
    if fresh:
        memory.top[table.name] = fresh[-1][0]
    if connection.dialect.name == "postgresql":
        taken.update(row[0] for row in (*late, *fresh))
    return [*late, *fresh], len(fresh) == ROWS


def _ends(connection: Connection, ids: Iterable[str]) -> list[str]:
    """Return some ids and what each of them has become in the end."""
    wanted = dict.fromkeys(ids)
    if not wanted:
        return []
    links = links_from(connection, wanted)
    for one in list(wanted):
        while one in links:
            one = links[one].to_id
        wanted[one] = None
    return list(wanted)
