"""The door for what to do next: the best first, what must wait says why and until when, and the lot is written down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from features.clock import DAY_US, format_us, now_us
from features.workspace import Workspace
from features.workspaces.settings import CapacitySpec
from models.playbook import playbook
from serving.app import create_app
from serving.next_steps import Limits
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for
from tests.serving.test_ingest_routes import store_of
from tests.serving.test_scores import fill

ITEM = {
    "play", "text", "reach", "moves", "missing", "probability", "activity", "difference", "cost", "value", "held_out",
    "propensity", "reason", "detail", "until",
}  # fmt: skip


@pytest.fixture
def likely(workspace: Workspace) -> Workspace:
    """A workspace in which whoever uses the product is product-qualified."""
    return workspace.model_copy(update={"stages": workspace.stages.model_copy(update={"pql_probability": 1e-6})})


@pytest.fixture
def served(likely: Workspace, settings: Settings, registry: FakeRegistry) -> Iterator[TestClient]:
    yield from serve(likely, settings, registry)


@pytest.fixture
def gambling(likely: Workspace, settings: Settings, registry: FakeRegistry) -> Iterator[TestClient]:
    """Half of all plays are held out, and money is known."""
    money = CapacitySpec(contact_cost=0.001, conversion_value=1000.0)
    yield from serve(likely.model_copy(update={"hold_out": 0.5, "capacity": money}), settings, registry)


def serve(workspace: Workspace, settings: Settings, registry: FakeRegistry) -> Iterator[TestClient]:
    with TestClient(create_app(workspace, settings, source=registry), base_url="http://127.0.0.1") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client


def actions(client: TestClient, lead_id: str = "a", **params: Any) -> dict[str, Any]:
    answer = client.get(f"/v1/leads/{lead_id}/actions", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def contact(client: TestClient, days_ago: float, **more: Any) -> None:
    told = {"lead_id": "a", "at": format_us(now_us() - round(days_ago * DAY_US)), **more}
    assert client.post("/v1/contacts", json=told).json()["accepted"] == 1


def by_play(found: dict[str, Any]) -> dict[str, Any]:
    return {one["play"]: one for one in (*found["items"], *found["not_now"])}


def test_the_best_comes_first_and_all_of_it_is_told(served: TestClient) -> None:
    fill(served, events=2)
    found = actions(served)
    score = served.get("/v1/leads/a/score").json()
    assert found["stage"] == score["stage"] == "pql"
    assert found["probability"] == pytest.approx(score["probability"], abs=1e-6)
    every = [*found["items"], *found["not_now"]]
    assert every
    assert all(set(one) == ITEM for one in every)
    differences = [one["difference"] for one in found["items"]]
    assert differences == sorted(differences, reverse=True)
    assert all(one > 0 for one in differences)
    own = found["probability"]
    assert all(own + one["activity"] + one["difference"] == pytest.approx(one["probability"], abs=1e-9) for one in every)
    assert {"call", "demo", "case_study"} <= set(by_play(found))
    assert by_play(found)["call"]["missing"][0]["player"] == "sales"
    assert all(one["reason"] == "no_gain" for one in found["not_now"])
    assert found["capacity"] == {"contacts_per_week": 50.0, "used_last_7_days": 0}


def test_a_play_is_ranked_by_the_step_of_its_what_if(served: TestClient) -> None:
    """What any event would bring is no reason for one play: the doors of both agree."""
    fill(served, events=2)
    call = by_play(actions(served))["call"]
    parts = served.post("/v1/leads/a/what-if", json={"events": [{"event": "demo"}]}).json()["parts"]
    assert parts["step"]["points"] == pytest.approx(call["difference"], abs=1e-6)
    assert parts["activity"]["points"] == pytest.approx(call["activity"], abs=1e-6)


def test_in_the_language_that_is_asked_for(served: TestClient) -> None:
    fill(served, events=2)
    said = {lang: actions(served, lang=lang) for lang in ("en", "tr", "de")}
    assert by_play(said["tr"])["call"]["text"] == "Arayıp ihtiyacını ve bütçesini sorun"
    assert len({one["association"] for one in said.values()}) == 3
    assert served.get("/v1/leads/a/actions", params={"lang": "fr"}).json()["code"] == "invalid_request"


def test_a_contact_rests_and_a_play_is_not_repeated(served: TestClient) -> None:
    fill(served, events=2)
    contact(served, 1.0, play="call")
    found = actions(served)
    assert all(one["reach"] == "all" for one in found["items"])
    reasons = {name: one["reason"] for name, one in by_play(found).items()}
    assert (reasons["call"], reasons["demo"]) == ("same_play_recently", "contacted_recently")
    assert by_play(found)["demo"]["until"][:10] in by_play(found)["demo"]["detail"]
    assert found["capacity"]["used_last_7_days"] == 1


def test_after_two_weeks_only_the_play_itself_must_wait(served: TestClient) -> None:
    fill(served, events=2)
    contact(served, 15.0, play="call")
    reasons = {name: one["reason"] for name, one in by_play(actions(served)).items()}
    assert reasons["call"] == "same_play_recently"
    assert "contacted_recently" not in reasons.values()


def test_a_week_that_is_full_leaves_what_reaches_everybody(workspace: Workspace) -> None:
    plays = {play.name: play for play in playbook(workspace)}
    full = Limits([], frozenset({"webinar", "community"}), a_week=2.0, used=2, now=100 * DAY_US)
    demo, webinar = full.barrier(plays["demo"]), full.barrier(plays["webinar"])
    assert demo is not None
    assert (demo.code, webinar) == ("capacity_used_up", None)
    assert replace(full, used=1).barrier(plays["demo"]) is None
    assert replace(full, a_week=None).barrier(plays["demo"]) is None
    invited = replace(full, used=0, contacts=[(99 * DAY_US, "webinar")])
    again = invited.barrier(plays["webinar"])
    assert invited.barrier(plays["demo"]) is None  # an invitation to all is no contact
    assert again is not None
    assert (again.code, again.until) == ("same_play_recently", 129 * DAY_US)


def test_the_lot_is_told_and_written_down_with_its_chance(gambling: TestClient) -> None:
    for i in range(12):
        fill(gambling, f"l{i}", events=2)
    drawn = []
    for i in range(12):
        found = actions(gambling, f"l{i}")
        lots = [one for one in by_play(found).values() if one["reason"] in (None, "held_out")]
        assert all(one["held_out"] == (one["reason"] == "held_out") for one in lots)
        assert all(one["propensity"] == 0.5 for one in lots)
        assert all(one["value"] > 0 for one in lots)
        stored = store_of(gambling).contacted.offers(f"l{i}")
        assert {one.play: one.held_out for one in stored} == {one["play"]: one["held_out"] for one in lots}
        assert all((one.propensity, one.model_version, one.stage) == (0.5, "1", "pql") for one in stored)
        actions(gambling, f"l{i}")
        assert store_of(gambling).contacted.offers(f"l{i}") == stored
        drawn += [one.held_out for one in stored]
    assert 0.2 < sum(drawn) / len(drawn) < 0.8


def test_without_a_share_nothing_is_drawn(served: TestClient) -> None:
    fill(served, events=2)
    assert not any(one["held_out"] for one in by_play(actions(served)).values())
    assert store_of(served).contacted.offers("a") == []


def test_who_has_paid_needs_nothing_and_who_is_unknown_is_no_lead(served: TestClient) -> None:
    fill(served, events=2)
    paid = {"conversions": [{"lead_id": "a", "at": format_us(now_us())}]}
    assert served.post("/v1/conversions", json=paid).status_code == 200
    found = actions(served)
    assert (found["stage"], found["probability"], found["items"], found["not_now"]) == ("customer", None, [], [])
    assert served.get("/v1/leads/nobody/actions").json()["code"] == "lead_not_found"
    assert json.dumps(found)
