"""The recipe: every kind of learner can be fitted, rehearsed and refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.errors import StoppedError
from models.columns import ColumnSpec
from tests.training.test_folds import made_rows
from training.recipe import Recipe, _stop_without_both_outcomes, fit_learner
from training.tuning import Pair, Table

COLUMNS = tuple(ColumnSpec(name, "number", "session", -9.0, 9.0) for name in ("useful", "noise"))
TREES = {"num_leaves": 6, "learning_rate": 0.1, "min_child_samples": 20}


@pytest.fixture(scope="module")
def table() -> Table:
    rows = made_rows(leads=800, days=300)
    x = np.random.default_rng(0).normal(0, 1, (len(rows), 2))
    x[:, 0] += rows.outcome
    return Table(rows, x)


def recipe(learner: str) -> Recipe:
    return Recipe(learner, 0.3, TREES, 30, "identity")


@pytest.mark.parametrize("kind", ["base_rate", "logistic", "trees", "blend"])
def test_every_kind_of_learner_is_fitted_the_same_twice(table: Table, kind: str) -> None:
    learner, again = (fit_learner(recipe(kind), table, COLUMNS, seed=1) for _ in range(2))
    assert learner.kind == kind
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


def test_a_recipe_is_plain_values() -> None:
    one = recipe("blend")
    assert Recipe(**one.as_dict()) == one
    assert replace(one, rounds=31) != one


def test_one_outcome_cannot_teach(table: Table) -> None:
    lost = table.take(np.flatnonzero(table.rows.outcome == 0))
    with pytest.raises(StoppedError, match="too few accounts"):
        _stop_without_both_outcomes([Pair(lost, table)])
    _stop_without_both_outcomes([Pair(table, lost)])
