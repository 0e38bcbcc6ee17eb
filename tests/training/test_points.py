"""The points by hand: a default over what is mapped, the workspace's lines before it, and the ideal customer counted in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.catalog import feature_set
from features.errors import InputError
from features.feature import FeatureSet
from features.tables import read_tables
from features.workspace import Workspace, load_workspace, parse_workspace
from models.columns import ColumnSpec
from models.log_odds import sigmoid
from models.scorecard import Scorecard
from models.scorecard_fit import at_base_rate
from tests.training.small_world import silent
from training.calibration_check import check_calibration
from training.dataset import Window, build
from training.day_one import columns_by_hand
from training.evaluation import Answers
from training.points import COUNTED_IN_FULL, DEFAULT_POINTS, asked_values, hand_made_card
from training.simulator import simulate

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


@pytest.mark.parametrize("kind", ["category", "number"])
@pytest.mark.parametrize("name", ["education", "sales", "support", "profile"])
def test_an_attribute_that_is_called_as_a_behaviour_is_gets_no_points_of_its(name: str, kind: str) -> None:
    text = TEXT.replace("  profile: {traits: [photo]}\n", "").replace("attributes: {", f"attributes: {{{name}: {kind}, ")
    ws = parse_workspace(text, ".")
    features = feature_set(ws.definition(categories={name: ("MBA",), "country": ("DE",)}))
    columns = columns_by_hand(ws, features)
    assert name not in {columns[rule.column].name for rule in hand_made_card(ws, features, columns).rules}
    line = f"{name} = MBA" if kind == "category" else f"{name} > 0"
    asked = parse_workspace(text + f"scorecard: {{points: {{'{line}': 1}}}}", ".")
    columns = columns_by_hand(asked, features)
    assert hand_made_card(asked, features, columns).points(row(columns, **{name: 1.0}))[0] == 1.0


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


def test_behaviours_go_together_so_many_of_them_count_less() -> None:
    """What the workspace states, and its ideal customer, count as stated however much is mapped."""
    kinds = ("milestone", "add_on", "collaboration", "education", "community", "support", "advocacy", "marketing", "sales")
    more = "\n".join(f"  {kind}: {{events: [{kind}_*]}}" for kind in kinds)
    text = TEXT.replace("behaviours:\n", f"behaviours:\n{more}\n")
    ws = parse_workspace(text + "scorecard: {points: {sales: 1}}\nideal_customer: {size: {ge: 10}}", ".")
    features = feature_set(ws.definition())
    columns = columns_by_hand(ws, features)
    card = hand_made_card(ws, features, columns)
    counted = len(card.used) - 2  # sales is stated, and size is the ideal customer's
    assert counted > COUNTED_IN_FULL
    share = COUNTED_IN_FULL / counted
    assert card.points(row(columns, support_count_all=1.0))[0] == pytest.approx(share * DEFAULT_POINTS["support"])
    assert card.points(row(columns, sales_count_all=1.0))[0] == 1.0
    assert card.points(row(columns, size=10.0))[0] == DEFAULT_POINTS["ideal_customer"]


@pytest.mark.slow
def test_the_default_is_of_the_right_size_on_a_product_that_maps_everything(tmp_path: Path) -> None:
    """The slope of outcomes on points is 1 where they promise neither too much nor too little; it was .6 without the share."""
    ws = load_workspace(simulate(9, leads=4_000, days=200).write(tmp_path))
    tables = read_tables(ws)
    data = build(ws, tables, Window(tables.newest), seed=0, say=silent)
    rows = data.exam.rows
    at_rate = at_base_rate(data.card, float(rows.outcome.mean()), data.exam.x, np.ones(len(rows)))
    answers = Answers(rows.lead, rows.cluster, rows.look, rows.outcome, sigmoid(at_rate.raw(data.exam.x)))
    found = check_calibration(answers, np.full(len(rows), rows.outcome.mean()), [], seed=0)[0].figures
    assert 0.8 < found["calibration_slope"].value < 1.3
    assert found["calibration_error"].value < 0.03
    assert found["brier_skill"].low > 0


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
