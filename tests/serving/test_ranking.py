"""The work list: all open leads, the likeliest first, in pages that neither repeat nor skip."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from features.clock import DAY_US, format_us, now_us
from serving.proving import Loaded
from serving.ranking import Ranked
from tests.serving.client import TestClient
from tests.serving.conftest import wait_for
from tests.serving.test_scores import START, fill, when


@pytest.fixture
def full(client: TestClient) -> TestClient:
    for i in range(9):
        fill(client, f"lead {i}", events=i * 3)
    fill(client, "staff")
    client.post("/v1/identify", json={"userId": "staff", "traits": {"email": "x@acme.com"}})
    fill(client, "gone")
    client.post("/v1/identify", json={"userId": "gone", "traits": {"cancelled_at": when(2)}})
    fill(client, "payer")
    client.post("/v1/conversions", json={"conversions": [{"lead_id": "payer", "at": when(2)}]})
    return client


def test_open_leads_come_the_likeliest_first(full: TestClient) -> None:
    body = full.get("/v1/leads", params={"reasons": "1"}).json()
    assert body["next"] is None
    assert sorted(item["lead_id"] for item in body["items"]) == [f"lead {i}" for i in range(9)]
    order = [(-item["probability"], item["lead_id"]) for item in body["items"]]
    assert order == sorted(order)
    assert all(len(item["reasons"]) == 1 for item in body["items"])


def test_pages_give_every_lead_once(full: TestClient) -> None:
    whole = [item["lead_id"] for item in full.get("/v1/leads").json()["items"]]
    paged: list[str] = []
    cursor: str | None = None
    while True:
        page = full.get("/v1/leads", params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        paged += [item["lead_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert paged == whole


def test_a_stage_is_a_part_of_the_list(full: TestClient) -> None:
    items = full.get("/v1/leads").json()["items"]
    for stage in ("lead", "mql", "pql", "sql", "expired", "customer"):
        chosen = full.get("/v1/leads", params={"stage": stage}).json()["items"]
        assert [item["lead_id"] for item in chosen] == [item["lead_id"] for item in items if item["stage"] == stage]


def test_who_was_spoken_to_lately_is_left_alone(full: TestClient) -> None:
    now = now_us()
    for lead, days in (("lead 3", 13.9), ("lead 4", 14.1)):
        said = {"lead_id": lead, "at": format_us(now - round(days * DAY_US)), "channel": "phone"}
        assert full.post("/v1/contacts", json={"contacts": [said]}).json()["accepted"] == 1
    listed = {item["lead_id"] for item in full.get("/v1/leads").json()["items"]}
    assert listed == {f"lead {i}" for i in range(9)} - {"lead 3"}


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "x"},
        {"limit": "0000051"},
        {"stage": "hot"},
        {"cursor": "x"},
        {"cursor": "bnVsbA"},
        {"cursor": "W1tb" * 400},
        {"cursor": "W05hTiwiYSJd"},
        {"reasons": "x"},
    ],
)
def test_what_means_nothing_is_a_problem(full: TestClient, params: dict[str, str]) -> None:
    answer = full.get("/v1/leads", params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_the_list_is_of_one_instant(full: TestClient) -> None:
    first = full.get("/v1/leads").json()["items"]
    assert len({item["as_of"] for item in first}) == 1
    assert START < START + DAY_US


def test_nobody_waits_for_a_long_list_if_there_was_one_lately(full: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ranking, loaded = full.app.state.services.ranking, full.app.state.services.model()
    made: list[str] = []
    real = ranking._compute

    def compute(of: Loaded) -> Ranked:
        made.append(threading.current_thread().name)
        found: Ranked = real(of)
        fresh = 0.3 if len(made) == 1 else 30
        return replace(found, fresh_until=time.monotonic() + fresh, used_until=time.monotonic() + 60)

    monkeypatch.setattr(ranking, "_compute", compute)
    first = ranking.newest(loaded)
    assert ranking.newest(loaded) is first
    time.sleep(0.35)
    assert ranking.newest(loaded) is first
    wait_for(lambda: len(made) == 2)
    wait_for(lambda: ranking._newest is not first)
    assert made[1] == "ranking"
    assert ranking.newest(loaded).as_of > first.as_of
    time.sleep(0.5)
    assert len(made) == 2  # nobody has asked since it is no longer fresh


def test_whoever_comes_late_or_asks_for_another_model_waits(full: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    ranking, loaded = full.app.state.services.ranking, full.app.state.services.model()
    first = ranking.newest(loaded)
    assert first.used_until == first.fresh_until  # made in no time
    ranking._newest = replace(first, fresh_until=time.monotonic() - 2, used_until=time.monotonic() - 1)
    second = ranking.newest(loaded)
    assert second.as_of > first.as_of
    other = replace(loaded)
    assert ranking.newest(other).loaded is other
    monkeypatch.setattr("serving.ranking.LONG_SECONDS", 0.0)
    slow = ranking._compute(loaded)
    assert slow.used_until > slow.fresh_until
