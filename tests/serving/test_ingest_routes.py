"""The doors for events: what is acknowledged is stored once, what is refused says why, on both databases.

That is check 4 and check 5 and check 6.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from features.clock import format_us, now_us
from features.reading.moments import parse_moment
from features.store import EventStore
from serving.guards import BODY_LIMIT, EVENT_LIMIT
from tests.serving.client import TestClient

JSON = {"Content-Type": "application/json"}


def track(message_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": "a", "event": "Login", "messageId": message_id} | more


def counted(answer: Any) -> tuple[int, int, list[tuple[int, str]]]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["success"] == (not body["refused"])
    return body["accepted"], body["duplicates"], [(one["index"], one["code"]) for one in body["refused"]]


def store_of(client: TestClient) -> EventStore:
    store: EventStore = client.app.state.services.store
    return store


def test_one_bad_event_does_not_cost_the_good_ones(client: TestClient) -> None:
    batch = [track(str(i)) for i in range(500)]
    batch[123] = {"type": "track", "userId": "a", "event": "Login", "timestamp": "2026-05-07T09:00:00"}
    assert counted(client.post("/v1/batch", json={"batch": batch})) == (499, 0, [(123, "naive_timestamp")])
    assert counted(client.post("/v1/batch", json={"batch": batch})) == (0, 499, [(123, "naive_timestamp")])
    counts = store_of(client).counts()
    assert (counts["event"], counts["quarantine"]) == (499, 1)


def test_the_first_stored_wins_and_a_differing_repeat_is_a_conflict(client: TestClient) -> None:
    assert counted(client.post("/v1/batch", json={"batch": [track("1"), track("1"), track("1", event="Other")]})) == (
        1,
        1,
        [(2, "conflict")],
    )
    assert counted(client.post("/v1/track", json=track("1", userId="b"))) == (0, 0, [(0, "conflict")])
    lead = store_of(client).lead("a")
    assert lead is not None
    assert [event.name for event in lead.events] == ["Login"]


def test_of_a_thousand_ids_sent_again_with_other_bodies_none_is_written_over(client: TestClient) -> None:
    first = [track(str(i), event="First") for i in range(1000)]
    others = [track(str(i), event="Other") | ({"userId": "b"} if i % 2 else {}) for i in range(1000)]

    def stored() -> list[Any]:
        with store_of(client).reading() as connection:
            query = text("SELECT message_id, lead_id, name, digest FROM event ORDER BY message_id")
            return list(connection.execute(query).all())

    for half in (first[:500], first[500:]):
        assert counted(client.post("/v1/batch", json={"batch": half})) == (500, 0, [])
    before = stored()
    assert len(before) == 1000
    for half in (others[:500], others[500:]):
        assert counted(client.post("/v1/batch", json={"batch": half})) == (0, 0, [(i, "conflict") for i in range(500)])
    assert stored() == before
    assert 'trialwise_events_total{outcome="conflict"} 1000.0' in client.get("/metrics").text


def test_a_batch_sent_twenty_times_by_eight_clients_is_stored_once(client: TestClient) -> None:
    often, once = (
        [track(f"{who}{i}", userId=f"{who} {i % 9}", timestamp=f"2026-05-0{1 + i % 7}T09:00:00Z") for i in range(100)]
        for who in ("often", "once")
    )

    def send(turn: int) -> int:
        order = random.Random(turn).sample(often, len(often))
        parts = (order,) if turn % 3 == 0 else (order[:37], order[37:])
        return sum(counted(client.post("/v1/batch", json={"batch": part}))[0] for part in parts)

    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(send, range(20)))
    assert sum(accepted) == 100
    assert store_of(client).counts()["event"] == 100
    assert counted(client.post("/v1/batch", json={"batch": once})) == (100, 0, [])
    as_of = format_us(now_us())
    for number in range(9):
        told = [client.get(f"/v1/leads/{who} {number}/features", params={"as_of": as_of}).json() for who in ("often", "once")]
        assert told[0]["features"] == told[1]["features"]
        assert told[0]["features"]["any_count_all"] == len(range(number, 100, 9))


@pytest.mark.parametrize(
    ("door", "call"),
    [
        ("track", {"userId": "a", "event": "Login"}),
        ("page", {"userId": "a", "name": "Home"}),
        ("screen", {"userId": "a", "name": "Home"}),
        ("identify", {"userId": "a", "traits": {"country": "DE"}}),
        ("group", {"userId": "a", "groupId": "acme"}),
        ("alias", {"userId": "a", "previousId": "anon"}),
    ],
)
def test_every_door_of_segment_takes_its_call(client: TestClient, door: str, call: dict[str, Any]) -> None:
    assert counted(client.post(f"/v1/{door}", json=call | {"messageId": "1"})) == (1, 0, [])
    with store_of(client).reading() as connection:
        assert connection.execute(text("SELECT kind, lead_id FROM event")).all() == [(door, "a")]


def test_a_webhook_may_send_one_call_or_an_array(client: TestClient) -> None:
    assert counted(client.post("/v1/events", json=track("1"))) == (1, 0, [])
    assert counted(client.post("/v1/events", json=[track("1"), track("2"), {"type": "track"}])) == (1, 1, [(2, "missing_user")])


def test_the_client_for_browsers_says_the_kind_with_a_letter(client: TestClient) -> None:
    calls = {
        "t": {"event": "x"},
        "i": {},
        "p": {"name": "x"},
        "s": {"name": "x"},
        "g": {"groupId": "x"},
        "a": {"previousId": "x"},
    }
    for letter, call in calls.items():
        assert counted(client.post(f"/v1/{letter}", json={"userId": "a", "messageId": letter} | call)) == (1, 0, [])
    assert counted(client.post("/v1/b", json={"batch": [track("1")]})) == (1, 0, [])
    with store_of(client).reading() as connection:
        kinds = [row[0] for row in connection.execute(text("SELECT kind FROM event ORDER BY seq"))]
    assert kinds == ["track", "identify", "page", "screen", "group", "alias", "track"]


def test_a_problem_says_what_it_is_as_segments_clients_read_it(client: TestClient) -> None:
    problem = client.post("/v1/batch", json={}).json()
    assert (problem["code"], problem["message"]) == ("invalid_request", problem["detail"])
    assert "message" not in client.post("/v1/score", json={}).json()


def test_what_forwards_calls_may_send_what_it_got(client: TestClient) -> None:
    """The bodies of Segment's and of RudderStack's webhook destinations: put right already, with much that is theirs."""
    segments = track("1", timestamp="2026-05-07T09:00:00Z", originalTimestamp="2026-05-07T21:00:00Z", version=2, projectId="p")
    segments |= {"sentAt": "2026-05-07T21:00:01Z", "receivedAt": "2026-05-07T09:00:01Z", "channel": "server", "integrations": {}}
    rudders = {"type": "identify", "userId": "a", "messageId": "2", "anonymousId": "anon", "channel": "web", "rudderId": "r"}
    rudders |= {"context": {"traits": {"country": "TR"}, "library": {"name": "RudderLabs JavaScript SDK"}}, "request_ip": "x"}
    rudders |= {
        "originalTimestamp": "2026-05-07T09:00:02Z",
        "timestamp": "2026-05-07T09:00:02Z",
        "receivedAt": "2026-05-07T09:00:03Z",
    }
    assert counted(client.post("/v1/events", json=segments)) == (1, 0, [])
    assert counted(client.post("/v1/events", json=[rudders])) == (1, 0, [])
    with store_of(client).reading() as connection:
        at = [row[0] for row in connection.execute(text("SELECT at FROM event ORDER BY seq"))]
        assert connection.execute(text("SELECT name, value FROM attribute")).all() == [("country", '"TR"')]
        assert connection.execute(text("SELECT from_id, to_id FROM identity_link")).all() == [("anon", "a")]
    assert at == [parse_moment("2026-05-07T09:00:00Z"), parse_moment("2026-05-07T09:00:02Z")]


def test_gzip_is_taken_and_counted(client: TestClient) -> None:
    body = gzip.compress(json.dumps({"batch": [track(str(i)) for i in range(50)]}).encode())
    headers = JSON | {"Content-Encoding": "gzip"}
    assert counted(client.post("/v1/batch", content=body, headers=headers)) == (50, 0, [])
    bomb = gzip.compress(b'{"batch": [' + b" " * (BODY_LIMIT * 4) + b"]}")
    assert client.post("/v1/batch", content=bomb, headers=headers).json()["code"] == "too_large"
    for broken in (b"not gzip", body[:-4], body + b"more"):
        assert client.post("/v1/batch", content=broken, headers=headers).json()["code"] == "bad_encoding"


@pytest.mark.parametrize(("door", "limit"), [("track", EVENT_LIMIT), ("batch", BODY_LIMIT), ("events", BODY_LIMIT)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_refused_from_one_byte_over_the_limit(client: TestClient, door: str, limit: int, chunked: bool) -> None:
    def body(size: int) -> Any:
        start, end = (
            (b'{"userId":"a","event":"x"', b"}")
            if door == "track"
            else (b'{"batch":[]', b"}")
            if door == "batch"
            else (b"[", b"]")
        )
        whole = start + b" " * (size - len(start) - len(end)) + end
        return iter([whole]) if chunked else whole

    assert client.post(f"/v1/{door}", content=body(limit), headers=JSON).status_code == 200
    over = client.post(f"/v1/{door}", content=body(limit + 1), headers=JSON)
    assert (over.status_code, over.headers["content-type"]) == (413, "application/problem+json")


def test_an_event_over_the_limit_is_refused_by_its_index(client: TestClient) -> None:
    batch = [track("1"), track("2", properties={"x": "y" * EVENT_LIMIT})]
    assert counted(client.post("/v1/batch", json={"batch": batch})) == (1, 0, [(1, "event_too_large")])


@pytest.mark.parametrize("body", [{}, {"batch": {}}, [], "x", 7, {"batch": None}])
def test_an_envelope_that_cannot_be_read_is_a_problem(client: TestClient, body: Any) -> None:
    answer = client.post("/v1/batch", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/xml"}, 415),
        (JSON | {"Content-Encoding": "br"}, 415),
        (JSON | {"Content-Encoding": "gzip, gzip"}, 415),
        ({"Content-Type": "Application/JSON; charset=utf-8"}, 200),
    ],
)
def test_types_and_encodings(client: TestClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/v1/batch", content=b'{"batch":[]}', headers=headers).status_code == status


def test_conversions_count_once_in_any_order_of_arrival(client: TestClient) -> None:
    items = [
        {"lead_id": "payer", "at": "2026-05-07T09:00:00Z"},
        {"lead_id": "payer", "at": "2026-05-07T09:00:00Z"},
        {"lead_id": "payer", "at": "2026-05-08T09:00:00Z", "id": "x"},
        {"lead_id": "payer", "at": "2026-05-09T09:00:00Z", "id": "x"},
        {"lead_id": "payer", "at": "2026-05-07T09:00:00"},
        {"lead_id": "payer"},
        {"at": "2026-05-07T09:00:00Z"},
        {"lead_id": "payer", "at": "2999-05-07T09:00:00Z"},
        {"lead_id": "payer", "at": "2026-05-08T09:00:00Z", "id": 7.5},
        "payer",
        {"lead_id": 7, "at": "2026-05-07T09:00:00Z", "id": 7},
        {"lead_id": "7", "at": "2026-05-07T09:00:00Z", "id": "7"},
    ]
    refused = [
        (3, "conflict"), (4, "naive_timestamp"), (5, "missing_at"), (6, "missing_lead_id"), (7, "invalid_timestamp"),
        (8, "invalid_id"), (9, "not_an_object"),
    ]  # fmt: skip
    assert counted(client.post("/v1/conversions", json={"conversions": items})) == (3, 2, refused)
    score = client.get("/v1/leads/payer/score").json()
    assert (score["probability"], score["stage"], score["grade"]) == (None, "customer", None)


def test_the_answer_never_repeats_what_was_sent(client: TestClient) -> None:
    secret = "s3cret-canary"
    bodies: list[Any] = [
        {"batch": [track(secret, timestamp=secret), track("x", **{secret: secret}, count=secret), {secret: secret}, secret]},
        {secret: secret},
        [secret],
    ]
    for door in ("batch", "track", "events", "conversions", "score", "leads/scores"):
        for body in bodies:
            assert secret not in client.post(f"/v1/{door}", json=body).text
        assert secret not in client.post(f"/v1/{door}", content=f'{{"{secret}'.encode(), headers=JSON).text


def test_a_basic_write_key_is_no_hindrance_in_open_mode(client: TestClient) -> None:
    headers = {"Authorization": "Basic " + base64.b64encode(b"anything:").decode()}
    assert client.post("/v1/track", json=track("1"), headers=headers).status_code == 200


def test_a_database_that_does_not_answer_is_a_503(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from features.storing.engine import unavailable

    def fail(*_: object) -> None:
        raise unavailable(None)

    monkeypatch.setattr(EventStore, "add", fail)
    answer = client.post("/v1/track", json=track("1"))
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert int(answer.headers["retry-after"]) > 0
