"""Merges and accounts over HTTP: what alias, identify and group say is in the next answer, and as of before it is not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from features.clock import DAY_US, format_us, now_us
from tests.serving.client import TestClient
from tests.serving.test_ingest_routes import counted, store_of

START = now_us() - 6 * DAY_US


def when(days: float) -> str:
    return format_us(START + round(days * DAY_US))


def send(client: TestClient, *calls: dict[str, Any]) -> None:
    """Send calls as they would have been sent at their time."""
    batch = [
        call | {"timestamp": call["at"], "receivedAt": call["at"], "messageId": f"{i} {call}"[:200]}
        for i, call in enumerate(calls)
    ]
    assert counted(client.post("/v1/batch", json={"batch": batch})) == (len(calls), 0, [])


def track(lead: str, days: float, **more: Any) -> dict[str, Any]:
    key = "anonymousId" if lead.startswith("anon") else "userId"
    return {"type": "track", key: lead, "event": "Login", "at": when(days)} | more


def identify(lead: str, days: float, **more: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": lead, "traits": {"signed_up_at": when(days)}, "at": when(days)} | more


def group(lead: str, account: str, days: float) -> dict[str, Any]:
    return {"type": "group", "userId": lead, "groupId": account, "at": when(days)}


def features(client: TestClient, lead: str, days: float) -> dict[str, Any]:
    answer = client.get(f"/v1/leads/{lead}/features", params={"as_of": when(days)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["features"]
    return found


@pytest.mark.parametrize("kind", ["identify", "alias"])
def test_what_a_visitor_did_is_the_leads_from_then_on(client: TestClient, kind: str) -> None:
    send(client, track("anon", 0.5), track("anon", 1), identify("user", 2), track("user", 2.5))
    if kind == "identify":
        send(client, identify("user", 3, anonymousId="anon"))
    else:
        send(client, {"type": "alias", "userId": "user", "previousId": "anon", "at": when(3)})
    assert [features(client, "user", days)["session_count_7d"] for days in (2.7, 3, 5)] == [1, 3, 3]
    assert features(client, "anon", 2.9)["session_count_7d"] == 2
    for path in ("score", "features"):
        answer = client.get(f"/v1/leads/anon/{path}", params={"as_of": when(3)})
        assert (answer.status_code, answer.json()["code"]) == (404, "lead_not_found")
    assert client.get("/v1/leads/anon/score").status_code == 404
    assert client.get("/v1/leads/anon/score", params={"as_of": when(2.9)}).status_code == 200
    many = client.post("/v1/leads/scores", json={"lead_ids": ["anon", "user", "anon"]}).json()
    assert [score["lead_id"] for score in many["scores"]] == ["user"]
    assert [(one["index"], one["code"]) for one in many["errors"]] == [(0, "lead_not_found"), (2, "lead_not_found")]
    assert [item["lead_id"] for item in client.get("/v1/leads").json()["items"]] == ["user"]


def test_the_work_list_is_right_after_a_merge(client: TestClient) -> None:
    send(client, track("anon", 1), identify("user", 1))
    assert {item["lead_id"] for item in client.get("/v1/leads").json()["items"]} == {"anon", "user"}
    # Filled in with a past time, so that the list that was computed a moment ago is of an instant after it.
    send(client, {"type": "alias", "userId": "user", "previousId": "anon", "at": when(3)})
    (item,) = client.get("/v1/leads").json()["items"]
    assert item["lead_id"] == "user"
    assert features(client, "user", 5)["session_count_7d"] == 1


def test_a_payment_of_the_visitor_makes_the_lead_a_customer(client: TestClient) -> None:
    send(client, track("anon", 1), identify("user", 1), track("user", 1.5))
    client.post("/v1/conversions", json={"conversions": [{"lead_id": "anon", "at": when(2), "received_at": when(2)}]})
    send(client, identify("user", 3, anonymousId="anon"))
    before, after = (client.get("/v1/leads/user/score", params={"as_of": when(days)}).json() for days in (2.9, 3.1))
    assert (before["stage"] != "customer", after["stage"], after["probability"]) == (True, "customer", None)


def test_a_ring_is_refused_by_its_index_and_kept(client: TestClient) -> None:
    batch = [
        {"type": "alias", "userId": "b", "previousId": "a", "messageId": "1"},
        {"type": "track", "event": "Login"},
        {"type": "identify", "userId": "a", "anonymousId": "b", "messageId": "2", "traits": {"x": 1}},
        {"type": "track", "userId": "a", "event": "Login", "messageId": "3"},
        {"type": "alias", "userId": "b", "previousId": "b", "messageId": "4"},
    ]
    for accepted, duplicates in ((3, 0), (0, 3)):
        answer = client.post("/v1/batch", json={"batch": batch})
        assert counted(answer) == (accepted, duplicates, [(1, "missing_user"), (2, "merge_cycle")])
    with store_of(client).reading() as connection:
        kept = connection.execute(text("SELECT code, lead_id FROM quarantine ORDER BY code")).all()
    assert kept == [("merge_cycle", "a"), ("missing_user", None)]
    assert store_of(client).counts()["identity_link"] == 1


def test_mates_are_counted_from_when_they_joined(client: TestClient) -> None:
    send(client, identify("a", 0), identify("b", 0), identify("c", 0), track("b", 1), track("b", 1.2), track("c", 1))
    send(client, group("a", "org", 2), group("b", "org", 3), group("c", "other", 2), track("anon", 1.5))
    send(client, identify("b", 4, anonymousId="anon"))
    name = "account_any_count_7d"
    assert [features(client, "a", days)[name] for days in (1.9, 2, 3, 4)] == [None, 0, 2, 3]
    assert [features(client, "c", days)[name] for days in (1.9, 5)] == [None, 0]
    assert features(client, "b", 5)[name] == 0
    whole = client.post("/v1/leads/scores", json={"lead_ids": ["a", "b", "c"], "as_of": when(5), "reasons": "all"}).json()[
        "scores"
    ]
    alone = [client.get(f"/v1/leads/{one}/score", params={"as_of": when(5), "reasons": "all"}).json() for one in "abc"]
    assert whole == alone


def test_a_lead_that_is_posted_has_no_mates(client: TestClient) -> None:
    lead = {"lead_id": "a", "started_at": when(0), "account": "org", "events": [{"event": "Login", "timestamp": when(1)}]}
    body = {"leads": [lead], "as_of": when(5), "reasons": "all"}
    score = client.post("/v1/score", json=body).json()["scores"][0]
    send(client, identify("a", 0), track("a", 1))
    assert score["probability"] == client.get("/v1/leads/a/score", params={"as_of": when(5)}).json()["probability"]
