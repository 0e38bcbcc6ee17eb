"""The demo's side of HTTP: fill a server with live trials, and replay one with Segment's client library."""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.progress import track

from features.clock import DAY_US, format_us
from features.errors import OutsideError
from training.simulator import StoryEvent, World

BATCH = 500
NUMBERS = ("duration_s", "amount", "score")


@dataclass(frozen=True)
class LiveServer:
    """A running server and the key that opens it."""

    url: str
    key: str

    def get(self, path: str) -> dict[str, Any]:
        """GET one JSON answer."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST one JSON body and return the JSON answer."""
        return self._ask("POST", path, body)

    def wait_until_ready(self, seconds: float) -> bool:
        """Ask ``/readyz`` until it answers 200 or the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == httpx.codes.OK:
                    return True
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        return False

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.request(method, self.url + path, json=body, headers=headers, timeout=30)
        if not answer.is_success:
            raise OutsideError(
                "the server refused", given=f"{method} {path}", expected="200", do=f"read its answer: {answer.text}"
            )
        read: dict[str, Any] = answer.json()
        return read


@dataclass(frozen=True)
class Sent:
    """How much was sent."""

    leads: int
    events: int
    conversions: int


def send_history(server: LiveServer, folder: Path, since: int) -> Sent:
    """Send every lead that started at or after ``since`` with its events and payment, as a back-fill over HTTP."""
    edge = format_us(since)
    leads = [row for row in _rows(folder / "leads.csv.gz") if row["signed_up_at"] >= edge]
    chosen = {row["lead_id"] for row in leads}
    events = [row for row in _rows(folder / "events.csv.gz") if row["lead_id"] in chosen]
    conversions = [row for row in _rows(folder / "conversions.csv.gz") if row["lead_id"] in chosen]
    calls = [_identify(row) for row in leads] + [_track(row) for row in events]
    starts = range(0, len(calls), BATCH)
    for start in track(starts, description="Sending batches of 500"):
        answer = server.post("/v1/batch", {"batch": calls[start : start + BATCH]})
        if answer["refused"]:
            raise OutsideError(
                "the server refused an event", given=str(answer["refused"][0]), expected="no refusal", do="report it"
            )
    paid = [{"lead_id": row["lead_id"], "at": row["converted_at"]} for row in conversions]
    if paid:
        server.post("/v1/conversions", {"conversions": paid})
    return Sent(len(leads), len(events), len(paid))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def _identify(row: dict[str, str]) -> dict[str, Any]:
    traits: dict[str, Any] = {name: value for name, value in row.items() if value and name != "lead_id"}
    if "company_size" in traits:
        traits["company_size"] = int(traits["company_size"])
    at = row["signed_up_at"]
    return {
        "type": "identify",
        "userId": row["lead_id"],
        "messageId": f"i-{row['lead_id']}",
        "traits": traits,
        "timestamp": at,
        "receivedAt": at,
    }


def _track(row: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": row["lead_id"],
        "messageId": row["message_id"],
        "event": row["event"],
        "timestamp": row["at"],
        "receivedAt": row["received_at"],
        "properties": {name: float(row[name]) for name in NUMBERS if row[name]},
    }


@dataclass(frozen=True)
class TrialDay:
    """One day of a trial: what was sent, and the score when it was over."""

    day: int
    as_of: int
    events: int
    score: dict[str, Any]


def day_by_day(world: World, lead_id: str, server: LiveServer) -> Iterator[TrialDay]:
    """Send one trial's events day by day with Segment's client, and ask for the score at the end of each day."""
    from segment.analytics.client import Client

    failures: list[str] = []
    client = Client(
        write_key=server.key,
        host=server.url,
        on_error=lambda error, _items: failures.append(str(error)),
        max_retries=2,
        sync_mode=False,
        gzip=True,
    )
    start = int(world.leads.started_at[world.leads.ids.index(lead_id)])
    story = world.story(lead_id)
    client.identify(lead_id, world.traits(lead_id) | {"signed_up_at": format_us(start)}, **_when(start, start))
    day = 0
    while start + (day + 1) * DAY_US <= world.until:
        day += 1
        as_of = start + day * DAY_US
        known = [event for event in story if as_of - DAY_US < event.received_at <= as_of]
        for event in known:
            _send(client, lead_id, event)
        client.flush()
        if failures:
            raise OutsideError(
                "Segment's client could not deliver", given=failures[0], expected="no failure", do="read server.log"
            )
        path = f"/v1/leads/{lead_id}/score?as_of={format_us(as_of)}&reasons=all"
        yield TrialDay(day, as_of, len(known), server.get(path))
    client.shutdown()


def _send(client: Any, lead_id: str, event: StoryEvent) -> None:
    client.track(lead_id, event.event, event.properties, message_id=event.message_id, **_when(event.at, event.received_at))


def _when(at: int, received_at: int) -> dict[str, Any]:
    """Say when a replayed call happened and when it had arrived; only an admin key may state the second."""
    moment = datetime.fromtimestamp(at // 1_000_000, tz=UTC).replace(microsecond=at % 1_000_000)
    return {"timestamp": moment, "context": {"receivedAt": format_us(received_at)}}
