"""What if, over HTTP: the very score that the events would bring, refusals with codes, nothing stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from features.storing.schema import ledger
from models.change_phrasing import association
from tests.serving.client import TestClient
from tests.serving.test_scores import fill, when

AS_OF = when(4)
LOGIN = {"event": "login"}
TOLD = {"lead", "event", "attribute", "outcome"}
"""Where stands what is known of leads."""


def ask(client: TestClient, lead_id: str = "a", **body: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/leads/{lead_id}/what-if", json={"as_of": AS_OF} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(client: TestClient, lead_id: str = "a", **body: Any) -> tuple[int, str, list[str]]:
    answer = client.post(f"/v1/leads/{lead_id}/what-if", json={"as_of": AS_OF} | body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    errors = [f"{one['pointer']} {one['code']}" for one in problem.get("errors", [])]
    assert problem["status"] == answer.status_code
    return answer.status_code, problem["code"], errors


@pytest.mark.parametrize("reasons", [0, 1, "all"])
def test_it_is_the_score_that_the_events_would_bring(client: TestClient, reasons: int | str) -> None:
    """The same events are really sent, and the score is the same bits."""
    fill(client)
    events: list[dict[str, Any]] = [
        {"event": "Feature.A", "count": 3},
        {"event": "upgrade", "properties": {"plan": "pro"}, "timestamp": when(3.5)},
        {"event": "login", "properties": {"minutes": 12}},
    ]
    answer = ask(client, events=events, reasons=reasons)
    assert answer["without"]["probability"] == client.get("/v1/leads/a/score", params={"as_of": AS_OF}).json()["probability"]
    for key, place in (("points", "points"), ("log_odds", "log_odds")):
        told = sum(one[key] for one in answer["reasons"]) + answer["rest"][key]
        assert abs(told - answer["difference"][place]) < 1e-9
    for key in ("points", "log_odds"):
        assert abs(sum(part[key] for part in answer["parts"].values()) - answer["difference"][key]) < 1e-9
    assert abs(answer["imagined"]["probability"] - answer["without"]["probability"] - answer["difference"]["points"]) < 1e-9
    calls = [
        {"type": "track", "userId": "a", "messageId": f"then-{i}", "timestamp": AS_OF, "receivedAt": one.get("timestamp", AS_OF)}
        | {key: value for key, value in one.items() if key != "count"}
        for i, one in enumerate([events[0], events[0], *events])
    ]
    assert client.post("/v1/batch", json={"batch": calls}).json()["accepted"] == 5
    score = client.get("/v1/leads/a/score", params={"as_of": AS_OF}).json()
    assert answer["imagined"] == {key: score[key] for key in answer["imagined"]}


def test_nothing_of_it_is_stored(client: TestClient) -> None:
    fill(client)
    store, before = client.app.state.services.store, None
    for _ in range(2):
        answer = ask(client, events=[LOGIN])
        counts = {name: count for name, count in store.counts().items() if name in TOLD}
        assert set(counts) == TOLD
        assert before in (None, counts)
        before = counts
    client.app.state.services.ledger.flush()
    with store.reading() as connection:
        rows = list(connection.execute(ledger.select()).mappings())
    assert {(row["door"], row["probability"]) for row in rows} == {("what_if", answer["without"]["probability"])}


def test_it_promises_nothing(client: TestClient) -> None:
    fill(client)
    for lang in ("en", "tr", "de"):
        answer = ask(client, events=[{"event": "demo"}], lang=lang)
        assert answer["association"] == association(lang)
        assert answer["text"]


def test_attributes_and_a_longer_trial(client: TestClient) -> None:
    fill(client)
    call = {"type": "identify", "userId": "b", "messageId": "b", "traits": {"signed_up_at": when(0)}}
    assert (
        client.post("/v1/batch", json={"batch": [call | {"timestamp": when(0), "receivedAt": when(0)}]}).json()["accepted"] == 1
    )
    answer = ask(client, "b", attributes={"Country": "TR", "title": "CTO"}, reasons="all")
    assert {one["player"] for one in answer["reasons"] if one["points"] != 0} == {"country", "profile"}
    longer = ask(client, "b", trial_ends_at=when(30), reasons="all")
    assert {one["player"] for one in longer["reasons"] if one["points"] != 0} <= {"trial_age"}
    assert ask(client, "b", attributes={"trial_end": when(30)}, reasons="all")["imagined"] == longer["imagined"]


def test_what_the_model_does_not_use_is_said_to_change_nothing(client: TestClient) -> None:
    fill(client)
    answer = ask(client, trial_ends_at=when(14))
    assert answer["difference"] == {"points": 0, "log_odds": 0}
    assert "changes_nothing" in [one["code"] for one in answer["warnings"]]
    much = ask(client, events=[{"event": "Feature.A", "count": 1000}])
    assert "beyond_trained_values" in [one["code"] for one in much["warnings"]]


def test_what_cannot_happen_is_refused_all_at_once(client: TestClient) -> None:
    fill(client)
    events = [
        LOGIN | {"timestamp": when(-1)},
        LOGIN | {"timestamp": when(4.1)},
        LOGIN,
        {"event": "nobody knows this"},
        {"event": "upgrade", "properties": {"plan": "free"}},
        LOGIN | {"timestamp": "soon"},
        LOGIN | {"received_at": when(4.1)},
        LOGIN | {"properties": {"minutes": -3}},
    ]
    assert refused(client, events=events, attributes={"country": "TR", "": "x"}, trial_ends_at=when(1)) == (
        422,
        "cannot_happen",
        [
            "#/attributes attribute_known",
            "#/attributes unknown_attribute",
            "#/events/0 before_start",
            "#/events/1 in_future",
            "#/events/3 unmapped_event",
            "#/events/4 condition_not_met",
            "#/events/5 invalid_timestamp",
            "#/events/6 in_future",
            "#/events/7 negative_duration",
            "#/trial_ends_at end_before_as_of",
        ],
    )


def test_a_repeated_id_is_one_event(client: TestClient) -> None:
    fill(client)
    twice = ask(client, events=[LOGIN | {"id": "x"}, LOGIN | {"id": "x"}])
    assert twice["imagined"] == ask(client, events=[LOGIN])["imagined"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"events": []},
        {"events": [{"event": ""}]},
        {"events": [{"event": "login", "count": 0}]},
        {"events": [{"event": "login", "count": 1001}]},
        {"events": [LOGIN] * 101},
        {"events": [{"name": "login"}]},
        {"events": {}},
        {"events": [LOGIN], "reasons": -1},
        {"events": [LOGIN], "lang": "fr"},
        {"attributes": []},
    ],
)
def test_wrong_shapes(client: TestClient, body: dict[str, Any]) -> None:
    fill(client)
    assert refused(client, **body) == (422, "invalid_request", [])


def test_the_answer_does_not_repeat_what_was_sent(client: TestClient) -> None:
    fill(client)
    secret = "c4nary"
    for body in (
        {"events": [{"event": secret}]},
        {"attributes": {secret: secret}},
        {"events": [LOGIN | {secret: 1}]},
        {"events": [LOGIN | {"timestamp": secret}]},
        {"trial_ends_at": secret},
    ):
        assert secret not in client.post("/v1/leads/a/what-if", json=body).text


def test_only_open_leads_have_an_if(client: TestClient) -> None:
    fill(client)
    assert refused(client, "nobody", events=[LOGIN])[:2] == (404, "lead_not_found")
    assert client.post("/v1/conversions", json={"conversions": [{"lead_id": "a", "at": when(3)}]}).json()["accepted"] == 1
    answer = client.post("/v1/leads/a/what-if", json={"events": [LOGIN]})
    assert (answer.status_code, answer.json()["code"]) == (409, "lead_closed")


def test_a_payment_is_not_imagined(client: TestClient) -> None:
    """The workspace's payments come from a table here, so that an event of that name is only unmapped."""
    fill(client)
    assert refused(client, events=[{"event": "subscription_started"}])[2] == ["#/events/0 unmapped_event"]


def test_the_body_is_strict_json(client: TestClient) -> None:
    fill(client)
    for data in (b"{", b"[]", b'{"events": NaN}', json.dumps({"as_of": "soon", "events": [LOGIN]}).encode()):
        answer = client.post("/v1/leads/a/what-if", content=data, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422)
