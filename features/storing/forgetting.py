"""Forgetting a lead, in steps of which each can be the last one before a crash: doing it again completes the rest.

First the tombstones, so that nothing new comes in under any of its ids. Then, once nobody writes who had not seen them, every row
goes in one transaction. Last the bytes go from the files, which is the work of ``erasing``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from features.failpoints import failpoint
from features.storing.gate import barred, hold_off_forgetting, wait_for_writers
from features.storing.holdings import HOLDINGS, about, person_of
from features.storing.said_ids import mentions
from features.storing.schema import event, lead, quarantine
from features.storing.tombstones import secret_of, write_tombstones
from features.storing.watch_tables import watch

Transaction = Callable[[], AbstractContextManager[Connection]]

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken out of the store."""

    ids: int
    """Under how many ids the lead was known."""
    before: bool
    """It had been forgotten before."""
    rows: dict[str, int]
    """How many rows of which table."""


def forget(reading: Transaction, writing: Transaction, lead_id: str, at: int) -> Removed:
    """Bar a lead under all its ids and remove every row about it. All is done once this returns, but for the bytes on the disk.

    Raises
    ------
    InputError
        Other leads were forgotten under another secret.
    """
    with writing() as connection:
        wait_for_writers(connection)
        ids = person_of(connection, lead_id)
        ids = ids if lead_id in ids else [*ids, lead_id]
        before = lead_id in barred(connection, [lead_id])
        write_tombstones(connection, secret_of(connection), ids, at)
        failpoint("forget.before_tombstones")
    failpoint("forget.after_tombstones")
    with reading() as connection:
        mentioned = _events_that_mention(connection, ids)
        refused = _refused_that_mention(connection, ids)
    with writing() as connection:
        overwrite(connection)
        wait_for_writers(connection)
        rows = _remove(connection, ids)
        rows["event_mentions"] = _clear(connection, mentioned)
        rows["quarantine"] += _drop(connection, refused)
        leave_place(connection)
        failpoint("forget.before_commit")
    failpoint("forget.after_commit")
    return Removed(len(ids), before, {name: number for name, number in rows.items() if number})


def overwrite(connection: Connection) -> None:
    """Let SQLite overwrite what is deleted; PostgreSQL has no such thing."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def leave_place(connection: Connection) -> None:
    """Let the pass of the watch over all leads stand at one that is still there."""
    for name, position in connection.execute(select(watch.c.name, watch.c.position)).all():
        told = json.loads(position)
        if told.get("sweep_after"):
            told["sweep_after"] = standing_place(connection, told["sweep_after"])
            connection.execute(update(watch).where(watch.c.name == name).values(position=json.dumps(told)))


def standing_place(connection: Connection, after: str) -> str:
    """Return the last lead up to an id that is there: from it the pass goes on alike."""
    hold_off_forgetting(connection)
    return connection.execute(select(func.max(lead.c.lead_id)).where(lead.c.lead_id <= after)).scalar() or ""


def _remove(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    removed = dict.fromkeys((table.name for table in HOLDINGS), 0)
    for table in HOLDINGS:
        for start in range(0, len(ids), CHUNK):
            given = {"ids": ids[start : start + CHUNK]}
            removed[table.name] += int(connection.execute(delete(table).where(about(table)), given).rowcount)
    return removed


def _events_that_mention(connection: Connection, ids: Sequence[str]) -> list[int]:
    """Return the events that others sent from a browser of the lead; found before the write lock, since all events are read."""
    found: list[int] = []
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        query = select(event.c.seq).where(event.c.anonymous_id.in_(some), event.c.lead_id.not_in(some))
        found += connection.execute(query).scalars()
    return found


def _refused_that_mention(connection: Connection, ids: Sequence[str]) -> list[int]:
    """Return the refused items of others, or of nobody in particular, that speak of the lead."""
    found: set[int] = set()
    for one in ids:
        query = select(quarantine.c.seq, quarantine.c.body).where(
            _contains(connection, json.dumps(one, ensure_ascii=False)[1:-1])
        )
        found.update(seq for seq, body in connection.execute(query) if mentions(body, one))
    return sorted(found)


def _contains(connection: Connection, part: str) -> ColumnElement[bool]:
    place = func.instr if connection.dialect.name == "sqlite" else func.strpos
    return place(quarantine.c.body, part) > 0


def _clear(connection: Connection, events: Sequence[int]) -> int:
    """Let events of others not say any more from which browser they came."""
    done = 0
    for start in range(0, len(events), CHUNK):
        some = event.c.seq.in_(events[start : start + CHUNK])
        done += int(connection.execute(update(event).where(some).values(anonymous_id=None)).rowcount)
    return done


def _drop(connection: Connection, refused: Sequence[int]) -> int:
    done = 0
    for start in range(0, len(refused), CHUNK):
        done += int(connection.execute(delete(quarantine).where(quarantine.c.seq.in_(refused[start : start + CHUNK]))).rowcount)
    return done
