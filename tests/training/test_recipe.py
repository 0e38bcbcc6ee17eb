"""The recipe: every kind of learner can be fitted, rehearsed and refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.errors import StoppedError
from models.columns import ColumnSpec
from models.scorecard import Rule, Scorecard
from tests.training.test_folds import made_rows
from training.recipe import Recipe, _stop_without_both_outcomes, fit_learner
from training.tuning import Pair, Table, macro_loss

COLUMNS = tuple(ColumnSpec(name, "number", "session", -9.0, 9.0) for name in ("useful", "noise"))
CARD = Scorecard(0.0, (Rule(0, 1.0, low=0.0),))
TREES = {"num_leaves": 6, "learning_rate": 0.1, "min_child_samples": 20}


@pytest.fixture(scope="module")
def table() -> Table:
    rows = made_rows(leads=800, days=300)
    x = np.random.default_rng(0).normal(0, 1, (len(rows), 2))
    x[:, 0] += rows.outcome
    return Table(rows, x)


def recipe(learner: str) -> Recipe:
    return Recipe(learner, 0.3, TREES, 30, "identity")


@pytest.mark.parametrize("kind", ["base_rate", "scorecard", "logistic", "towards_scorecard", "trees", "blend"])
def test_every_kind_of_learner_is_fitted_the_same_twice(table: Table, kind: str) -> None:
    learner, again = (fit_learner(recipe(kind), table, COLUMNS, seed=1, card=CARD) for _ in range(2))
    assert learner.kind == ("blend" if kind == "towards_scorecard" else kind)
    assert learner.to_json() == again.to_json()


def test_the_blend_is_the_mean_in_log_odds(table: Table) -> None:
    blend, logistic, trees = (
        fit_learner(recipe(kind), table, COLUMNS, seed=1).raw(table.x) for kind in ("blend", "logistic", "trees")
    )
    np.testing.assert_allclose(blend, (logistic + trees) / 2, atol=1e-12)


def test_the_base_rate_is_the_weighted_share(table: Table) -> None:
    raw = fit_learner(recipe("base_rate"), table, COLUMNS, seed=1).raw(table.x)
    share = float(np.average(table.rows.outcome, weights=table.rows.weight))
    assert len(np.unique(raw)) == 1
    assert 1 / (1 + np.exp(-raw[0])) == pytest.approx(share, abs=0.002)


def test_no_class_weights(table: Table) -> None:
    """The mean promise is the mean outcome: nothing was resampled or weighted by class."""
    raw = fit_learner(recipe("logistic"), table, COLUMNS, seed=1).raw(table.x)
    assert np.mean(1 / (1 + np.exp(-raw))) == pytest.approx(table.rows.outcome.mean(), abs=0.005)


def test_points_that_are_right_help_where_there_is_little_to_learn_from() -> None:
    """Twenty columns of noise, one that tells, 40 conversions: who says by hand which one it is loses less."""
    columns = tuple(ColumnSpec(f"c{number}", "number", "session", -9.0, 9.0) for number in range(21))
    rng, losses = np.random.default_rng(3), {"logistic": 0.0, "towards_scorecard": 0.0}
    rows = made_rows(leads=4_000, days=300)
    x = rng.normal(0, 1, (len(rows), len(columns)))
    x[:, 0] += rows.outcome
    paid = np.unique(rows.lead[rows.outcome == 1])[:40]
    others = np.unique(rows.lead[rows.outcome == 0])[:200]
    few = np.isin(rows.lead, np.concatenate([paid, np.setdiff1d(others, paid)]))
    learn, examine = (Table(rows, x).take(np.flatnonzero(part)) for part in (few, ~few))
    card = Scorecard(0.0, tuple(Rule(0, 0.5, low=low) for low in (-0.5, 0.0, 0.5, 1.0, 1.5)))
    for kind in losses:
        raw = fit_learner(replace(recipe(kind), penalty=0.03), learn, columns, seed=0, card=card).raw(examine.x)
        raw = raw - raw.mean() + fit_learner(recipe("base_rate"), examine, columns, seed=0).raw(examine.x).mean()
        losses[kind] = macro_loss(raw, examine.rows)
    assert losses["towards_scorecard"] < losses["logistic"]


def test_a_recipe_is_plain_values() -> None:
    one = recipe("blend")
    assert Recipe(**one.as_dict()) == one
    assert replace(one, rounds=31) != one


def test_one_outcome_cannot_teach(table: Table) -> None:
    lost = table.take(np.flatnonzero(table.rows.outcome == 0))
    with pytest.raises(StoppedError, match="too few accounts"):
        _stop_without_both_outcomes([Pair(lost, table)])
    _stop_without_both_outcomes([Pair(table, lost)])
