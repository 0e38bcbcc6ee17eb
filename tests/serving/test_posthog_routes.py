"""PostHog's doors: every form in which its clients send, the key wherever it stands, and an answer that says what became."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from features.clock import DAY_US, format_us, now_us
from features.storing.schema import event, quarantine
from serving.guards import POSTHOG_LIMIT
from tests.serving import test_access
from tests.serving.client import TestClient
from tests.serving.test_browsers import PAGE, at_page
from tests.serving.test_ingest_routes import JSON, store_of

closed, keys, bearer = test_access.closed, test_access.keys, test_access.bearer
__all__ = ["at_page", "closed", "keys"]

DOORS = ("/i/v0/e/", "/e/", "/capture/", "/batch/")
EVENT = {"event": "login", "distinct_id": "a"}


def login(uuid: str, **more: Any) -> dict[str, Any]:
    return EVENT | {"uuid": uuid} | more


def stored(client: TestClient) -> list[str]:
    with store_of(client).reading() as connection:
        return sorted(connection.execute(select(event.c.message_id)).scalars())


def told(answer: Any) -> tuple[int, int, list[tuple[int, str]]]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["status"] == 1
    return body["accepted"], body["duplicates"], [(one["index"], one["code"]) for one in body["refused"]]


def test_every_door_takes_one_some_and_a_batch_with_and_without_a_slash(client: TestClient) -> None:
    for door in DOORS:
        one, two, three, four = (login(f"{door}{number}") for number in range(4))
        assert told(client.post(door, json=one)) == (1, 0, [])
        assert told(client.post(door.rstrip("/"), json=[one, two])) == (1, 1, [])
        assert told(client.post(door, json={"api_key": "x", "batch": [three, {"event": 7}]})) == (1, 0, [(1, "missing_user")])
        assert told(client.post(door, json={"batch": four})) == (1, 0, [])
        assert client.post(door, json="x").status_code == 422
    assert stored(client) == sorted(f"{door}{number}" for door in DOORS for number in range(4))


def test_a_repeat_and_a_contradiction_are_told(client: TestClient) -> None:
    assert told(client.post("/e/", json=[login("1"), login("1", event="other")])) == (1, 0, [(1, "conflict")])


def test_every_way_to_compress(client: TestClient, at_page: TestClient) -> None:
    """By header, by a word in the address, or without a word; a form only comes from pages."""
    text = json.dumps([login("1")]).encode()
    small = gzip.compress(text)
    assert told(client.post("/batch/", content=small, headers=JSON | {"Content-Encoding": "gzip"}))[0] == 1
    assert told(client.post("/e/?compression=gzip-js", content=small, headers=JSON))[1] == 1
    assert told(client.post("/e/", content=small, headers=JSON))[1] == 1
    plain, form = {"Content-Type": "text/plain"} | PAGE, {"Content-Type": "application/x-www-form-urlencoded"} | PAGE
    key = {"api_key": at_page.headers["x-key"]}
    batch = json.dumps({"batch": [login("ü")]} | key, ensure_ascii=False).encode()
    assert told(at_page.post("/e/?compression=gzip-js", content=gzip.compress(batch), headers=plain))[0] == 1
    for fields in ({"data": base64.b64encode(batch)}, {"data": base64.b64encode(batch), "ver": "1"}):
        assert told(at_page.post("/e/?compression=base64", content=urlencode(fields), headers=form))[1] == 1
    assert told(at_page.post("/e/", content=urlencode({"data": batch}), headers=form))[1] == 1


NOT_READ: list[tuple[str, bytes, dict[str, str], int]] = [
    ("/e/?compression=gzip-js", b"[]", {}, 400),
    ("/e/?compression=lz64", b"[]", {}, 415),
    ("/e/", b"[]", {"Content-Encoding": "br"}, 415),
    ("/e/", b"\x1f\x8bnot gzip", {}, 400),
    ("/e/", b"[]", {"Content-Type": "text/plain"}, 415),
    ("/e/", b"data=W10=", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ("/e/", b'[{"a":NaN}]', {}, 400),
]


def test_bodies_that_are_not_read(client: TestClient) -> None:
    for address, content, more, status in NOT_READ:
        answer = client.post(address, content=content, headers=JSON | more)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (address, more)


def test_forms_that_are_none(at_page: TestClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | PAGE
    for content in (b"W10=", b"data=%", b"data=!!", b"data=W10=&data=W10=", b"other=W10=", b"\xff", b"data=x&" * 20):
        assert at_page.post("/e/?compression=base64", content=content, headers=headers).json()["code"] == "bad_encoding", content


def test_twenty_megabytes_and_no_byte_more(client: TestClient) -> None:
    body = b"[" + b" " * (POSTHOG_LIMIT - 2) + b"]"
    assert client.post("/batch/", content=body, headers=JSON).status_code == 200
    assert client.post("/batch/", content=body + b" ", headers=JSON).json()["code"] == "too_large"
    bomb = gzip.compress(body + b" ")
    assert client.post("/e/", content=bomb, headers=JSON).json()["code"] == "too_large"


def test_the_key_may_stand_wherever_the_clients_put_it(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    key = keys["ingest"]["key"]
    for number, body in enumerate([
        {"batch": [EVENT], "api_key": key}, {"batch": [EVENT], "token": key}, EVENT | {"api_key": key}, EVENT | {"token": key},
        [EVENT | {"properties": {"token": key}}], {"batch": [EVENT | {"properties": {"token": key}}]},
    ]):  # fmt: skip
        assert told(closed.post("/e/", json=body))[0] == 1, number
    assert told(closed.post("/e/", json=EVENT, headers=bearer(key)))[0] == 1
    for wrong in (EVENT, EVENT | {"api_key": 7}, EVENT | {"api_key": "phc_x"}, []):
        assert closed.post("/e/", json=wrong).status_code == 401
    assert closed.post("/e/", json=EVENT | {"api_key": keys["score"]["key"]}).status_code == 403


def test_no_key_is_kept_with_what_is_taken_or_refused(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    key = keys["ingest"]["key"]
    bad, good = {"event": 7, "distinct_id": "a"}, login("1")
    both = [one | {"api_key": key, "token": key, "properties": {"token": key, "x": 1}} for one in (good, bad)]
    assert told(closed.post("/e/", json=both)) == (1, 0, [(1, "missing_event")])
    with store_of(closed).reading() as connection:
        kept = [
            *connection.execute(select(event.c.properties)).scalars(),
            *connection.execute(select(quarantine.c.body)).scalars(),
        ]
    assert kept == ['{"x":1}', '{"distinct_id":"a","event":7,"properties":{"x":1}}']


def test_refusals_are_kept_under_the_lead_and_the_door(client: TestClient) -> None:
    assert told(client.post("/capture", json={"event": 7, "properties": {"distinct_id": "a"}}))[2] == [(0, "missing_event")]
    with store_of(client).reading() as connection:
        (row,) = connection.execute(select(quarantine.c.door, quarantine.c.lead_id, quarantine.c.code))
    assert tuple(row) == ("/capture/", "a", "missing_event")


def test_only_an_admin_may_tell_history(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    past = login("i", timestamp="2025-05-01T00:00:00Z")
    for scope, history in (("ingest", True), ("admin", True), ("admin", False), ("admin", "yes")):
        body = {"batch": [past | {"uuid": f"{scope} {history}"}], "historical_migration": history, "api_key": keys[scope]["key"]}
        assert told(closed.post("/batch/", json=body))[0] == 1
    with store_of(closed).reading() as connection:
        rows = connection.execute(select(event.c.message_id, event.c.at, event.c.received_at)).all()
    assert {row[0]: row[1] == row[2] for row in rows} == {
        "ingest True": False, "admin True": True, "admin False": False, "admin yes": False,
    }  # fmt: skip


def test_when_it_was_sent_may_stand_in_the_body_or_the_address(client: TestClient) -> None:
    ahead = now_us() + DAY_US // 2
    written = format_us(ahead - DAY_US)
    client.post("/batch/", json={"batch": [login("body", timestamp=written)], "sent_at": format_us(ahead)})
    client.post(f"/e/?sent_at={ahead // 1000}", json=login("address", timestamp=written))
    client.post("/e/?sent_at=yesterday", json=login("neither", timestamp=written))
    with store_of(client).reading() as connection:
        at = {row[0]: row[1] for row in connection.execute(select(event.c.message_id, event.c.at))}
    assert abs(at["body"] - (now_us() - DAY_US)) < DAY_US // 100
    assert abs(at["address"] - at["body"]) < DAY_US // 100
    assert format_us(at["neither"]) == written


def test_what_clients_ask_at_start_is_answered_to_everybody(closed: TestClient) -> None:
    for path in ("/flags/?v=2", "/decide/", "/flags", "/decide"):
        assert closed.post(path, content=b"x").json()["featureFlags"] == {}
    told_page = closed.get("/array/phc_x/config").json()
    assert told_page["supportedCompression"] == ["gzip-js"]
    script = closed.get("/array/phc_x/config.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert json.loads(script.text.partition(" = ")[2].rstrip(";\n")) == {"phc_x": {"config": told_page, "siteApps": []}}
    assert closed.get("/array/%22%3Balert(1)/config.js").status_code == 404
