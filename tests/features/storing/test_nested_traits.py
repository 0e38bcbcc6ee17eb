"""What is sent inside an object is the same by file, live and out of the store: traits, properties, and how many are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.catalog import feature_set
from features.clock import DAY_US, format_us
from features.matrix import compute
from features.reading.moments import parse_moment
from features.store import EventStore
from features.storing.sent_names import Names
from features.tables import read_tables
from features.workspace import Workspace, parse_workspace
from serving.items import Arrival
from serving.segment import clean
from serving.view import View
from tests import store_fixture

store_url = store_fixture.made_store_url
START = parse_moment("2026-05-01T00:00:00Z")
AT = START + 9 * DAY_US

WORKSPACE = """
name: acme
data:
  leads: {source: people.jsonl, id: userId, started_at: createdAt, account: company.id, missing: [Select]}
  events: {source: calls.jsonl, lead: userId, name: event, at: timestamp, id: messageId,
           properties: [order.plan, order.total, order.by.card]}
behaviours:
  session: {events: [login], duration: order.by.card}
  add_on: {events: [{event: bought, where: {order.plan: {eq: pro}}}], amount: order.total}
  profile: {traits: [address.city, company.size, company.website.host, address, seats, vip, tags]}
attributes:
  {address.city: category, address.geo.zone: category, company.size: number, seats: number, vip: category, tags: category}
"""

TRAITS: list[dict[str, Any]] = [
    {"address": {"city": "Bonn", "geo": {"zone": 7}}, "company": {"size": 40, "website": "https://a.example/x"}, "seats": 3},
    {"address": {"city": "Select"}, "company": {"size": "40"}, "seats": "3.50", "vip": True},
    {"address": {"city": ""}, "company": {"size": "many"}, "seats": "lots", "vip": "true", "tags": ["a", 1]},
    {"address": {}, "company": {}, "seats": True, "vip": None},
    {"address": '{"city": "Köln", "geo": {"zone": "7"}}', "company": [{"key": "size", "value": 12}], "seats": 0, "tags": {}},
    {"address": "a street", "address.city": "Ulm", "company": {"size": None}, "seats": "", "vip": 1.0},
    {"address": {"geo.zone": "N"}, "company": {"size": {"x": 1}}, "seats": "1e400", "vip": False, "tags": []},
    {"address": {"city": {"name": "Trier"}}, "company": 7, "seats": 2**60, "tags": "Select"},
    {},
]  # fmt: skip
ORDERS: list[dict[str, Any]] = [
    {"order": {"plan": "pro", "total": 12.5, "by": {"card": 90}}},
    {"order": {"plan": "pro", "total": "7.25"}},
    {"order": {"plan": "free", "total": 3}, "order.plan": "pro"},
    {"order": '{"plan": "pro", "total": 1}'},
    {"order": {"total": {"amount": 3}}},
    {},
]


def calls() -> list[dict[str, Any]]:
    """Return one identify of each person and some events, as Segment's clients send them."""
    made: list[dict[str, Any]] = []
    for who, traits in enumerate(TRAITS):
        said = {"createdAt": format_us(START), **traits}
        made.append({"type": "identify", "userId": f"u{who}", "timestamp": format_us(START), "traits": said})
        for i, order in enumerate(ORDERS[who % 2 :]):
            at = format_us(START + i * DAY_US)
            said = {"userId": f"u{who}", "messageId": f"m{who}-{i}", "timestamp": at, "properties": order}
            made += [{"type": "track", "event": "bought"} | said]
            made += [{"type": "track", "event": "login"} | said | {"messageId": f"l{who}-{i}"}]
    return made


def by_file(folder: Path, at: int) -> dict[str, Any]:
    """Return the features from the very calls as lines of JSON."""
    told = calls()
    for name, kind in (("people", "identify"), ("calls", "track")):
        lines = (json.dumps(call) for call in told if call["type"] == kind)
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return computed(parse_workspace(WORKSPACE, folder), at)


def computed(ws: Workspace, at: int) -> dict[str, Any]:
    tables, features = read_tables(ws, cut=at), feature_set(ws.definition(categories={"address.city": ("Bonn", "Köln")}))
    begun = np.flatnonzero(tables.leads.started_at <= at)
    matrix = compute(features, tables, begun, np.full(len(begun), at))
    return {tables.leads.ids[lead]: matrix.row(row) for row, lead in enumerate(begun.tolist())}


def test_by_file_live_and_out_of_the_store(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = by_file(tmp_path, AT)
    store = EventStore(store_url)
    store.migrate()
    arrival = Arrival(now=parse_moment("2026-12-01"), may_backdate=True)
    for call in calls():
        assert store.add([clean(call | {"receivedAt": call["timestamp"]}, arrival)]) == ["accepted"]
    ws = parse_workspace(WORKSPACE, tmp_path)
    view = View(ws, ws.definition(categories={"address.city": ("Bonn", "Köln")}))
    for lead_id, stored in store.leads(sorted(file)).items():
        standing = view.standing(stored, AT)
        assert standing is not None
        assert view.matrix([standing], AT, store).row(0) == file[lead_id], lead_id
    store.close()
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", store_url)
    kept = WORKSPACE.replace("people.jsonl", "store").replace("calls.jsonl", "store")
    assert computed(parse_workspace(kept, tmp_path), AT) == file
    rows = [file[f"u{who}"] for who in range(len(TRAITS))]
    assert [row["address.city"] for row in rows] == ["Bonn", None, None, None, "Köln", "Ulm", None, '{"name": "Trier"}', None]
    assert [row["company.size"] for row in rows] == [40, 40, None, None, 12, None, None, None, None]
    assert [row["address.geo.zone"] for row in rows] == ["7", None, None, None, "7", None, "N", None, None]
    # A trait that is also a number counts where it is one.
    assert [round(7 * row["profile_filled"]) for row in rows] == [5, 4, 3, 2, 5, 3, 3, 3, 0]
    assert rows[0]["add_on_amount_sum_all"] == pytest.approx(12.5 + 7.25 + 3 + 1)
    assert rows[0]["session_duration_sum_s_all"] == 90


@pytest.mark.parametrize(
    ("asked", "sent", "found"),
    [
        ("address_city", {"address": {"city": 1}}, {"address_city": 1}),
        ("addressCity", {"Address": {"City": 1}}, {"addressCity": 1}),
        ("address_post_code", {"address": {"postCode": 1}}, {"address_post_code": 1}),
        ("a_b_c", {"a": {"b": {"c": 1}}}, {"a_b_c": 1}),
        ("a_b_c", {"a_b": {"c": 1}}, {"a_b_c": 1}),
        ("a.b", {"a.b": 1, "a": {"b": 2}}, {"a.b": 1}),
        ("a.b", {"A": {"b": 2}}, {"a.b": 2}),
        ("a_b", {"a": {"b": None}}, {}),
        ("a_b", {"a": '{"b": 1}'}, {}),  # what no warehouse takes apart
        ("a_b", {"a": [{"key": "b", "value": 1}]}, {}),
        ("b", {"a": {"b": 1}}, {}),
        ("_a_b", {"": {"a": {"b": 1}}}, {}),
    ],
)
def test_what_lies_inside(asked: str, sent: dict[str, Any], found: dict[str, Any]) -> None:
    assert Names([asked]).of(sent) == found


def test_two_that_ask_for_one_place_both_get_it() -> None:
    assert Names(["a.b", "a_b"]).of({"a": {"b": 1}}) == {"a.b": 1, "a_b": 1}
