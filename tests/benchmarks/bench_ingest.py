"""Durable ingestion over HTTP as a share of what the driver itself inserts: batches of 100 events, SQLite and PostgreSQL.

Run it with ``python -m tests.benchmarks.bench_ingest [--seconds 6] [--passes 3]``; PostgreSQL where TRIALWISE_TEST_POSTGRES names
a server. Ours is ``trialwise serve`` with a key, on one core, with 8 connections from the other. Raw is one connection of the
driver on the server's core: the rows that the server makes of the same calls, into the same table with its indices, in the same
database or on the same disk, one ``executemany`` and one commit for each 100, as durable. Both take turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from features.clock import now_us
from features.store import EventStore
from features.storing.engine import parse_url
from features.storing.writes import EVENT_COLUMNS, event_row
from serving.items import Arrival
from serving.segment import clean
from tests.benchmarks import http_load
from tests.benchmarks.bench_http import LOAD_CORE, SERVER_CORE, cpu_seconds, free_port, key_of, serving, settle
from tests.benchmarks.http_model import WORKSPACE
from tests.store_fixture import scratch_database

BAR = 0.60
EVENTS = 100
MOST_A_SECOND = 300
"""Batches that are made beforehand for each second; a server that were faster would be sent repeats, which ends the run."""


def call(i: int) -> dict[str, Any]:
    """Return one call as an analytics library sends it, about 300 bytes."""
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    names = ("login", "feature.a", "feature.b", "upgrade", "commented", "campaign.mail", "demo", "ticket")
    return {
        "type": "track", "messageId": secrets.token_hex(16), "userId": f"lead {i * 7919 % 5000}", "event": names[i % 8],
        "timestamp": when, "properties": {"plan": "pro", "minutes": i % 90, "path": "/projects/7"},
        "context": {"library": {"name": "analytics-python", "version": "2.3.4"}},
    }  # fmt: skip


def batch(turn: int) -> list[dict[str, Any]]:
    """Return one batch of calls with ids that nobody else has."""
    return [call(turn * EVENTS + i) for i in range(EVENTS)]


def over_http(port: int, key: str, seconds: float) -> tuple[float, int]:
    """Send batches from the other core; return events/s and how many batches were sent in all."""
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    bodies = [json.dumps({"batch": batch(turn)}).encode() for turn in range(int(seconds * 1.2 * MOST_A_SECOND))]
    found = asyncio.run(http_load.run(port, http_load.posts("/v1/batch", bodies, key), seconds))
    if found["requests"] > len(bodies):
        raise SystemExit("the server was faster than batches were made: raise MOST_A_SECOND")
    return found["rate"] * EVENTS, int(found["requests"])


def raw(url: str, seconds: float) -> float:
    """Insert rows through the driver alone for some seconds, and return events/s."""
    os.sched_setaffinity(0, {int(SERVER_CORE)})
    arrival = Arrival(now_us())
    made = [
        [event_row(clean(one, arrival)) for one in batch(turn)]
        for turn in range(int(seconds * 150))  # made beforehand; the driver ends early if it is faster
    ]
    done, begin = 0, time.perf_counter()
    with _inserting(url) as insert:
        for rows in made:
            insert(rows)
            done += 1
            if time.perf_counter() - begin >= seconds:
                break
    return done * EVENTS / (time.perf_counter() - begin)


@contextmanager
def _inserting(url: str) -> Iterator[Callable[[list[Any]], None]]:
    """Give a function that stores rows durably in a transaction of their own."""
    into = f"INSERT INTO event ({', '.join(EVENT_COLUMNS)}) VALUES"
    skip = "ON CONFLICT (message_id) DO NOTHING"
    if url.startswith("sqlite"):
        lite = sqlite3.connect(str(parse_url(url).database), isolation_level=None)
        lite.execute("PRAGMA synchronous=FULL")  # WAL the file is in already
        sql = f"{into} ({', '.join('?' * len(EVENT_COLUMNS))}) {skip}"

        def insert(rows: list[Any]) -> None:
            lite.execute("BEGIN IMMEDIATE")
            lite.executemany(sql, rows)
            lite.execute("COMMIT")

        yield insert
        lite.close()
        return
    import psycopg

    with psycopg.connect(parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)) as connection:

        def insert_there(rows: list[Any]) -> None:
            connection.cursor().executemany(f"{into} ({', '.join(['%s'] * len(EVENT_COLUMNS))}) {skip}".encode(), rows)
            connection.commit()

        yield insert_there


def alone(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run work in a fresh process, so that it may pin itself."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def measure(name: str, url: str, other: str, folder: Path, seconds: float, passes: int) -> None:
    """Measure one database and print the share; ``other`` is where the driver inserts."""
    (folder / "bench.yaml").write_text(WORKSPACE, encoding="utf-8")
    os.environ["TRIALWISE_DATABASE_URL"] = url
    for each in (url, other):
        store = EventStore(each)
        store.migrate()
        store.close()
    key, port = key_of(folder), free_port()
    command = [sys.executable, "-m", "trialwise", "serve", "-w", str(folder / "bench.yaml"), "--port", str(port)]
    ours, drivers, costs, sent = [], [], [], 0
    with serving(folder, command, port, "/livez") as group:
        sent += alone(over_http, port, key, 1.0)[1]
        settle(group)
        for _ in range(passes):
            drivers.append(alone(raw, other, seconds))
            begin = cpu_seconds(group)
            rate, batches = alone(over_http, port, key, seconds)
            costs.append((cpu_seconds(group) - begin) * 1e6 / batches / EVENTS)
            ours.append(rate)
            sent += batches
    store = EventStore(url)
    stored = store.counts()["event"]
    store.close()
    if stored != sent * EVENTS:
        raise SystemExit(f"{sent * EVENTS} events were acknowledged and {stored} are stored")
    share = statistics.median(ours) / statistics.median(drivers)
    print(
        f"{name}: over HTTP {statistics.median(ours):,.0f} events/s ({statistics.median(costs):.0f} us CPU each), "
        f"by the driver {statistics.median(drivers):,.0f}: {share:.0%} (bar: {BAR:.0%}) {'ok' if share >= BAR else 'MISSED'}; "
        f"passes {', '.join(f'{a / b:.0%}' for a, b in zip(ours, drivers, strict=True))}",
        flush=True,
    )


def _database(name: str, path: Path) -> AbstractContextManager[str]:
    return scratch_database() if name == "postgresql" else nullcontext(f"sqlite:///{path}")


def main() -> None:
    """Measure both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    asked = parser.parse_args()
    if not {int(SERVER_CORE), int(LOAD_CORE)} <= os.sched_getaffinity(0):
        raise SystemExit("this benchmark needs two cores: one for the server, one for the load")
    has_server = bool(os.environ.get("TRIALWISE_TEST_POSTGRES"))
    for name in (asked.only,) if asked.only else ("sqlite", *(("postgresql",) if has_server else ())):
        folder = Path(tempfile.mkdtemp(prefix="bench-ingest-"))
        try:
            with _database(name, folder / "ours.db") as url, _database(name, folder / "raw.db") as other:
                measure(name, url, other, folder, asked.seconds, asked.passes)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
