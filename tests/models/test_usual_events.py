"""Behaviours told as events: nothing but what these events say changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from features.catalog import feature_set
from features.clock import DAY_US, HOUR_US
from features.definition import Definition
from features.history import EventRow
from features.matrix import LiveLead, compute_one
from features.workspace import parse_workspace
from models.usual_events import doing, usual_event
from models.what_if import imagine

NOW = 5 * DAY_US


def of(patterns: Any, **more: Any) -> Definition:
    told = {"name": "a", "data": {"events": {"source": "e.csv"}}, "behaviours": {"education": {"events": patterns}}}
    ws = parse_workspace(json.dumps(told), ".")
    return ws.definition(**more)


def test_the_lead_has_done_it_now(definition: Definition) -> None:
    features = feature_set(definition)
    lead = LiveLead("a", 0, [], {"country": ("DE", 0)}, [EventRow("login", DAY_US, DAY_US, 1, {})])
    hypothesis = doing(lead, definition, ["core_use", "sales"], 2, NOW)
    assert hypothesis is not None
    more = imagine(lead, NOW, hypothesis)
    before, after = (compute_one(features, features.plan, one, NOW).row(0) for one in (lead, more))
    assert (after["core_use_count_all"], after["sales_count_all"], after["sales_recency_h"]) == (2, 2, 0)
    assert (after["session_count_all"], after["country"]) == (before["session_count_all"], "DE")
    assert (before["core_use_count_all"], after["any_count_all"]) == (0, 5)
    assert lead.events == [EventRow("login", DAY_US, DAY_US, 1, {})]


def test_a_usual_event_that_was_not_done_comes_first(definition: Definition) -> None:
    assert usual_event(definition, "core_use") == ("feature_a", {})
    assert usual_event(definition, "core_use", ["feature_a"]) == ("feature_b", {})
    assert usual_event(definition, "core_use", ["feature_a", "feature_b"]) == ("feature_a", {})
    assert usual_event(definition, "collaboration") is None


@pytest.mark.parametrize(
    ("where", "value"),
    [({"eq": "pro"}, "pro"), ({"in": ("b", "c")}, "b"), ({"ge": 9}, 9), ({"gt": 9}, 10), ({"lt": 3}, 2), ({"ge": 2, "lt": 3}, 2),
     ({"glob": "vip*"}, "vipx"), ({"eq": True}, True)],
)  # fmt: skip
def test_properties_fulfil_what_is_asked(where: dict[str, Any], value: object) -> None:
    assert usual_event(of([{"event": "nps", "where": {"score": where}}]), "education") == ("nps", {"score": value})


def test_what_cannot_be_fulfilled_is_passed_over() -> None:
    impossible = {"event": "nps", "where": {"score": {"gt": 9, "lt": 9}}}
    assert usual_event(of([impossible]), "education") is None
    assert usual_event(of([impossible, "webinar.*"]), "education") == ("webinar_x", {})
    assert doing(LiveLead("a", 0, [], {}, []), of([impossible]), ["education", "nobody"], 1, NOW) is None


def test_by_the_day_now_is_the_end_of_the_last_day_that_is_over() -> None:
    told = {"name": "a", "data": {"events": {"source": "e.csv"}}, "resolution": {"events": "day"}, "timezone": "Europe/Berlin",
            "behaviours": {"education": {"events": ["webinar"]}}}  # fmt: skip
    definition = parse_workspace(json.dumps(told), ".").definition()
    noon = NOW + 12 * HOUR_US
    for started, at in ((0, NOW - HOUR_US), (NOW, NOW)):  # midnight in Berlin is 23:00 UTC
        found = doing(LiveLead("a", started, [], {}, []), definition, ["education"], 1, noon)
        assert found is not None
        assert [(event.at, event.known) for event in found.events] == [(at, at)]
