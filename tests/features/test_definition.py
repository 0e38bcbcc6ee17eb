"""The definition decides the fingerprint, and reads back only what it wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest

from features.definition import Definition, canonical_json
from features.errors import InputError
from features.workspace import parse_workspace
from tests.features.acme import ACME


def definition(text: str = ACME, **learnt: Any) -> Definition:
    return parse_workspace(text, ".", environment={"HOOK_SECRET": "s"}).definition(**learnt)


LEARNT = definition(vocabulary={"core_use": ["b", "a", "b"]}, categories={"country": ["ö", "DE"]}, bounds={"x": (0, 5.5)})


def test_round_trip() -> None:
    again = Definition.from_json(LEARNT.canonical())
    assert again == LEARNT
    assert again.fingerprint == LEARNT.fingerprint
    assert list(again.behaviours) == list(LEARNT.behaviours), "the order is the same, whether written or read back"
    assert list(again.attributes) == list(LEARNT.attributes)


def test_whatever_stood_in_the_data_can_be_learnt() -> None:
    odd = ["", "x" * 5000, "\u2028", 'a"b', "\\"]
    learnt = definition(vocabulary={"core_use": odd}, categories={"country": odd})
    assert Definition.from_json(learnt.canonical()) == learnt


def test_canonical_form() -> None:
    text = LEARNT.canonical()
    assert '"bounds":{"x":[0.0,5.5]}' in text
    assert '"categories":{"country":["DE","ö"]}' in text
    assert '"vocabulary":{"core_use":["a","b"]}' in text
    assert '"trial_days":14.0' in text
    assert len(LEARNT.fingerprint) == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("timezone: UTC", "timezone: Europe/Berlin"),
        ("days: 14", "days: 15"),
        ("gap_minutes: 30", "gap_minutes: 31"),
        ("app_opened, login", "app_opened"),
        ("window: 7d", "window: 8d"),
        ("company_size: number", "company_size: category"),
        ("exclude: []", "exclude: [session_count_7d]"),
        ("exclude: []", "exclude: [country]"),
        ("exclude: []", "exclude: [exports_7d]"),
        ("{events: second", "{events: day"),
        ("ge: 9", "ge: 8"),
    ],
)
def test_what_a_feature_means_is_in_the_fingerprint(old: str, new: str) -> None:
    assert old in ACME
    text = ACME.replace("ideal_customer: {company_size: {ge: 10}, country: NO}", "")
    assert definition(text.replace(old, new)).fingerprint != definition(text).fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: acme", "name: other"),
        ("language: en", "language: tr"),
        ("days: 14", "days: 14.0"),
        ("app_opened, login", "Login, appOpened, login"),
        ("source: leads.csv.gz", "source: other.csv"),
        ("horizon_days: 30", "horizon_days: 20"),
        ("ge: 9", "ge: 9.0"),
        ("{events: [shared, referred]}", "{events: [shared, referred], phrase: Told others}"),
        ("contacts_per_week: 50", "contacts_per_week: 5"),
    ],
)
def test_what_is_no_part_of_a_feature_is_not(old: str, new: str) -> None:
    assert old in ACME
    assert definition(ACME.replace(old, new)).fingerprint == definition().fingerprint


def test_what_is_excluded_is_dropped() -> None:
    text = ACME.replace("exclude: []", "exclude: [exports_7d, channel, any_count_7d]")
    found = definition(text, categories={"channel": ["a"], "country": ["b"]})
    assert not found.features
    assert set(found.attributes) == {"country", "company_size"}
    assert set(found.categories) == {"country"}
    assert found.exclude == ("any_count_7d",)


def changed(change: dict[str, Any]) -> str:
    return canonical_json({**json.loads(LEARNT.canonical()), **change})


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"trial_days": "14"},
        {"trial_days": 14},
        {"trial_days": True},
        {"gap_minutes": -1.0},
        {"undated": 0},
        {"timezone": "Nowhere/City"},
        {"exclude": ["b", "a"]},
        {"exclude": "a"},
        {"bounds": {"x": [5.0, 0.0]}},
        {"bounds": {"x": [0.0]}},
        {"bounds": {"x": [0.0, 1e999]}},
        {"vocabulary": {"Core": []}},
        {"categories": {"country": ["b", "a"]}},
        {"attributes": {"country": "text"}},
        {"behaviours": {"session": {"events": ["login"]}}},
        {"behaviours": {"session": None}},
        {"features": {"x": {"count": ["a"]}}},
        {"features": {"x": {"behaviour": None, "family": "count", "of": "any", "patterns": [], "window": "all"}}},
        {"resolution": {"events": "day"}},
    ],
)
def test_what_it_would_not_write_is_refused(change: dict[str, Any]) -> None:
    try:
        text = changed(change)
    except ValueError:
        text = json.dumps({**json.loads(LEARNT.canonical()), **change})
    with pytest.raises(InputError, match="definition of features is not readable"):
        Definition.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        "9" * 10_000,
        changed({}).replace('"trial_days":14.0', '"trial_days":NaN'),
        changed({}).replace('"trial_days":14.0', '"trial_days":14.0,"trial_days":15.0'),
        changed({}).replace('"undated":false,', ""),
        '"\\ud800"',
    ],
)
def test_text_that_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="definition of features is not readable"):
        Definition.from_json(text)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InputError):
        Definition.from_json(changed({"categories": {"country": ["X"]}}).replace("X", "\\ud800"))


def test_canonical_json_knows_no_nan() -> None:
    with pytest.raises(ValueError):
        canonical_json(float("nan"))
