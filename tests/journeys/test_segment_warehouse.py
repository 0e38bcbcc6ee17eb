"""One history sent through Segment's door and the same history in Segment's warehouse give the same features, to the bit."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
from sqlalchemy import create_engine, text

from features.catalog import feature_set
from features.inspecting.proposal import propose
from features.matrix import compute
from features.reading.moments import parse_moment
from features.tables import read_tables
from features.workspace import load_workspace
from tests import store_fixture
from tests.journeys.conftest import trialwise
from tests.journeys.segment_history import START, History, draw, iso
from tests.journeys.server import running

store_url = store_fixture.store_url

BY_HAND = """
name: acme
timezone: Europe/Berlin
data:
  leads:
    source:
      url: ${WAREHOUSE_URL}
      query: |
        SELECT first.user_id, first.created_at, first.country, first.company_size, first.address_city,
          first.address_geo_postal_code, joined.group_id
        FROM (SELECT i.*, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY received_at, id) AS place FROM identifies i) first
        LEFT JOIN (SELECT g.*, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY received_at, id) AS place FROM groups g) joined
          ON joined.user_id = first.user_id AND joined.place = 1
        WHERE first.place = 1
    id: user_id
    started_at: created_at
    account: group_id
    zone: UTC
  events:
    source:
      - url: ${WAREHOUSE_URL}
        query: |
          SELECT t.id, COALESCE(t.user_id, t.anonymous_id) AS who, t.event, t.timestamp, t.received_at, s.minutes, u.plan
          FROM tracks t LEFT JOIN session_ended s ON s.id = t.id LEFT JOIN upgrade_clicked u ON u.id = t.id
      - url: ${WAREHOUSE_URL}
        query: |
          SELECT id, COALESCE(user_id, anonymous_id) AS who, 'page:' || COALESCE(path, name) AS event, timestamp, received_at,
            NULL AS minutes, NULL AS plan FROM pages
      - url: ${WAREHOUSE_URL}
        query: |
          SELECT id, COALESCE(user_id, anonymous_id) AS who, 'screen:' || name AS event, timestamp, received_at,
            NULL AS minutes, NULL AS plan FROM screens
    lead: who
    name: event
    at: timestamp
    id: id
    received_at: received_at
    properties: [minutes, plan]
    zone: UTC
  conversions: {events: [subscription_started]}
  identities:
    source:
      url: ${WAREHOUSE_URL}
      query: |
        SELECT anonymous_id AS old_id, user_id, received_at FROM identifies WHERE anonymous_id IS NOT NULL
        UNION ALL SELECT previous_id, user_id, received_at FROM aliases
    from: old_id
    to: user_id
    at: received_at
    zone: UTC
behaviours:
  session: {events: [session_ended], duration: minutes}
  core_use: {events: ["feature.*", "screen:*"]}
  purchase_intent: {events: [{event: upgrade_clicked, where: {plan: {eq: pro}}}, "page:/pricing*"]}
features:
  together_10d: {account_count: [session_ended], window: 10d}
attributes: {country: category, company_size: number, address_city: category, address_geo_postal_code: number}
"""

Rows = dict[str, dict[str, float | str | None]]


def of_warehouse(workspace: Path, as_of: str) -> Rows:
    """Return the features of every lead of the warehouse as of an instant, from what had arrived there by then."""
    ws, at = load_workspace(workspace), parse_moment(as_of)
    tables, features = read_tables(ws, cut=at), feature_set(ws.definition())
    begun = np.flatnonzero(tables.leads.started_at <= at)
    matrix = compute(features, tables, begun, np.full(len(begun), at))
    return {tables.leads.ids[lead]: matrix.row(row) for row, lead in enumerate(begun.tolist())}


def of_server(client: httpx.Client, lead_ids: list[str], as_of: str) -> Rows:
    found = {}
    for lead_id in lead_ids:
        answer = client.get(f"/v1/leads/{lead_id}/features", params={"as_of": as_of})
        assert answer.status_code == 200, answer.text
        found[lead_id] = answer.json()["features"]
    return found


def send(client: httpx.Client, history: History) -> None:
    """Send every call as Segment's webhook forwards it, and the last ones twice."""
    for start in (*range(0, len(history.calls), 250), len(history.calls) - 20):
        answer = client.post("/v1/batch", json={"batch": history.calls[start : start + 250]}).json()
        assert answer["success"], answer["refused"][:3]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["by hand", "preset"])
def test_the_same_history_gives_the_same_features(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    history = draw(5)
    history.fill(store_url)
    monkeypatch.setenv("WAREHOUSE_URL", store_url)
    written = BY_HAND if form == "by hand" else propose([], url=store_url, preset="segment", folder=tmp_path)
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text(written, encoding="utf-8")
    key = json.loads(trialwise("keys", "create", "--scope", "admin", "--json", home=tmp_path).stdout)["key"]
    with running(workspace, tmp_path, key=key, ready=False) as client:
        send(client, history)
        for days in (5.3, 9, 20):
            at = START + timedelta(days=days)
            warehouse = of_warehouse(workspace, iso(at))
            assert sorted(warehouse) == sorted(user for user, born in history.signed_up.items() if born <= at)
            live = of_server(client, sorted(warehouse), iso(at))
            for lead_id, row in warehouse.items():
                different = {name: (live[lead_id][name], value) for name, value in row.items() if live[lead_id][name] != value}
                assert not different, (lead_id, days)
        whole = warehouse
    assert len(whole) == len(history.signed_up)
    assert sum(row["account_any_count_all"] is not None for row in whole.values()) == 18
    if form == "by hand":
        assert {row["country"] for row in whole.values()} == {"DE", "TR"}
        assert {row["address_city"] for row in whole.values()} == {"Bonn", "Ulm", "Trier"}
        assert len({row["address_geo_postal_code"] for row in whole.values()}) == 7
        for name in ("session_duration_sum_s_all", "purchase_intent_count_all", "account_core_use_count_7d", "together_10d"):
            assert len({row[name] for row in whole.values()}) > 3, name
        count = text("SELECT count(*) FROM tracks WHERE user_id IS NULL AND received_at > timestamp")
        engine = create_engine(store_url)
        with engine.connect() as connection:
            assert connection.execute(count).scalar_one() > 10
        engine.dispose()
