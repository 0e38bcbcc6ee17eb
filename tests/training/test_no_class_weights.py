"""Why nothing is weighted by class: it buys no better order of leads, and the price is every probability.

Advice for rare outcomes is to balance the classes. That is a change of the base rate, which moves all log-odds by nearly the same
number: the order stays, and a promise of 40 % is kept once in ten times.
"""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import read_tables
from features.workspace import load_workspace
from models.learners import fit_trees
from models.log_odds import sigmoid
from tests.training.small_world import silent
from training.dataset import TrainingSet, Window, build
from training.evaluation import Answers, compare, evaluate
from training.metrics import Floats
from training.simulator import simulate

TREES = {"num_leaves": 8, "min_child_samples": 40, "learning_rate": 0.06, "feature_fraction": 0.6, "lambda_l2": 10.0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    ws = load_workspace(simulate(2, leads=4000, days=240).write(tmp_path_factory.mktemp("weights")))
    tables = read_tables(ws)
    return build(ws, tables, Window(tables.newest), seed=0, say=silent)


def answered(data: TrainingSet, **params: object) -> Answers:
    """Return what trees with these settings say of the leads of the last fold."""
    learn, examine = data.learners.take(data.folds.last.learn), data.exam.take(data.folds.last.examine)
    rows = examine.rows
    trees = fit_trees(
        learn.x, learn.rows.outcome, learn.rows.weight, data.columns, params={**TREES, **params}, rounds=60, seed=0
    )  # fmt: skip
    probability: Floats = sigmoid(trees.raw(examine.x))
    return Answers(rows.lead, rows.cluster, rows.look, rows.outcome, probability)


def test_balancing_the_classes_spoils_the_probabilities_and_orders_no_better(data: TrainingSet) -> None:
    plain, balanced = answered(data), answered(data, is_unbalance=True)
    true_rate = plain.outcome.mean()
    assert true_rate < 0.15
    assert plain.probability.mean() == pytest.approx(true_rate, abs=0.04)
    assert balanced.probability.mean() > 2.5 * true_rate

    without, with_weights = evaluate(plain, seed=0), evaluate(balanced, seed=0)
    assert without is not None
    assert with_weights is not None
    assert with_weights.macro["brier"].value > 1.3 * without.macro["brier"].value
    assert with_weights.macro["auc"].value < without.macro["auc"].value + 0.01
    assert compare(balanced, plain.probability, seed=0).low > 0.0


def test_the_order_is_nearly_the_same(data: TrainingSet) -> None:
    plain, balanced = answered(data).probability, answered(data, is_unbalance=True).probability
    ranks = [np.argsort(np.argsort(probability)) for probability in (plain, balanced)]
    assert np.corrcoef(*ranks)[0, 1] > 0.8
