"""Mixed load on a real server: events in, scores out, with and without reasons, and lists, at a steady pace for some time.

Prints percentiles by kind of request, errors, and how memory and open files of the server grew. Run as a program it loads a
server that runs already: ``python -m tests.load.mixed http://127.0.0.1:8080 --pid 4711 --leads ids.json --seconds 7200``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np

CLIENTS = 8
SETTLING = 0.2
"""The share of the time after which growth is measured: caches fill first."""
BUDGETS = {"ingest": 50.0, "score": 50.0, "reasons": 75.0, "batch": 300.0, "list": 300.0}
"""Milliseconds at p99, of check 40; printed beside what was measured, and nothing fails because of them."""
EVENTS_A_LEAD = 60
"""After so many events a lead pays and a new one takes its place: a trial has an end, or answers would read more and more."""
WEIGHTS = {"ingest": 10, "score": 5, "reasons": 3, "batch": 1, "list": 1}


@dataclass
class Load:
    """What is sent where, and what came of it."""

    address: str
    pid: int
    seconds: float
    rate: float
    lead_ids: list[str]
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: list[str] = field(default_factory=list)
    samples: list[tuple[float, float, float]] = field(default_factory=list)
    """Second, resident MB, open files: of the server and its workers together."""

    def run(self) -> None:
        """Send until the time is over."""
        begin = time.monotonic()
        clients = [threading.Thread(target=self._client, args=(number, begin)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        while time.monotonic() < begin + self.seconds:
            self.samples.append((time.monotonic() - begin, *measured(self.pid)))
            time.sleep(min(1.0, self.seconds / 20))
        for client in clients:
            client.join()

    def _client(self, number: int, begin: float) -> None:
        rng = random.Random()  # two runs against one server must not send the same ids
        heard = dict.fromkeys(range(number, len(self.lead_ids), CLIENTS), 0)
        kinds: dict[str, Callable[[httpx.Client], httpx.Response]] = {
            "ingest": lambda http: http.post("/v1/batch", json={"batch": self._events(rng, heard)}),
            "score": lambda http: http.get(f"/v1/leads/{rng.choice(self.lead_ids)}/score", params={"reasons": 0}),
            "reasons": lambda http: http.get(f"/v1/leads/{rng.choice(self.lead_ids)}/score", params={"reasons": 5}),
            "batch": lambda http: http.post(
                "/v1/leads/scores", json={"lead_ids": rng.sample(self.lead_ids, min(500, len(self.lead_ids)))}
            ),
            "list": lambda http: http.get("/v1/leads", params={"limit": 50}),
        }
        turn = number / self.rate
        with httpx.Client(base_url=self.address, timeout=30) as http:
            while (due := begin + turn) < begin + self.seconds:
                time.sleep(max(0.0, due - time.monotonic()))
                kind = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
                start = time.monotonic()
                try:
                    answer = kinds[kind](http)
                    if answer.status_code != httpx.codes.OK:
                        self.failures.append(f"{kind}: {answer.status_code} {answer.text[:200]}")
                except httpx.TransportError as trouble:
                    self.failures.append(f"{kind}: {trouble!r}")
                self.took[kind].append((time.monotonic() - start) * 1e3)
                self._replace(http, rng, heard)
                turn += CLIENTS / self.rate

    def _events(self, rng: random.Random, heard: dict[int, int]) -> list[dict[str, Any]]:
        """Return some events of the leads at a client's own places, and count them."""
        places = rng.choices(list(heard), k=20)
        for place in places:
            heard[place] += 1
        return [
            {"type": "track", "userId": self.lead_ids[place], "event": "login", "messageId": f"{rng.getrandbits(96):x}"}
            for place in places
        ]

    def _replace(self, http: httpx.Client, rng: random.Random, heard: dict[int, int]) -> None:
        """Let leads of whom enough was heard pay, and others come in their places."""
        for place in [place for place, count in heard.items() if count >= EVENTS_A_LEAD]:
            now = datetime.now(UTC).isoformat()
            new = {
                "type": "identify",
                "userId": f"new-{rng.getrandbits(64):x}",
                "messageId": f"{rng.getrandbits(96):x}",
                "traits": {"createdAt": now},
            }
            for path, body in (
                ("/v1/conversions", {"conversions": [{"lead_id": self.lead_ids[place], "at": now}]}),
                ("/v1/identify", new),
            ):
                answer = http.post(path, json=body)
                if answer.status_code != httpx.codes.OK:
                    self.failures.append(f"{path}: {answer.status_code} {answer.text[:200]}")
            self.lead_ids[place], heard[place] = new["userId"], 0

    def slope(self, column: int) -> float:
        """Return how much memory (1, MB) or open files (2) grow in ten minutes, once the server has settled."""
        late = np.array([sample for sample in self.samples if sample[0] >= SETTLING * self.seconds])
        return float(np.polyfit(late[:, 0], late[:, column], 1)[0] * 600) if len(late) > 2 else 0.0

    def lines(self) -> list[str]:
        """Return what happened, for people."""
        told = [f"{'':8} {'requests':>8} {'p50 ms':>8} {'p99 ms':>8} {'budget':>8}"]
        for kind, took in sorted(self.took.items()):
            p50, p99 = np.percentile(took, [50, 99])
            told.append(f"{kind:8} {len(took):8} {p50:8.1f} {p99:8.1f} {BUDGETS[kind]:8.0f}")
        told.append(f"errors      {len(self.failures)}")
        told.append(f"memory      {self.samples[-1][1]:.0f} MB, {self.slope(1):+.2f} MB in 10 minutes (budget: +1)")
        told.append(f"open files  {self.samples[-1][2]:.0f}, {self.slope(2):+.1f} in 10 minutes (budget: 0)")
        return told


def measured(pid: int) -> tuple[float, float]:
    """Return the resident memory (MB) and the open files of a process and its children, as Linux has them."""
    pids = [pid, *(int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6, float(sum(len(os.listdir(f"/proc/{one}/fd")) for one in pids))


def main() -> None:
    """Load a server that runs already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--leads", type=Path, required=True, help="a JSON list of lead ids")
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--rate", type=float, default=50)
    asked = parser.parse_args()
    load = Load(asked.address, asked.pid, asked.seconds, asked.rate, json.loads(asked.leads.read_text(encoding="utf-8")))
    load.run()
    print("\n".join([*load.lines(), *load.failures[:10]]))


if __name__ == "__main__":
    main()
