"""Behaviours and conditions have one form, whatever way they are written."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from features.workspaces.behaviours import VOCABULARY, Behaviour, EventPattern


def pattern(value: Any) -> EventPattern:
    return EventPattern.model_validate(value)


def refusal(model: Any, value: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    return dict(caught.value.errors()[0].get("ctx", {}))


def test_the_vocabulary_is_sixteen_words() -> None:
    assert len(set(VOCABULARY)) == 16


def test_a_name_alone_is_a_pattern() -> None:
    assert pattern("Feature.*") == pattern({"event": "feature_*"})
    assert pattern("page:/Pricing*").event == "page:/pricing*"


@pytest.mark.parametrize(
    ("where", "full"),
    [
        ({"country": "NO"}, {"country": {"eq": "NO"}}),
        ({"country": ("SE", "NO", "SE")}, {"country": {"in": ("NO", "SE")}}),
        ({"country": {"in": "NO"}}, {"country": {"in": ("NO",)}}),
        ({"score": {"lt": 9.5, "ge": 9.0}}, {"score": {"ge": 9, "lt": 9.5}}),
        ({"paid": True}, {"paid": {"eq": True}}),
        ({"n": (1, True, 1.0)}, {"n": {"in": (True, 1)}}),
        ({"path": {"glob": "/a*"}}, {"path": {"glob": "/a*"}}),
        ({}, {}),
    ],
)
def test_conditions_in_full(where: dict[str, Any], full: dict[str, Any]) -> None:
    found = pattern({"event": "a", "where": where}).where
    assert repr(found) == repr(full)


@pytest.mark.parametrize(
    ("where", "at", "expected"),
    [
        ({"s": {"gee": 1}}, ("s",), "one of eq, in, ge, gt, le, lt, glob"),
        ({"s": {"ge": "9"}}, ("s", "ge"), "a number"),
        ({"s": {"ge": True}}, ("s", "ge"), "a number"),
        ({"s": {"ge": float("nan")}}, ("s", "ge"), "a number"),
        ({"s": {"ge": 2**60}}, ("s", "ge"), "a number"),
        ({"s": {"glob": 9}}, ("s", "glob"), "a text in which * and ? are open"),
        ({"s": {"in": ()}}, ("s", "in"), "a list of texts, numbers or true and false"),
        ({"s": {"in": ("a", None)}}, ("s", "in"), "a list of texts, numbers or true and false"),
        ({"s": {"eq": ("a",)}}, ("s", "eq"), "a text, a number, true or false"),
        ({"s": None}, ("s", "eq"), "a text, a number, true or false"),
        ({"s": {}}, ("s",), "one of eq, in, ge, gt, le, lt, glob"),
    ],
)
def test_conditions_refused(where: dict[str, Any], at: tuple[str, ...], expected: str) -> None:
    context = refusal(EventPattern, {"event": "a", "where": where})
    assert context["at"] == at
    assert context["expected"] == expected


def test_other_mistakes_in_patterns() -> None:
    assert refusal(EventPattern, "  ")["expected"] == "the name of an event, in which * and ? are open"
    assert refusal(EventPattern, {"event": "a", "were": {}})["do"] == "did you mean 'where'?"
    for wrong in (5, {"event": "a", "where": "x"}, {"event": 5}, {"event": "a" * 501}):
        with pytest.raises(ValidationError):
            pattern(wrong)


def test_order_and_repeats_of_events_mean_nothing() -> None:
    one = Behaviour.model_validate({"events": ("b", "A", {"event": "a", "where": {"s": 1}}), "reach": (5, 1, 5)})
    other = Behaviour.model_validate({"events": ({"event": "a", "where": {"s": {"eq": 1.0}}}, "a", "B", "b"), "reach": (1, 5)})
    assert one == other
    assert [found.event for found in one.events] == ["a", "a", "b"]
    assert one.reach == (1, 5)


def test_one_value_stands_for_a_list_of_one() -> None:
    assert Behaviour.model_validate({"events": "login", "traits": "name", "reach": 3}).reach == (3,)


def test_a_behaviour_means_something() -> None:
    assert refusal(Behaviour, {"duration": "s"})["given"] == "a behaviour without events"
    assert Behaviour.model_validate({"traits": ("b", "a")}).traits == ("a", "b")
    with pytest.raises(ValidationError):
        Behaviour.model_validate({"events": "a", "reach": 0})
