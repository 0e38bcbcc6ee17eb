"""Privacy over HTTP and as verbs: a forgotten lead is gone and stays gone, and what is handed out can be taken in again.

That is check 36 and check 37.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import trialwise
from features.clock import format_us, now_us
from features.store import EventStore
from features.storing.holdings import HOLDINGS
from features.workspace import Workspace
from serving.app import create_app
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for
from tests.serving.test_scores import when

ANN, BROWSER = "ann-canary/7@acme.io", "browser-canary-1"


def at(days: float) -> dict[str, str]:
    return {"timestamp": when(days), "receivedAt": when(days)}


def fill(client: TestClient, lead_id: str = ANN, browser: str = BROWSER, events: int = 12, account: str = "acme-org") -> None:
    """Let a lead do what leads do, through the doors and as of a past time."""
    named = [("Feature.A", {}), ("Login", {"minutes": 4}), ("upgrade", {"plan": "pro"})]
    calls: list[dict[str, Any]] = [
        {"type": "page", "anonymousId": browser, "properties": {"path": "/pricing/all"}, **at(0.2)},
        {"type": "screen", "anonymousId": browser, "name": "Start", **at(0.3)},
        {
            "type": "identify", "userId": lead_id, "anonymousId": browser, **at(0.5),
            "traits": {"signed_up_at": when(0), "country": "DE", "company_size": 12, "trial_end": when(14)},
        },
        {"type": "identify", "userId": lead_id, "traits": {"country": "TR", "title": "CTO"}, **at(2)},
        {"type": "group", "userId": lead_id, "groupId": account, **at(1)},
        {"type": "alias", "userId": lead_id, "previousId": f"{browser}-2", **at(1.5)},
    ]  # fmt: skip
    for number in range(events):
        name, properties = named[number % 3]
        told = {"type": "track", "userId": lead_id, "event": name, "properties": properties, "count": 1 + number % 2}
        calls.append(told | at(1 + 3 * number / events))
    calls = [call | {"messageId": f"{lead_id}-{number}"} for number, call in enumerate(calls)]
    assert client.post("/v1/batch", json={"batch": calls}).json()["refused"] == []
    paid = {"lead_id": lead_id, "at": when(6), "received_at": when(6)}
    assert client.post("/v1/conversions", json={"conversions": [paid]}).json()["success"]
    told = {"lead_id": lead_id, "at": when(3), "received_at": when(3), "play": "call", "need": "much"}
    assert client.post("/v1/contacts", json=told).json()["success"]


def address(lead_id: str, rest: str = "") -> str:
    return f"/v1/leads/{lead_id.replace('/', '%2F')}{rest}"


def store_of(client: TestClient) -> EventStore:
    found: EventStore = client.app.state.services.store
    return found


def second(workspace: Workspace, settings: Settings, registry: FakeRegistry, folder: Path) -> TestClient:
    """Return another server with a store of its own."""
    places = replace(settings, home=folder / "second", database_url=f"sqlite:///{folder / 'second.db'}")
    return TestClient(create_app(workspace, places, source=registry), base_url="http://127.0.0.1")


def test_a_lead_is_forgotten_with_all_that_was_answered(client: TestClient) -> None:
    fill(client)
    fill(client, "bob", "other")
    assert client.get(address(ANN, "/score"), params={"as_of": when(5)}).status_code == 200
    posted = {"lead_id": ANN, "started_at": when(0)}
    assert client.post("/v1/score", json={"leads": [posted], "as_of": when(2)}).json()["errors"] == []
    client.post("/v1/track", json={"userId": ANN, "properties": {}})
    services = client.app.state.services
    services.ledger.flush()
    wait_for(lambda: store_of(client).counts()["lead_state"] >= 2)
    client.get(address("bob", "/score"), params={"as_of": when(5)})
    client.get(address(ANN, "/score"), params={"as_of": when(5)})  # still waits to be written when the lead is forgotten

    answer = client.delete(address(ANN))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["ids"], told["forgotten_before"], told["problem"]) == (3, False, None)
    assert told["removed"]["ledger"] >= 2
    assert told["rows"] == sum(told["removed"].values())
    assert ANN not in answer.text

    services.ledger.flush()
    store = store_of(client)
    with store.reading() as connection:
        raw = json.dumps([[str(row) for row in connection.execute(table.select())] for table in HOLDINGS])
    assert "canary" not in raw
    assert "bob" in raw
    assert client.get(address(ANN, "/score")).status_code == 404
    assert client.get(address(ANN, "/export")).status_code == 404
    again = client.delete(address(BROWSER)).json()
    assert (again["rows"], again["forgotten_before"]) == (0, True)
    assert client.delete("/v1/leads/x%00y").status_code == 404


def test_every_door_refuses_what_still_comes(client: TestClient) -> None:
    fill(client)
    client.delete(address(ANN))
    track = {"type": "track", "event": "Login", "messageId": "new"}
    doors: dict[str, Any] = {
        "/v1/track": track | {"userId": ANN},
        "/v1/identify": {"userId": ANN, "anonymousId": "fresh", "traits": {"a": 1}},
        "/v1/batch": {"batch": [track | {"anonymousId": BROWSER}]},
        "/v1/events": [track | {"userId": "carl", "anonymousId": BROWSER}],
        "/v1/alias": {"userId": "ann-2", "previousId": ANN},
        "/batch/": {"batch": [{"event": "login", "distinct_id": ANN, "properties": {}}]},
        "/v1/conversions": {"conversions": [{"lead_id": ANN, "at": when(6)}]},
        "/v1/contacts": {"lead_id": BROWSER, "at": when(6)},
    }
    before = store_of(client).counts()
    for path, body in doors.items():
        answer = client.post(path, json=body)
        assert answer.status_code == 200, path
        assert [one["code"] for one in answer.json()["refused"]] == ["forgotten"], path
        assert (answer.json()["success"], answer.json()["accepted"]) == (False, 0)
    # What is wrong in itself is told so, and not kept either.
    assert client.post("/v1/track", json={"userId": ANN}).json()["refused"][0]["code"] == "missing_event"
    mixed = [track | {"userId": ANN}, track | {"userId": "carl", "messageId": "good"}]
    assert client.post("/v1/batch", json={"batch": mixed}).json()["accepted"] == 1
    after = store_of(client).counts()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {"event": 1, "lead": 1}


def test_an_export_is_taken_in_by_another_store_and_gives_the_same_features(
    client: TestClient, workspace: Workspace, settings: Settings, registry: FakeRegistry, tmp_path: Path
) -> None:
    fill(client)
    found = client.get(address(BROWSER, "/export")).json()
    assert found["ids"] == [ANN, BROWSER, f"{BROWSER}-2"]
    with second(workspace, settings, registry, tmp_path) as other:
        wait_for(lambda: other.get("/readyz").status_code == 200)
        for door in ("batch", "conversions", "contacts"):
            taken = other.post(f"/v1/{door}", json=found).json()
            assert (taken["refused"], taken["accepted"]) == ([], len(found[door])), door
        for days in (0.4, 1, 2, 2.5, 5, 7):
            one, two = (each.get(address(ANN, "/features"), params={"as_of": when(days)}) for each in (client, other))
            assert one.json() == two.json()
            one, two = (each.get(address(ANN, "/score"), params={"as_of": when(days)}) for each in (client, other))
            assert one.json() == two.json()
        assert other.delete(address(ANN)).json()["rows"] > 20
        assert {one["code"] for one in other.post("/v1/batch", json=found).json()["refused"]} == {"forgotten"}


@pytest.mark.parametrize("events", [pytest.param(1_000, marks=pytest.mark.slow), pytest.param(10_000, marks=pytest.mark.faults)])
def test_an_export_of_many_events_is_soon_there_and_taken_in_by_another_store(
    client: TestClient, workspace: Workspace, settings: Settings, registry: FakeRegistry, tmp_path: Path, events: int
) -> None:
    fill(client, events=0)
    fill(client, "bob", "other")
    few = len(client.get(address(ANN, "/export")).json()["batch"])
    calls = [
        {"type": "track", "userId": ANN, "event": "Login", "messageId": f"many-{number}", **at(1 + 4 * number / events)}
        for number in range(events)
    ]
    for start in range(0, events, 500):
        assert client.post("/v1/batch", json={"batch": calls[start : start + 500]}).json()["accepted"] == 500
    begin = time.monotonic()
    answer = client.get(address(ANN, "/export"))
    took = time.monotonic() - begin
    print(f"{events} events in {len(answer.content) / 1e6:.1f} MB handed out after {took:.2f} s")
    assert took <= 10
    assert "bob" not in answer.text
    found = answer.json()
    assert len(found["batch"]) == few + events
    with second(workspace, settings, registry, tmp_path) as other:
        wait_for(lambda: other.get("/readyz").status_code == 200)
        for one in (found, client.get(address("bob", "/export")).json()):  # who is a mate of the same account
            for start in range(0, len(one["batch"]), 500):
                some = one["batch"][start : start + 500]
                taken = other.post("/v1/batch", json={"batch": some}).json()
                assert (taken["refused"], taken["accepted"]) == ([], len(some))
            for door in ("conversions", "contacts"):
                assert other.post(f"/v1/{door}", json=one).json()["refused"] == []
        for days in (0.4, 2.5, 7):
            one, two = (each.get(address(ANN, "/features"), params={"as_of": when(days)}).json() for each in (client, other))
            assert one == two


def test_an_export_is_the_sum_of_what_the_tables_hold(client: TestClient) -> None:
    fill(client)
    client.post("/v1/track", json={"userId": ANN})
    client.get(address(ANN, "/score"), params={"as_of": when(5)})
    client.app.state.services.ledger.flush()
    wait_for(lambda: store_of(client).counts()["lead_state"] >= 1)
    found = client.get(address(ANN, "/export")).json()
    counts = store_of(client).counts()
    batch = found["batch"]
    kinds = [call["type"] for call in batch]
    heard = sum(kinds.count(kind) for kind in ("track", "page", "screen"))
    assert heard + len(found["event"]) == counts["event"]
    assert [len(found[name]) for name in ("conversions", "contacts")] == [counts["outcome"], counts["contact"]]
    same = {table.name for table in HOLDINGS} - {"event", "outcome", "contact"}
    assert {name: len(found[name]) for name in same} == {name: counts[name] for name in same}
    assert found["attribute"][0]["known_at"].endswith("Z")
    assert found["quarantine"][0]["body"] == {"userId": ANN}
    assert (kinds.count("alias"), kinds.count("group")) == (counts["identity_link"], counts["membership"])


def test_facts_of_a_table_come_back_under_the_names_of_their_columns(client: TestClient) -> None:
    store, now = store_of(client), now_us()
    from features.storing.rows import Fact

    facts = [Fact("a", "fact", name, now - 10 + n, now - 20, now - 10) for n, name in enumerate(("started_at", "trial_ends_at"))]
    store.add_leads([("a", now - 20)], [*facts, Fact("a", "fact", "ignored", True, now - 20, now - 10)], [])
    (call,) = client.get(address("a", "/export")).json()["batch"]
    assert call["traits"] == {"signed_up_at": format_us(now - 10), "trial_end": format_us(now - 9)}
    found = store.privacy.export("a")
    assert found is not None
    assert set(found["batch"][0]["traits"]) == {"createdAt", "trial_ends_at"}


def test_ten_thousand_events_are_handed_out(tmp_path: Path) -> None:
    from tests.features.test_store import message

    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    store.add([message(str(number), "a", at=number) for number in range(10_000)])
    found = store.privacy.export("a")
    assert found is not None
    assert len(found["batch"]) == 10_000
    store.close()


def test_the_verbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.features.test_store import message

    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path))
    monkeypatch.delenv("TRIALWISE_DATABASE_URL", raising=False)
    monkeypatch.delenv("TRIALWISE_KEY_SECRET", raising=False)
    store = EventStore(f"sqlite:///{tmp_path / 'trialwise.db'}")
    store.migrate()
    store.add([message("1", "canary")])
    store.close()
    out = tmp_path / "folder" / "a.json"
    assert trialwise.run(["export", "canary", "--out", str(out)]) == 0
    assert len(json.loads(out.read_text(encoding="utf-8"))["batch"]) == 1
    assert trialwise.run(["export", "canary"]) == 0
    assert json.loads(capsys.readouterr().out)["ids"] == ["canary"]
    assert trialwise.run(["forget", "canary", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["removed"], told["erased"]) == ({"lead": 1, "event": 1}, True)
    out.unlink()
    assert not any(b"canary" in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert trialwise.run(["forget", "canary"]) == 0
    said = capsys.readouterr().err
    assert "Removed 0 rows of 1 ids. It had been forgotten before." in said
    assert "Remains: backups" in said
    assert trialwise.run(["export", "canary"]) == 2
    assert trialwise.run(["forget", ""]) == 2
