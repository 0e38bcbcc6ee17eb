"""One story told by Segment's calls and by PostHog's events, in any order: the same lead at every instant."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from features.clock import DAY_US, format_us, now_us
from tests.serving.client import TestClient
from tests.serving.test_ingest_routes import counted

START = now_us() - 9 * DAY_US
SHUFFLES = 2


def when(days: float) -> str:
    return format_us(START + round(days * DAY_US))


def by_segment(n: int) -> list[dict[str, Any]]:
    """A visitor signs up, brings another visitor along, joins a company, and a mate is active there."""
    anon, user, other, mate, acme = (f"{who} {n}" for who in ("anon", "user", "other", "mate", "acme"))
    traits = {"signed_up_at": when(1), "country": "TR", "company_size": 7}
    return [
        {"type": "page", "anonymousId": anon, "properties": {"path": "/pricing"}, "timestamp": when(0.5)},
        {"type": "identify", "anonymousId": anon, "userId": user, "traits": traits, "timestamp": when(1)},
        {"type": "track", "userId": user, "event": "login", "properties": {"minutes": 3}, "timestamp": when(1.5)},
        {"type": "track", "userId": other, "event": "feature.a", "timestamp": when(2)},
        {"type": "alias", "userId": user, "previousId": other, "timestamp": when(3)},
        {"type": "track", "userId": other, "event": "login", "timestamp": when(4)},
        {"type": "group", "userId": user, "groupId": acme, "timestamp": when(4.5)},
        {"type": "identify", "userId": mate, "traits": {"signed_up_at": when(2)}, "timestamp": when(2)},
        {"type": "track", "userId": mate, "event": "login", "context": {"groupId": acme}, "timestamp": when(5)},
        {"type": "screen", "userId": user, "name": "Home", "timestamp": when(6)},
    ]


def by_posthog(n: int) -> list[dict[str, Any]]:
    """The same in PostHog's words."""
    anon, user, other, mate, acme = (f"{who} {n}" for who in ("anon", "user", "other", "mate", "acme"))

    def event(name: str, who: str, days: float, **properties: Any) -> dict[str, Any]:
        named = {key.replace("_1", "$", 1): value for key, value in properties.items()}
        return {"event": name, "distinct_id": who, "timestamp": when(days), "properties": named}

    said = {"$set": {"country": "TR"}, "$set_once": {"signed_up_at": when(1), "company_size": 7}}
    return [
        event("$pageview", anon, 0.5, _1current_url="https://acme.com/pricing?a=b"),
        event("$identify", user, 1, _1anon_distinct_id=anon) | said,
        event("login", user, 1.5, minutes=3),
        event("feature.a", other, 2),
        event("$create_alias", user, 3, alias=other),
        event("login", other, 4),
        event("$groupidentify", user, 4.5, _1group_type="company", _1group_key=acme),
        event("$set", mate, 2, _1set={"signed_up_at": when(2)}),
        event("login", mate, 5, _1groups={"company": acme, "project": "p"}),
        event("$screen", user, 6, _1screen_name="Home"),
    ]


def tell(client: TestClient, path: str, body: dict[str, Any]) -> None:
    assert counted(client.post(path, json=body)) == (len(body["batch"]), 0, [])


def send_segment(client: TestClient, calls: list[dict[str, Any]]) -> None:
    tell(client, "/v1/batch", {"batch": [call | {"receivedAt": call["timestamp"]} for call in calls]})


def send_posthog(client: TestClient, events: list[dict[str, Any]]) -> None:
    tell(client, "/batch/", {"batch": events, "historical_migration": True})


def seen(client: TestClient, n: int) -> list[tuple[int, Any]]:
    """Return what is known of everybody at some instants."""
    found = []
    for days in (0.7, 3.5, 7):
        for who in ("anon", "user", "other", "mate"):
            answer = client.get(f"/v1/leads/{who} {n}/features", params={"as_of": when(days)})
            found.append((answer.status_code, answer.json().get("features")))
    return found


def test_however_it_is_told_and_in_whatever_order(client: TestClient) -> None:
    ways: list[tuple[Callable[..., Any], Callable[..., Any]]] = [(by_segment, send_segment), (by_posthog, send_posthog)]
    wanted = None
    for turn in range(2 + 2 * SHUFFLES):
        story, send = ways[turn % 2]
        calls = story(turn)
        if turn > 1:
            random.Random(turn).shuffle(calls)
        for call in calls:
            send(client, [call])  # each by itself: what is true at an instant does not hang on what came together
        found = seen(client, turn)
        wanted = wanted or found
        assert found == wanted, turn
    assert wanted is not None
    last = dict(zip(("anon", "user", "other", "mate"), wanted[-4:], strict=True))
    assert [last[who][0] for who in last] == [404, 200, 404, 200]
    assert last["user"][1]["any_count_all"] == 5
    assert last["user"][1]["account_any_count_7d"] == 1


@pytest.mark.parametrize("both", [False, True])
def test_a_merge_that_would_lead_back_is_refused(client: TestClient, both: bool) -> None:
    events = [{"event": "$create_alias", "distinct_id": "a", "properties": {"alias": "b"}, "timestamp": when(1)}]
    events += [{"event": "$identify", "distinct_id": "b", "properties": {"$anon_distinct_id": "a"}, "timestamp": when(2)}]
    for batch in [events] if both else [[one] for one in events]:
        answer = client.post("/e/", json=batch).json()
    assert [one["code"] for one in answer["refused"]] == ["merge_cycle"]
    assert (answer["status"], answer["success"]) == (1, False)
