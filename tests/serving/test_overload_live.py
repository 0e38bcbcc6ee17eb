"""A real server with more clients than it has room for: the excess is refused, nothing acknowledged is lost, and it recovers."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.store import EventStore
from tests.serving.conftest import wait_for
from tests.serving.pressing import Wave, percentile, posted
from tests.serving.pressing import press as press_on
from tests.serving.test_draining import is_ready, keep
from tests.serving.test_run import server, track

CLIENTS = 120
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
        resident = int((Path(f"/proc/{process.pid}/statm")).read_text().split()[1]) * 4096
        assert resident < 600 * 2**20
    store = EventStore(f"sqlite:///{tmp_path / 'trialwise.db'}")
    with store.reading() as connection:
        stored = connection.exec_driver_sql("SELECT message_id FROM event").scalars().all()
    store.close()
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    if seconds >= 60:
        lines = [json.loads(line) for line in next(tmp_path.glob("log-*")).read_text().splitlines()]
        took = sorted(line["ms"] for line in lines if line.get("status") == 503 and line.get("route", "").startswith("/v1/"))
        assert took[len(took) // 2] < 20


def wave() -> Wave:
    """Return requests without end: a score of a lead with five reasons, a batch of twenty events, a score, and so on."""
    score = posted("/v1/score", json.dumps(SCORED).encode())
    for turn in itertools.count():
        ids = [f"press-{turn}-{i}" for i in range(20)]
        yield "/v1/score", score
        yield "/v1/batch", posted("/v1/batch", json.dumps({"batch": [track(one) for one in ids]}).encode())


@pytest.mark.faults
def test_four_times_what_the_server_can_do(folder: Path, tmp_path: Path, models: dict[str, Path]) -> None:
    """As it is installed: the excess is refused quickly, what is accepted is answered soon, and afterwards all is as before."""
    keep(tmp_path, models)
    with server(folder, tmp_path) as (client, process):
        wait_for(lambda: is_ready(client), 60)
        port, requests = client.base_url.port or 0, wave()
        alone = asyncio.run(press_on(port, requests, 10))
        can = sum(one.status == 200 for one in alone) / 10
        told = asyncio.run(press_on(port, requests, 60, rate=4 * can, connections=300))
        after = asyncio.run(press_on(port, requests, 5))
        resident = int((Path(f"/proc/{process.pid}/statm")).read_text().split()[1]) * 4096 / 2**20
    statuses = Counter((one.kind, one.status) for one in told)
    accepted, refused, then = percentile(told, 0.99, 200), percentile(told, 0.99, 503, 429), percentile(after, 0.99, 200)
    median = percentile(told, 0.5, 503, 429)
    print(f"\n{can:.0f} requests/s alone; {4 * can:.0f} offered, {len(told) / 60:.0f} sent; {dict(statuses)}")
    print(f"accepted p99 {accepted:.0f} ms (bar: 300); refused p50 {median:.1f}, p99 {refused:.0f} ms; {resident:.0f} MB")
    print(f"after it p99 {then:.0f} ms")
    assert {one.status for one in told} <= {200, 429, 503}
    assert {one.status for one in after} == {200}
    assert resident < 600
