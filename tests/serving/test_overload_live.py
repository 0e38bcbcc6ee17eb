"""A real server with more clients than it has room for: the excess is refused, nothing acknowledged is lost, and it recovers.

That is check 30.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from features.store import EventStore
from tests.serving.conftest import wait_for
from tests.serving.pressing import Told, Wave, percentile, posted, share_of
from tests.serving.pressing import press as press_on
from tests.serving.test_draining import is_ready, keep
from tests.serving.test_run import server, track

CLIENTS = 120
LEADS = 1000
SCORED = {"leads": [{"lead_id": "a", "started_at": "2026-01-01"}], "reasons": 5}


async def press(base: str, seconds: float, acknowledged: set[str]) -> dict[tuple[str, int], int]:
    """Let many clients ask without a pause; count the answers by door and status, and note what was acknowledged."""
    told: dict[tuple[str, int], int] = defaultdict(int)
    end = time.monotonic() + seconds

    async def one(client: httpx.AsyncClient, number: int) -> None:
        turn = 0
        while time.monotonic() < end:
            ids = [f"{number}-{turn}-{i}" for i in range(20)]
            batch: dict[str, Any] = {"batch": [track(one) for one in ids]}
            path, body = ("/v1/batch", batch) if number % 2 else ("/v1/score", SCORED)
            answer = await client.post(path, json=body)
            told[path, answer.status_code] += 1
            if answer.status_code == 503:
                assert answer.json()["code"] == "overloaded"
                assert answer.headers["retry-after"] == "1"
            elif number % 2:
                acknowledged.update(ids)
            turn += 1

    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=60) as client:
        await asyncio.gather(*(one(client, number) for number in range(CLIENTS)))
    return dict(told)


@pytest.mark.parametrize("seconds", [pytest.param(3, marks=pytest.mark.slow), pytest.param(60, marks=pytest.mark.faults)])
def test_the_excess_is_refused_and_nothing_is_lost(folder: Path, tmp_path: Path, models: dict[str, Path], seconds: int) -> None:
    keep(tmp_path, models)
    acknowledged: set[str] = set()
    with server(folder, tmp_path, TRIALWISE_WAITING="4", TRIALWISE_LOG_FORMAT="json") as (client, process):
        wait_for(lambda: is_ready(client), 60)
        told = asyncio.run(press(str(client.base_url), seconds, acknowledged))
        assert {status for _, status in told} == {200, 503}, told
        assert {path for path, status in told if status == 200} == {"/v1/batch", "/v1/score"}
        # At once after the storm everything is as it was.
        assert client.post("/v1/score", json=SCORED).status_code == 200
        assert client.post("/v1/batch", json={"batch": [track("after")]}).json()["accepted"] == 1
        assert resident_mb(process.pid) < 600
    store = EventStore(f"sqlite:///{tmp_path / 'trialwise.db'}")
    with store.reading() as connection:
        stored = connection.exec_driver_sql("SELECT message_id FROM event").scalars().all()
    store.close()
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    lines = [json.loads(line) for line in next(tmp_path.glob("log-*")).read_text().splitlines()]
    refused = [line for line in lines if line.get("status") == 503 and line["route"] in {path for path, _ in told}]
    assert sum(line.get("more", 1) for line in refused) == sum(number for (_, status), number in told.items() if status == 503)
    if seconds >= 60:
        took = sorted(line["ms"] for line in refused if "ms" in line)
        assert took[len(took) // 2] < 20


def wave() -> Wave:
    """Return requests without end: a score of a lead with five reasons, a batch of twenty events, a score, and so on."""
    score = posted("/v1/score", json.dumps(SCORED).encode())
    for turn in itertools.count():
        calls = [track(f"press-{turn}-{i}") | {"userId": f"lead-{turn % LEADS}"} for i in range(20)]
        yield "/v1/score", score
        yield "/v1/batch", posted("/v1/batch", json.dumps({"batch": calls}).encode())


class Row(NamedTuple):
    """A figure, and the bar that it has to stay under."""

    name: str
    figure: float
    bar: float | None = None


def table(*rows: Row) -> None:
    """Print figures beside their bars."""
    print()
    for name, figure, bar in rows:
        verdict = "" if bar is None else f"   bar {bar:g}   {'met' if figure < bar else 'NOT MET'}"
        print(f"  {name:44s} {figure:10.1f}{verdict}")


def resident_mb(pid: int) -> float:
    """Return the memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


@pytest.mark.faults
def test_four_times_what_the_server_can_do(folder: Path, tmp_path: Path, models: dict[str, Path]) -> None:
    """As it is installed: the excess is refused quickly, what is accepted is answered soon, and afterwards all is as before."""
    keep(tmp_path, models)
    with server(folder, tmp_path) as (client, process):
        wait_for(lambda: is_ready(client), 60)
        port, requests = client.base_url.port or 0, wave()
        alone = press_on(port, requests, 10)
        can = sum(one.status == 200 for one in alone) / 10
        told = press_on(port, requests, 60, rate=4 * can, connections=300)
        after = press_on(port, requests, 5)
        resident = resident_mb(process.pid)
    table(
        Row("requests/s alone, 8 connections", can),
        Row("requests/s offered", 4 * can),
        Row("requests/s sent", len(told) / 60),
        *(Row(f"{kind} {status} a second", number / 60) for (kind, status), number in sorted(counts(told).items())),
        Row("accepted p50, ms", percentile(told, 0.5, 200)),
        Row("accepted p99, ms", percentile(told, 0.99, 200), 300),
        *(Row(f"  of these {kind} p99, ms", percentile(of(told, kind), 0.99, 200)) for kind in ("/v1/score", "/v1/batch")),
        Row("refused p50 at the client, ms", percentile(told, 0.5, 503, 429), 20),
        Row("refused p99 at the client, ms", percentile(told, 0.99, 503, 429), 20),
        Row("lateness of the generator itself p99, ms", share_of([one.late for one in told], 0.99)),
        Row("memory, MB", resident, 600),
        Row("accepted p99 right after, ms", percentile(after, 0.99, 200), 300),
    )
    assert {one.status for one in told} <= {200, 429, 503}
    assert {one.kind for one in told if one.status == 200} == {"/v1/score", "/v1/batch"}
    assert {one.status for one in after} == {200}
    assert resident < 600


def counts(told: list[Told]) -> Counter[tuple[str, int]]:
    """Count answers by the kind of their requests and their status."""
    return Counter((one.kind, one.status) for one in told)


def of(told: list[Told], kind: str) -> list[Told]:
    """Return the answers to requests of one kind."""
    return [one for one in told if one.kind == kind]
