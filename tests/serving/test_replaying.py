"""Replay: once the cause is gone, what was refused goes in by the door at which it came, as of when it first arrived, once.

That is check 6.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from features.reading.moments import parse_moment
from features.store import EventStore
from features.storing.rows import Refused, StoredLead
from features.workspace import Workspace
from serving import segment
from serving.replaying import SEGMENT_KINDS, list_refused, replay_refused
from serving.settings import Settings
from tests.serving.client import TestClient
from trialwise import app


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("TRIALWISE_KEY_SECRET", "test")
    monkeypatch.setenv("TRIALWISE_HOME", str(settings.home))


def call(i: int, **more: Any) -> dict[str, Any]:
    return {"type": "track", "messageId": f"m{i}", "userId": "a", "event": "login", "timestamp": "2026-05-07T09:00:00Z"} | more


def stored(settings: Settings) -> StoredLead:
    store = EventStore(settings.database_url)
    found = store.lead("a")
    store.close()
    assert found is not None
    return found


def test_one_bad_event_of_500_goes_in_once_its_cause_is_gone(
    client: TestClient, settings: Settings, folder: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = [call(i) for i in range(499)]
    batch.insert(77, call(499, event="checkout " * 40))
    answer = client.post("/v1/batch", json={"batch": batch}).json()
    assert (answer["accepted"], [(one["index"], one["code"]) for one in answer["refused"]]) == (499, [(77, "missing_event")])
    (waiting,) = list_refused()["waiting"]

    assert replay_refused(folder / "acme.yaml")["items"] == [waiting | {"became": "missing_event"}]  # the cause is still there
    monkeypatch.setattr(segment, "MAX_NAME", 1000)
    assert replay_refused(folder / "acme.yaml", code="bad_json")["items"] == []
    assert replay_refused(folder / "acme.yaml", since="2097-01-01T00:00:00Z")["items"] == []
    found = replay_refused(folder / "acme.yaml")
    assert found == {"counts": {"accepted": 1}, "items": [waiting | {"became": "accepted"}]}

    events = stored(settings).events
    assert len(events) == 500
    (late,) = [event for event in events if event.name.startswith("checkout")]
    assert late.received_at > parse_moment(waiting["received_at"])  # no score before the replay could have used it
    assert late.at == parse_moment("2026-05-07T09:00:00Z")
    assert replay_refused(folder / "acme.yaml") == {"counts": {}, "items": []}
    assert list_refused()["counts"] == [{"door": "/v1/batch", "code": "missing_event", "waiting": 0, "replayed": 1}]


DOORS = {
    "/v1/track": {"userId": "a", "event": "login"},
    "/v1/i": {"userId": "a", "traits": {"title": "CTO"}},
    "/v1/events": {"type": "page", "userId": "a", "name": "Pricing"},
    "/batch/": {"distinct_id": "a", "event": "export"},
    "/v1/conversions": {"lead_id": "a", "at": "2026-05-08T09:00:00Z"},
    "/v1/contacts": {"lead_id": "a", "at": "2026-05-08T10:00:00Z", "play": "call"},
}


@pytest.fixture
def kept(settings: Settings) -> EventStore:
    """One good item kept at each door, as a release with a mistake would have left it."""
    store = EventStore(settings.database_url)
    store.migrate()
    now = parse_moment("2026-05-09T09:00:00Z")
    store.add([], [Refused(door, "a", "a_mistake", json.dumps(body), now) for door, body in DOORS.items()])
    return store


def test_every_door_reads_its_own(kept: EventStore, folder: Path, environment: None) -> None:
    assert {row["became"] for row in replay_refused(folder / "acme.yaml")["items"]} == {"accepted"}
    lead = kept.lead("a")
    assert lead is not None
    assert sorted(event.name for event in lead.events) == ["export", "login", "page:Pricing"]
    assert [fact.value for fact in lead.facts] == ["CTO"]
    assert len(lead.outcomes) == kept.counts()["contact"] == 1
    kept.close()


def test_a_replay_that_is_cut_off_stores_nothing_twice(
    kept: EventStore, folder: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr("features.storing.quarantined.Quarantine.note", stop)
        with pytest.raises(KeyboardInterrupt):
            replay_refused(folder / "acme.yaml")
    before = kept.counts()
    assert replay_refused(folder / "acme.yaml")["counts"] == {"duplicate": len(DOORS)}
    assert kept.counts() == before
    kept.close()


def test_the_address_says_the_kind(workspace: Workspace) -> None:
    assert SEGMENT_KINDS["/v1/track"] == SEGMENT_KINDS["/v1/t"] == "track"
    assert len(SEGMENT_KINDS) == 2 * len(segment.KINDS)


def test_the_command_says_what_became_of_each(kept: EventStore, folder: Path, environment: None) -> None:
    kept.close()
    runner = CliRunner()
    listed = runner.invoke(app, ["quarantine", "list", "--code", "a_mistake"])
    assert len(listed.stdout.splitlines()) == len(DOORS)
    assert "CTO" not in listed.output
    done = runner.invoke(app, ["quarantine", "replay", "-w", str(folder / "acme.yaml"), "--json"])
    assert json.loads(done.stdout)["counts"] == {"accepted": len(DOORS)}
    again = runner.invoke(app, ["quarantine", "replay", "-w", str(folder / "acme.yaml")])
    assert "Nothing waits." in again.output
    wrong = runner.invoke(app, ["quarantine", "list", "--since", "yesterday"])
    assert "--since is no instant" in str(wrong.exception)
