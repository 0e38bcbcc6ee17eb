"""One line makes a feature."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from features.workspaces.behaviours import Behaviour
from features.workspaces.own_features import (
    FAMILIES,
    NEED_HOURS,
    OwnFeature,
    is_family,
    over_mates,
    plain_family,
    ratio_to,
    resolve_player,
    window_us,
)

BEHAVIOURS = {
    "core_use": Behaviour.model_validate({"events": ("feature.*", "export")}),
    "milestone": Behaviour.model_validate({"events": ("export", "import")}),
}


def line(value: Any) -> OwnFeature:
    return OwnFeature.model_validate(value, context={})


def resolved(value: Any) -> OwnFeature:
    return resolve_player("x", line(value), BEHAVIOURS)


def refusal(value: Any, act: Any = line) -> dict[str, Any]:
    with pytest.raises((ValidationError, PydanticCustomError)) as caught:
        act(value)
    error: Any = caught.value
    return dict(error.errors()[0].get("ctx", {}) if isinstance(error, ValidationError) else error.context)


def test_the_line_in_full() -> None:
    found = line({"count": ("feature.export",), "window": "7d", "behaviour": "core_use"})
    assert found == OwnFeature.model_validate(
        {"family": "count", "patterns": ("feature_export",), "of": None, "window": "7d", "behaviour": "core_use"}
    )
    assert line({"recency_h": "any"}) == OwnFeature(family="recency_h", of="any")


@pytest.mark.parametrize(
    "family",
    [*FAMILIES, "reached_10", "ratio_to_support", "account_count", "account_people", "account_reached_1", "account_ratio_to_any"],
)
def test_families(family: str) -> None:
    assert is_family(family)
    assert line({family: "core_use"}).family == family


@pytest.mark.parametrize("word", ["cuont", "reached_0", "reached_", "ratio_to_", "account_", "family", "of", ""])
def test_not_families(word: str) -> None:
    assert not is_family(word)
    assert refusal({word: "core_use"})["given"] == f"unknown key '{word}'"


@pytest.mark.parametrize(
    ("family", "do"),
    [
        ("account_profile_filled", "did you mean 'profile_filled'?"),
        ("account_trial_age_d", "did you mean 'trial_age_d'?"),
        ("people", "did you mean 'account_people'?"),
    ],
)
def test_families_of_the_other_side_are_refused_in_a_sentence(family: str, do: str) -> None:
    assert not is_family(family)
    context = refusal({family: "core_use"})
    assert (context["given"], context["do"]) == (f"'{family}'", do)


def test_parts_of_a_family() -> None:
    assert set(FAMILIES) >= NEED_HOURS
    assert plain_family("account_night_share") == "night_share"
    assert ratio_to("account_ratio_to_support") == "support"
    assert ratio_to("count") is None
    assert over_mates("account_people")
    assert not over_mates("any_sessions")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"window": "7d"}, "exactly one family"),
        ({"count": "any", "trend": "any"}, "exactly one family"),
        ({"count": ()}, "a list of events or the name of a behaviour"),
        ({"count": 5}, "a list of events or the name of a behaviour"),
        ({"count": "any", "window": "7"}, "a window such as 7d, 12h or all"),
        ({"count": "any", "window": "0d"}, "a window such as 7d, 12h or all"),
        ({"count": "any", "window": "7w"}, "a window such as 7d, 12h or all"),
        ({"count": "any", "window": 7}, "a window such as 7d, 12h or all"),
        ({"count": "any", "window": None}, "a window such as 7d, 12h or all"),
        ({"count": "feature.*"}, "a list of events or the name of a behaviour"),
    ],
)
def test_lines_refused(value: dict[str, Any], expected: str) -> None:
    assert refusal(value)["expected"] == expected


@pytest.mark.parametrize(
    ("value", "do"),
    [
        ({"count": "any", "window": 7}, "write 7d"),
        ({"count": "any", "window": "30"}, "write 30d"),
        ({"count": "any", "window": 0}, "write one of these"),
        ({"count": "any", "window": True}, "write one of these"),
        ({"count": "feature.*"}, "put events in a list: [feature.*]"),
        ({"count": "*.export"}, 'put events in a list: ["*.export"]'),
        ({"count": "page:/pricing"}, "put events in a list: [page:/pricing]"),
    ],
)
def test_a_slip_is_told_as_it_should_be_written(value: dict[str, Any], do: str) -> None:
    assert refusal(value)["do"] == do


def test_what_is_no_mapping_is_refused() -> None:
    with pytest.raises(ValidationError):
        line("count")


@pytest.mark.parametrize(
    "value",
    [
        {"family": "count"},
        {"family": "count", "of": "any", "patterns": ("a",)},
        {"family": "cuont", "of": "any"},
    ],
)
def test_the_full_form_is_checked_too(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OwnFeature.model_validate(value)


@pytest.mark.parametrize(("window", "us"), [("all", None), ("1d", 86_400_000_000), ("12h", 43_200_000_000), ("x", None)])
def test_window_us(window: str, us: int | None) -> None:
    assert window_us(window) == us


@pytest.mark.parametrize(
    ("value", "player"),
    [
        ({"count": "core_use"}, "core_use"),
        ({"count": "core_use", "behaviour": "sales"}, "sales"),
        ({"count": "any"}, "any"),
        ({"count": ("Feature Export",)}, "core_use"),
        ({"count": ("feature.ex*",)}, "core_use"),
        ({"count": ("import",)}, "milestone"),
        ({"count": ("import", "export")}, "milestone"),
        ({"count": ("feature.a", "export")}, "core_use"),
        ({"ratio_to_milestone": "core_use"}, "core_use"),
        ({"count": ("unmapped",), "behaviour": "any"}, "any"),
        ({"count": ("unmapped",)}, "any"),
        ({"count": ("unmapped.*", "other")}, "any"),
        ({"account_count": ("import", "feature.a")}, "any"),
        ({"account_people": ("import",)}, "milestone"),
        ({"account_people": "core_use"}, "core_use"),
    ],
)
def test_the_player_is_found(value: dict[str, Any], player: str) -> None:
    assert resolved(value).behaviour == player


@pytest.mark.parametrize(
    ("value", "at", "given"),
    [
        ({"count": ("export",)}, ("x",), "events of core_use and milestone"),
        ({"count": ("import", "feature.a")}, ("x",), "events of core_use and milestone, but not all of one"),
        (
            {"count": ("import", "unmapped")},
            ("x",),
            "a list in which 'unmapped' is not covered by the events of any one behaviour",
        ),
        ({"count": ("imp*",)}, ("x",), "a list in which 'imp*' is not covered by the events of any one behaviour"),
        ({"count": "import"}, ("x", "count"), "the event 'import'"),
        ({"count": ("core_use", "import")}, ("x", "count"), "the behaviour 'core_use' in a list of events"),
        ({"count": ("Milestone",), "behaviour": "sales"}, ("x", "count"), "the behaviour 'milestone' in a list of events"),
        ({"recency_h": ("any",)}, ("x", "recency_h"), "the behaviour 'any' in a list of events"),
        ({"count": "support"}, ("x", "count"), "unknown behaviour 'support'"),
        ({"ratio_to_support": "core_use"}, ("x", "ratio_to_support"), "unknown behaviour 'support'"),
        ({"count": "core_use", "behaviour": "cor_use"}, ("x", "behaviour"), "unknown behaviour 'cor_use'"),
    ],
)
def test_a_player_that_is_not_plain_is_asked_for(value: dict[str, Any], at: tuple[str, ...], given: str) -> None:
    context = refusal(value, resolved)
    assert context["at"] == at
    assert context["given"] == given


@pytest.mark.parametrize(
    ("value", "do"),
    [
        ({"count": "import"}, "put events in a list: [import]"),
        ({"count": "export_done"}, "put events in a list: [export_done]"),
        ({"count": "support"}, "map its events under behaviours"),
        ({"count": "core_us"}, "did you mean 'core_use'?"),
        ({"count": ("core_use",)}, "write count: core_use, or list its events"),
        ({"count": ("imp*",)}, "add behaviour: milestone to the feature"),
        ({"count": ("imp*", "feature.x")}, "add behaviour: NAME to the feature"),
    ],
)
def test_what_to_do_about_it(value: dict[str, Any], do: str) -> None:
    assert refusal(value, resolved)["do"] == do


def test_an_event_may_be_called_like_a_behaviour_where_one_maps_it_or_asks_its_properties() -> None:
    behaviours = {"core_use": Behaviour.model_validate({"events": ("core use", "export")})}
    assert resolve_player("x", line({"count": ("core_use",)}), behaviours).behaviour == "core_use"
    where = {"count": ({"event": "core_use", "where": {"a": 1}},)}
    assert resolved(where).behaviour == "any"
