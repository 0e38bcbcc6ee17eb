"""A store, brought forward or made to forget a lead by a process that is killed on the way, and what the next one makes of it.

Run as a program: ``python -m tests.faults.killed_store DATABASE migrate|forget KILLS``: so many kills, over the named points in
turn. Prints a JSON line for each: how the child ended, what it left, and what is there once another has done it again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import delete, inspect, text

from features import failpoints
from features.store import EventStore
from features.storing.schema import NEWEST, schema_version, tables
from tests.features.storing.test_forgetting import fill, found, track

ADDED = (
    "tombstone_secret", "watch", "lead_state", "transition", "outbox", "endpoint", "loaded", "pushed", "offer", "latest_score",
)  # fmt: skip
"""The tables that a store of version 1 did not have."""

MIGRATING = (
    ("migrate.made", 1), *(("migrate.step", number) for number in range(1, NEWEST)), ("migrate.before_commit", 1),
    ("migrate.after_commit", 1),
)  # fmt: skip
"""Where a migration is killed, and which time it gets there."""

FORGETTING = ("before_tombstones", "after_tombstones", "before_commit", "after_commit", "before_checkpoint")


def in_child(work: Callable[[], None]) -> int:
    """Do some work in a process of its own and return how it ended, as os.waitpid tells it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def opened(url: str) -> EventStore:
    return EventStore(url, wait_ms=20_000)


def dying(point: str, nth: int = 1) -> None:
    """Arrange that this process is killed the n-th time it comes to a point."""
    failpoints._NAME, failpoints._WHAT, failpoints._NTH = point, "kill", str(nth)


def make_old(url: str, *, empty: bool) -> None:
    """Leave an empty database, or a store of version 1 with one event in it."""
    store = opened(url)
    tables.drop_all(store.engine)
    if not empty:
        store.migrate()
        store.add([track("1", "a")])
        with store.writing() as connection:
            for name in ADDED:
                connection.execute(text(f"DROP TABLE {name}"))
            connection.execute(delete(schema_version))
            connection.execute(schema_version.insert().values(version=1, applied_at=1))
    store.close()


def shape(url: str) -> dict[str, Any]:
    """Return the version of a store, its tables, and how many events it holds."""
    store = opened(url)
    names = set(inspect(store.engine).get_table_names())
    with store.reading() as connection:
        count = connection.execute(text("SELECT count(*) FROM event")).scalar() if "event" in names else 0
        version = connection.execute(text("SELECT max(version) FROM schema_version")).scalar() if names else 0
    store.close()
    return {"version": version, "tables": sorted(names), "events": count}


def migrate(url: str, number: int) -> None:
    """Kill one migration; print what is left and what the next one makes of it."""
    point, nth = MIGRATING[number % len(MIGRATING)]
    empty = point == "migrate.made" or (number % 2 > 0 and point != "migrate.step")
    made = in_child(lambda: make_old(url, empty=empty))

    def killed() -> None:
        dying(point, nth)
        opened(url).migrate()

    ended = in_child(killed)
    left = shape(url)
    again = in_child(lambda: None if opened(url).migrate() == NEWEST else os._exit(2))
    told = {"point": point, "made": made, "ended": ended, "empty": empty, "left": left, "again": again, "then": shape(url)}
    print(json.dumps(told), flush=True)


def holds(url: str, lead_id: str, browser: str) -> dict[str, Any]:
    """Return in which tables a lead is found, whether an event of it is refused, and whether its bytes are in a file."""
    store = opened(url)
    store.need_same_secret(b"s")
    refused = store.add([track(f"late-{browser}", browser)]) == ["forgotten"]
    rows = found(store, lead_id) | found(store, browser)
    path = Path(str(store.engine.url.database)).parent if store.engine.dialect.name == "sqlite" else None
    store.close()
    files = [one.read_bytes() for one in path.iterdir() if one.is_file()] if path else []
    in_file = any(name.encode() in content for content in files for name in (lead_id, browser))
    return {"rows": sorted(rows), "refused": refused, "in_file": in_file}


def forget(url: str, number: int) -> None:
    """Kill one forgetting; print what is left and what the next one makes of it."""
    lead_id, browser = f"ann-canary-{'x' * number}-7", f"browser-canary-{'y' * number}-7"
    points = FORGETTING if url.startswith("sqlite") else FORGETTING[:-1]  # PostgreSQL has no file to be written anew
    point = points[number % len(points)]

    def begin() -> None:
        store = opened(url)
        store.migrate()
        store.need_same_secret(b"s")
        fill(store, lead_id, browser)

    def act() -> None:
        store = opened(url)
        store.need_same_secret(b"s")
        assert store.privacy.forget(lead_id, 99 + number).problem is None

    def killed() -> None:
        dying(f"forget.{point}")
        act()

    told = {"point": point, "made": in_child(begin), "ended": in_child(killed), "left": holds(url, lead_id, browser)}
    told |= {"again": in_child(act), "then": holds(url, lead_id, browser)}
    print(json.dumps(told), flush=True)


def main(url: str, action: str, kills: int) -> None:
    for number in range(kills):
        (migrate if action == "migrate" else forget)(url, number)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
