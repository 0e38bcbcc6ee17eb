"""Contacts: what sales did is stored once, an array or one at a time, and can be read as a table again."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from features.clock import format_us
from features.reading.moments import parse_moment
from features.store import EventStore
from features.storing.collected import collected
from features.storing.schema import contact, quarantine
from features.storing.watch_tables import outbox
from features.workspace import Workspace, load_workspace
from serving.guarded_connect import Trust
from serving.metrics import Metrics
from serving.sales import take_contacts
from serving.segment import Arrival
from serving.webhook_endpoints import endpoints_of
from tests.serving import test_access
from tests.serving.client import TestClient
from tests.serving.conftest import WORKSPACE
from tests.serving.receiver import SECRET
from tests.serving.test_ingest_routes import counted, store_of

closed, keys, bearer = test_access.closed, test_access.keys, test_access.bearer
__all__ = ["closed", "keys"]

AT = "2026-05-07T09:00:00Z"
CALL = {"lead_id": "a", "at": AT, "play": "demo", "channel": "phone", "result": "interested"}
CALL |= {"need": "reports", "budget": 900.5, "intent": True, "id": "c1"}


def stored(client: TestClient) -> list[dict[str, Any]]:
    with store_of(client).reading() as connection:
        return [dict(row) for row in connection.execute(select(contact).order_by(contact.c.seq)).mappings()]


def post(client: TestClient, *items: Any) -> tuple[int, int, list[tuple[int, str]]]:
    return counted(client.post("/v1/contacts", json={"contacts": list(items)}))


def test_every_field_of_a_contact_is_kept(client: TestClient) -> None:
    assert counted(client.post("/v1/contacts", json=CALL)) == (1, 0, [])
    (row,) = stored(client)
    names = ("contact_id", "lead_id", "at", "play", "channel", "result")
    assert [row[name] for name in names] == ["c1", "a", parse_moment(AT), "demo", "phone", "interested"]
    assert row["known_at"] > row["at"]
    body = json.loads(row["body"])
    assert {name: body[name] for name in ("need", "budget", "intent")} == {"need": "reports", "budget": 900.5, "intent": True}
    assert store_of(client).lead("a") is not None


def test_a_contact_counts_once(client: TestClient) -> None:
    plain = {"lead_id": "b", "at": AT}
    assert post(client, CALL, CALL, CALL | {"result": "no"}, plain, plain, plain | {"play": "demo"}) == (3, 2, [(2, "conflict")])
    assert post(client, CALL, plain) == (0, 2, [])
    assert [row["result"] for row in stored(client)] == ["interested", None, None]


def test_bodies_that_are_none(client: TestClient) -> None:
    for body in ([], "x", {"contact": []}, {"contacts": CALL}, 7):
        assert client.post("/v1/contacts", json=body).json()["code"] == "invalid_request"


def test_refusals_are_told_and_kept(client: TestClient) -> None:
    items: list[tuple[Any, str]] = [
        (7, "not_an_object"), ({"at": AT}, "missing_lead_id"), ({"lead_id": "a"}, "missing_at"),
        (CALL | {"at": "2026-05-07"}, ""), (CALL | {"at": "2026-05-07T09:00:00"}, "naive_timestamp"),
        (CALL | {"at": "2090-01-01T00:00:00Z"}, "timestamp_in_future"), (CALL | {"play": 7}, "invalid_play"),
        (CALL | {"channel": ["x"]}, "invalid_channel"), (CALL | {"result": "x" * 257}, "invalid_result"),
        (CALL | {"need": "x" * 1001}, "invalid_need"), (CALL | {"budget": {}}, "invalid_budget"),
        (CALL | {"intent": []}, "invalid_intent"), (CALL | {"owner": 7}, "invalid_owner"), (CALL | {"id": 1.5}, "invalid_id"),
    ]  # fmt: skip
    wrong = [(number, code) for number, (_, code) in enumerate(items) if code]
    assert post(client, *(item for item, _ in items)) == (1, 0, wrong)
    with store_of(client).reading() as connection:
        kept = connection.execute(select(quarantine.c.door, quarantine.c.code).order_by(quarantine.c.code)).all()
    assert [tuple(row) for row in kept] == sorted(("/v1/contacts", code) for _, code in wrong)


def test_to_whom_a_lead_was_handed_is_kept_and_given_back(client: TestClient) -> None:
    assert counted(client.post("/v1/contacts", json=CALL | {"owner": "kim@acme.example"})) == (1, 0, [])
    assert counted(client.post("/v1/contacts", json=CALL | {"owner": "sam@acme.example"})) == (0, 0, [(0, "conflict")])
    (row,) = stored(client)
    assert json.loads(row["body"])["owner"] == "kim@acme.example"
    (given,) = client.get("/v1/leads/a/export").json()["contacts"]
    assert (given["owner"], given["need"], given["play"]) == ("kim@acme.example", "reports", "demo")


def test_a_hand_over_is_told_in_the_transaction_of_the_contact(store_url: str) -> None:
    store = EventStore(store_url)
    store.migrate()
    hooks = {
        "crm": {"url": "https://crm.example/hook", "secret": SECRET, "on": ("handed_over",), "format": "cloudevents"},
        "other": {"url": "https://other.example/hook", "secret": SECRET, "on": ("stage",)},
    }
    ws = Workspace.model_validate({"name": "a", "data": {"events": {"source": "e.csv"}}, "webhooks": hooks})
    endpoints = endpoints_of(ws, Trust())
    store.outbox.know({one.name: one.address for one in endpoints})
    arrival = Arrival(parse_moment(AT) + 1, "UTC", may_backdate=False)
    over = CALL | {"owner": "kim", "id": "c9"}
    for _ in range(2):
        take_contacts(store, Metrics(), [over, CALL], arrival, endpoints, "acme")
    with store.reading() as connection:
        (row,) = connection.execute(select(outbox)).mappings()
    assert (row["endpoint"], row["kind"], row["lead_id"], row["attempts"]) == ("crm", "lead.handed_over", "a", 0)
    event = json.loads(row["body"])
    assert (event["type"], event["subject"], event["id"]) == ("lead.handed_over", "a", row["message_id"])
    names = ("owner", "need", "budget", "intent", "play", "channel", "result", "contact_id", "stage")
    assert [event["data"][name] for name in names] == [
        "kim", "reports", 900.5, True, "demo", "phone", "interested", "c9", None,
    ]  # fmt: skip
    store.close()


def test_only_an_admin_says_when_it_was_known(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    for scope in ("ingest", "admin"):
        item = {"lead_id": scope, "at": "2026-05-01T00:00:00Z", "received_at": AT}
        assert closed.post("/v1/contacts", json=item, headers=bearer(keys[scope]["key"])).status_code == 200
    assert {row["lead_id"]: row["known_at"] == parse_moment(AT) for row in stored(closed)} == {"ingest": False, "admin": True}


def test_they_are_a_table_of_the_workspace(client: TestClient, tmp_path: Any) -> None:
    assert post(client, CALL, CALL | {"id": "c2", "lead_id": "b", "play": None}) == (2, 0, [])
    with_contacts = WORKSPACE.replace("behaviours:", "  contacts: {source: store, play: play, result: result}\nbehaviours:", 1)
    (tmp_path / "acme.yaml").write_text(with_contacts, encoding="utf-8")
    ws = load_workspace(tmp_path / "acme.yaml")
    with collected(ws, store_of(client).engine.url.render_as_string(hide_password=False)) as store:
        (table,) = store("contacts", [])
    rows = table.to_pylist()
    assert [(row["lead_id"], row["play"], row["result"]) for row in rows] == [
        ("a", "demo", "interested"),
        ("b", None, "interested"),
    ]
    assert {format_us(round(row["at"].timestamp() * 1e6)) for row in rows} == {format_us(parse_moment(AT))}
