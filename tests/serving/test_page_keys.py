"""The key of a web page tells what happens there, and never who paid or who left, whichever way it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from features.workspace import Workspace, parse_workspace
from serving import api_keys, replaying
from serving.app import create_app
from serving.page_keys import NOT_FOR_PAGES
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import WORKSPACE, FakeRegistry
from tests.serving.test_access import bearer

PAYING = """{events: ["subscription.started", {event: upgraded, where: {plan.name: {eq: pro}}}]}"""
CALL = {"userId": "a", "timestamp": "2026-05-01T00:00:00Z"}


@pytest.fixture
def paying(tmp_path: Path) -> Workspace:
    text = WORKSPACE.replace("{source: conversions.csv, lead: lead_id, at: paid_at}", PAYING)
    assert text != WORKSPACE
    return parse_workspace(text, tmp_path)


@pytest.fixture
def at_page(paying: Workspace, settings: Settings, registry: FakeRegistry) -> Iterator[TestClient]:
    """A server with keys; its client has a key of a page."""
    registry.version = None
    with TestClient(create_app(paying, replace(settings, open_to_all=False), source=registry)) as client:
        store = client.app.state.services.store
        client.keys = {one: api_keys.mint(store, b"test", [one])["key"] for one in ("page", "ingest")}
        client.headers.update(bearer(client.keys["page"]))
        yield client


def told(client: TestClient, door: str, body: Any, **headers: str) -> list[tuple[int, str]]:
    answer = client.post(door, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert "subscription" not in answer.text
    return [(one["index"], one["code"]) for one in answer.json()["refused"]]


def test_what_happens_on_a_page_is_taken(at_page: TestClient) -> None:
    calls = [
        {"type": "track", "event": "login"},
        {"type": "identify", "traits": {"title": "x", "cancelled_at": None}},
        {"type": "page", "properties": {"path": "/pricing"}},
        {"type": "group", "groupId": "org"},
        {"type": "track", "event": "upgraded", "properties": {"plan": {"name": "free"}}},
    ]
    assert told(at_page, "/v1/batch", {"batch": [CALL | one for one in calls]}) == []


def test_who_paid_or_left_is_not(at_page: TestClient) -> None:
    calls = [
        {"type": "track", "event": "Subscription Started"},
        {"type": "track", "event": "Login"},
        {"type": "track", "event": "Upgraded", "properties": {"plan": {"name": "pro"}}},
        {"type": "identify", "traits": {"cancelledAt": "2026-05-02"}},
    ]
    sent = [CALL | one for one in calls]
    found = [(place, NOT_FOR_PAGES) for place in (0, 2, 3)]
    for door, body in (("/v1/batch", {"batch": sent}), ("/v1/events", sent)):
        assert told(at_page, door, body) == found
        assert told(at_page, door, body, **bearer(at_page.keys["ingest"])) == []
    assert told(at_page, "/v1/track", sent[0]) == [(0, NOT_FOR_PAGES)]
    assert told(at_page, "/v1/i", sent[3]) == [(0, NOT_FOR_PAGES)]
    event = {"event": "subscription_started", "distinct_id": "a"}
    gone = {"event": "$set", "distinct_id": "a", "$set": {"cancelled_at": "2026-05-02"}}
    assert told(at_page, "/batch/", {"batch": [event, gone]}) == [(0, NOT_FOR_PAGES), (1, NOT_FOR_PAGES)]
    by_body = at_page.post("/e/", json=event | {"api_key": at_page.keys["page"]}, headers={"Authorization": ""})
    assert by_body.status_code == 401  # a header goes before the body
    del at_page.headers["authorization"]
    assert told(at_page, "/e/", event | {"api_key": at_page.keys["page"]}) == [(0, NOT_FOR_PAGES)]


@pytest.mark.parametrize("door", ["/v1/conversions", "/v1/contacts", "/v1/leads/scores"])
def test_other_doors_are_closed(at_page: TestClient, door: str) -> None:
    answer = at_page.post(door, json={"conversions": [], "contacts": [], "lead_ids": []})
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_scope")
    assert at_page.get("/v1/leads").status_code == 403


def test_a_replay_does_not_help(at_page: TestClient, paying: Workspace) -> None:
    told(at_page, "/v1/track", CALL | {"event": "subscription started", "messageId": "1"})
    store = at_page.app.state.services.store
    (block,) = store.quarantine.waiting(code=None, since=0)
    assert [(one.code, json.loads(one.body)["userId"]) for one in block] == [(NOT_FOR_PAGES, "a")]
    assert [what for _, what in replaying.replay(store, paying, block)] == [NOT_FOR_PAGES]
    assert store.lead("a") is None
