"""Kill a real server at random instants while clients send events, and look whether anything acknowledged is lost or doubled.

Each client writes the ids that it sends, and those that were acknowledged, to files of its own, synced before its next request;
a batch is sent again until it is acknowledged. The oracle reads the database afterwards: what was acknowledged is there exactly
once, and nothing is there that nobody sent. Nothing here knows how the server works.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import httpx
from sqlalchemy import text

from features.store import EventStore
from tests.journeys.server import ROOT, free_port

CLIENTS, LARGEST = 8, 100
WORKSPACE = """
name: crashed
data:
  leads: {source: leads.csv, id: lead_id, started_at: at}
  events: {source: events.csv, lead: lead_id, name: event, at: at}
  conversions: {source: conversions.csv, lead: lead_id, at: at}
behaviours: {session: {events: [login]}}
"""


@dataclass
class Crash:
    """One run: a home, a database, a seed, and how long each restart took until the server took events (seconds)."""

    folder: Path
    url: str
    seed: int
    restarts: list[float] = field(default_factory=list)
    options: tuple[str, ...] = ()
    surprises: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        print(f"seed {self.seed}")
        (self.folder / "crashed.yaml").write_text(WORKSPACE, encoding="utf-8")
        self.port = free_port()

    @contextmanager
    def server(self) -> Iterator[subprocess.Popen[bytes]]:
        """Start ``trialwise serve`` in a group of its own and wait until it takes events."""
        words = ["serve", "-w", str(self.folder / "crashed.yaml"), "--port", str(self.port), "--open", *self.options]
        told = {"TRIALWISE_HOME": str(self.folder), "TRIALWISE_DATABASE_URL": self.url, "TRIALWISE_RATE": "1000000"}
        told |= {"TRIALWISE_BURST": "1000000", "TRIALWISE_DRAIN_SECONDS": "0", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
        # Nobody promotes here: how long a process without a model waits for its registry is not what is asked.
        told |= {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        begin = time.monotonic()
        with (self.folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "trialwise", *words], cwd=ROOT, env=os.environ | told, stderr=log, start_new_session=True
            )
            try:
                while not self.takes_events():
                    assert process.poll() is None, (self.folder / "server.log").read_text()[-3000:]
                    assert time.monotonic() < begin + 60, "the server did not start"
                    time.sleep(0.02)
                self.restarts.append(time.monotonic() - begin)
                yield process
            finally:
                kill(process)

    def takes_events(self) -> bool:
        try:
            found = httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5)
            return bool(found.json()["checks"]["store"] == "ok")
        except (httpx.TransportError, KeyError, ValueError):
            return False

    def rounds(self, kills: int, disturb: Callable[[subprocess.Popen[bytes]], None] | None = None) -> None:
        """Let clients send all the while; after a random while kill the server or disturb it, and start it again; so many times.

        In the end it runs until every client has had its last batch acknowledged.
        """
        rng, stop = random.Random(self.seed), threading.Event()
        clients = [threading.Thread(target=self.send, args=(number, stop), daemon=True) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for _ in range(kills):
            with self.server() as process:
                time.sleep(0.05 + rng.random() * 0.8)
                if disturb is not None:
                    disturb(process)
        with self.server():
            stop.set()
            for client in clients:
                client.join(timeout=60)

    def send(self, client: int, stop: threading.Event) -> None:
        """Send batches, each again and again until it is acknowledged, until told to stop."""
        rng = random.Random(f"{self.seed}-{client}")
        with (
            httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10) as http,
            (self.folder / f"sent-{client}").open("a", encoding="ascii") as sent,
            (self.folder / f"acknowledged-{client}").open("a", encoding="ascii") as acknowledged,
        ):
            batch = 0
            while not stop.is_set():
                ids = [f"{client}-{batch}-{k}" for k in range(rng.randint(1, LARGEST))]
                note(sent, ids)
                calls = [
                    {"type": "track", "userId": f"lead{rng.randrange(50)}", "event": "login", "messageId": one} for one in ids
                ]
                while not self.is_taken(http, calls):
                    time.sleep(0.02)
                note(acknowledged, ids)
                batch += 1

    def is_taken(self, http: httpx.Client, calls: list[dict[str, str]]) -> bool:
        """Send one batch; return whether it was acknowledged. What is neither that nor "later" fails the run."""
        try:
            answer = http.post("/v1/batch", json={"batch": calls})
        except httpx.TransportError:
            return False
        if answer.status_code != httpx.codes.OK and (answer.status_code != 503 or "retry-after" not in answer.headers):
            self.surprises.append(answer.text)
        return answer.status_code == httpx.codes.OK

    def verify(self) -> int:
        """Compare the database with the clients' files; return how many events were acknowledged."""
        sent, acknowledged = (self.noted(name) for name in ("sent", "acknowledged"))
        assert self.surprises == [], self.errors()
        store = EventStore(self.url)
        with store.reading() as connection:
            stored = [str(row[0]) for row in connection.execute(text("SELECT message_id FROM event"))]
            if connection.dialect.name == "sqlite":
                assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        store.close()
        assert len(stored) == len(set(stored)), f"doubled, seed {self.seed}"
        assert set(acknowledged) <= set(stored), f"lost {sorted(set(acknowledged) - set(stored))[:5]}, seed {self.seed}"
        assert set(stored) <= set(sent), f"never sent, seed {self.seed}"
        assert len(acknowledged) == len(sent), "a client is still waiting"
        return len(acknowledged)

    def errors(self) -> str:
        """Return the errors that the server told of, with where they came from."""
        lines = (self.folder / "server.log").read_text(errors="replace").splitlines()
        places = [i for i, line in enumerate(lines) if " ERROR " in line]
        return "\n".join(line for i in places for line in [lines[i], *itertools.takewhile(is_place, lines[i + 1 :])])

    def noted(self, name: str) -> list[str]:
        return [one for k in range(CLIENTS) for one in (self.folder / f"{name}-{k}").read_text().splitlines()]


def is_place(line: str) -> bool:
    return line.startswith("    ")


def note(file: TextIO, ids: list[str]) -> None:
    """Write ids down so that they survive whatever happens next."""
    file.write("".join(f"{one}\n" for one in ids))
    file.flush()
    os.fsync(file.fileno())


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 a server with all its workers."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
