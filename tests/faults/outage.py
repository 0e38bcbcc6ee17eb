"""A server over which the disk fills up or the database goes away, and what it says meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from features.store import EventStore
from tests.faults.crash import WORKSPACE
from tests.journeys.server import ROOT, free_port, wait


@contextmanager
def serving(
    folder: Path, url: str, *before: str, workspace: str = WORKSPACE
) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """Run ``trialwise serve``, perhaps under another program; yields a client of it."""
    (folder / "crashed.yaml").write_text(workspace, encoding="utf-8")
    port, log = free_port(), folder / "server.log"
    command = [
        *before,
        sys.executable,
        "-m",
        "trialwise",
        "serve",
        "-w",
        str(folder / "crashed.yaml"),
        "--open",
        "--port",
        str(port),
    ]
    told = {"TRIALWISE_HOME": str(folder), "TRIALWISE_DATABASE_URL": url, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    told |= {"TRIALWISE_RATE": "1000000", "TRIALWISE_BURST": "1000000", "TRIALWISE_DRAIN_SECONDS": "0"}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | told, stderr=out, start_new_session=True)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            try:
                wait(client, process, "/livez", log)
                yield client, process
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(timeout=30)


def batch(number: int, events: int = 50) -> list[dict[str, Any]]:
    """Return one batch for one of ten leads; its ids say which batch it is."""
    call = {"type": "track", "userId": f"lead{number % 10}", "event": "login", "properties": {"note": "x" * 200}}
    return [call | {"messageId": f"{number}-{k}"} for k in range(events)]


def send(client: httpx.Client, number: int) -> bool:
    """Send a batch; return whether it was acknowledged. The only other answer allowed is 503 with Retry-After."""
    begin = time.monotonic()
    answer = client.post("/v1/batch", json={"batch": batch(number)})
    if answer.status_code == httpx.codes.OK:
        assert answer.json()["refused"] == []
        return True
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable"), answer.text
    assert int(answer.headers["retry-after"]) > 0
    print(f"refused after {time.monotonic() - begin:.1f} s")
    return False


def until_acknowledged(client: httpx.Client, number: int, seconds: float = 30) -> None:
    """Send a batch again and again, as a client that was told to come back does; print how long that took."""
    begin = time.monotonic()
    while not send(client, number):
        assert time.monotonic() < begin + seconds, "the server did not recover"
        time.sleep(0.1)
    print(f"acknowledged again after {time.monotonic() - begin:.1f} s")


def stored(url: str) -> list[str]:
    """Return the ids of the batches of which every event is there, once; a batch of which only a part is there is a failure."""
    store = EventStore(url)
    with store.reading() as connection:
        ids = [str(row[0]) for row in connection.execute(text("SELECT message_id FROM event"))]
    store.close()
    assert len(ids) == len(set(ids))
    numbers = sorted({one.split("-")[0] for one in ids}, key=int)
    assert len(ids) == 50 * len(numbers)
    return numbers


def threads(process: subprocess.Popen[bytes]) -> int:
    """Return how many threads the server has."""
    return len(list(Path(f"/proc/{process.pid}/task").iterdir()))
