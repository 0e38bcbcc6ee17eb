"""The points by hand: a default over what is mapped, the workspace's lines before it, and the ideal customer counted in."""

from __future__ import annotations

import numpy as np
import pytest

from features.catalog import feature_set
from features.errors import InputError
from features.feature import FeatureSet
from features.workspace import Workspace, parse_workspace
from models.columns import ColumnSpec
from models.scorecard import Scorecard
from training.day_one import columns_by_hand
from training.points import DEFAULT_POINTS, asked_values, hand_made_card

TEXT = """
name: points
data: {leads: {source: l.csv, id: id, started_at: s}, events: {source: e.csv, lead: l, name: n, at: a}}
behaviours:
  core_use: {events: [use]}
  purchase_intent: {events: [prices]}
  profile: {traits: [photo]}
attributes: {country: category, size: number}
"""


def carded(more: str = "") -> tuple[Workspace, FeatureSet, tuple[ColumnSpec, ...], Scorecard]:
    ws = parse_workspace(TEXT + more, ".")
    categories = {"country": tuple(sorted({"DE", "NO", *asked_values(ws).get("country", ())}))}
    features = feature_set(ws.definition(categories=categories))
    columns = columns_by_hand(ws, features)
    return ws, features, columns, hand_made_card(ws, features, columns)


def row(columns: tuple[ColumnSpec, ...], **values: float) -> np.ndarray:
    return np.array([[values.get(column.name, np.nan if "recency" in column.name else 0.0) for column in columns]])


def test_the_default_looks_at_what_is_mapped_only() -> None:
    _, _, columns, card = carded()
    assert {column.player for column in columns} == {"any", "core_use", "purchase_intent", "profile"}
    nothing = card.points(row(columns))[0]
    assert nothing == 0.0
    assert card.points(row(columns, core_use_count_all=1.0))[0] == pytest.approx(DEFAULT_POINTS["core_use"])
    assert card.points(row(columns, profile_filled=0.5))[0] == pytest.approx(DEFAULT_POINTS["profile"])
    assert card.points(row(columns, any_recency_h=200.0))[0] < card.points(row(columns, any_recency_h=80.0))[0] < 0.0


def test_a_line_of_the_workspace_replaces_the_same_condition_and_0_takes_it_away() -> None:
    _, _, columns, card = carded("scorecard: {points: {core_use: 2, purchase_intent: 0, 'size>=100': 0.5, 'country = SE': 1}}")
    assert card.points(row(columns, core_use_count_all=1.0))[0] == 2.0
    assert card.points(row(columns, purchase_intent_count_all=1.0))[0] == 0.0
    assert card.points(row(columns, size=100.0))[0] == 0.5
    # A value that was never seen is known because it is asked for.
    assert card.points(row(columns, country=3.0))[0] == 1.0


def test_the_ideal_customer_is_counted_condition_by_condition() -> None:
    _, _, columns, card = carded("ideal_customer: {country: [NO, SE], size: {ge: 10, lt: 50}}")
    whole = DEFAULT_POINTS["ideal_customer"]
    assert card.points(row(columns, country=2.0, size=10.0))[0] == pytest.approx(whole)
    assert card.points(row(columns, country=1.0, size=49.0))[0] == pytest.approx(whole / 2)
    assert card.points(row(columns, country=1.0, size=50.0))[0] == 0.0
    _, _, columns, card = carded("ideal_customer: {size: [10, 20]}\nscorecard: {points: {ideal_customer: 3}}")
    assert card.points(row(columns, size=20.0))[0] == 3.0
    assert card.points(row(columns, size=15.0))[0] == 0.0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("scorecard: {points: {core_uze: 1}}", "did you mean 'core_use'"),
        ("scorecard: {points: {'country > 3': 1}}", "since it is a category"),
        ("scorecard: {points: {'size = big': 1}}", "since the column is one"),
        ("scorecard: {points: {'size >= big': 1}}", "a number after the sign"),
        ("scorecard: {points: {'>=': 1}}", "a condition on one"),
        ("ideal_customer: {size: {glob: '1*'}}", "since the attribute is one"),
        ("ideal_customer: {sise: {ge: 1}}", "did you mean 'size'"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(more: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        carded(more)
