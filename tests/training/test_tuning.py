"""The search looks where it is told, is seeded, and never leaves thin leaves to thin data."""

from __future__ import annotations

import numpy as np
import pytest

from models.columns import ColumnSpec
from models.learners import fit_logistic
from tests.training.test_folds import made_rows
from training.folds import plan_folds
from training.tuning import (
    MOST_ROUNDS,
    PENALTIES,
    SEARCH_ROWS,
    Pair,
    Search,
    Table,
    best_rounds,
    macro_loss,
    pairs_of,
    sampled,
    tune_logistic,
    tune_trees,
)

COLUMNS = tuple(ColumnSpec(name, "number", "session", -9.0, 9.0) for name in ("useful", "noise"))


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    rows = made_rows(leads=900, days=300)
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (len(rows), 2))
    x[:, 0] += 1.5 * rows.outcome
    folds = plan_folds(rows, rows, seed=0)
    return pairs_of(folds.choice, Table(rows, x), Table(rows, x), COLUMNS)


def test_examined_values_stay_within_what_was_learnt(pairs: list[Pair]) -> None:
    for pair in pairs:
        assert (pair.examine.x >= pair.learn.x.min(axis=0)).all()
        assert (pair.examine.x <= pair.learn.x.max(axis=0)).all()


def test_the_search_is_seeded_and_its_trials_are_counted(pairs: list[Pair]) -> None:
    said: list[str] = []
    found, most = tune_trees(pairs, COLUMNS, Search(5, None, 1), say=said.append)
    assert said == ["tuning: 5 of 5 trials"]
    assert 20 <= most <= MOST_ROUNDS
    assert found["min_child_samples"] >= 20
    assert 4 <= found["num_leaves"] <= 31
    again = tune_trees(pairs, COLUMNS, Search(5, None, 1), say=silent)
    assert again == (found, most)


def test_without_trials_there_are_settings_all_the_same(pairs: list[Pair]) -> None:
    found, most = tune_trees(pairs, COLUMNS, Search(0, None, 1), say=silent)
    assert found["num_leaves"] == 8
    assert most == MOST_ROUNDS


def test_a_budget_ends_the_search(pairs: list[Pair]) -> None:
    said: list[str] = []
    tune_trees(pairs, COLUMNS, Search(5000, 0.01, 1), say=said.append)
    assert len(said) <= 1


def test_the_penalty_is_the_one_that_predicts_best(pairs: list[Pair]) -> None:
    def loss(c: float) -> float:
        raws = [fit_logistic(p.learn.x, p.learn.rows.outcome, p.learn.rows.weight, COLUMNS, c=c).raw(p.examine.x) for p in pairs]
        return float(np.mean([macro_loss(raw, p.examine.rows) for raw, p in zip(raws, pairs, strict=True)]))

    found = tune_logistic(pairs, COLUMNS, seed=0)
    assert found in PENALTIES
    assert loss(found) == min(loss(c) for c in PENALTIES)
    # What says nothing either way gets the strongest.
    empty = [Pair(*(Table(table.rows, 0 * table.x) for table in (p.learn, p.examine))) for p in pairs]
    assert tune_logistic(empty, COLUMNS, seed=0) == PENALTIES[0]


def test_the_best_number_of_rounds_is_the_mean_over_folds(pairs: list[Pair]) -> None:
    good = [np.where(pair.examine.rows.outcome == 1, 1.0, -1.0) for pair in pairs]
    scores = [{10: 0 * raw, 20: raw, 30: -raw} for raw in good]
    assert best_rounds(scores, pairs) == 20
    assert macro_loss(good[0], pairs[0].examine.rows) < macro_loss(0 * good[0], pairs[0].examine.rows)


def test_many_rows_are_sampled_by_cluster() -> None:
    rows = made_rows(leads=SEARCH_ROWS, days=300, per_account=3)
    x = np.zeros((len(rows), 2))
    many = pairs_of(plan_folds(rows, rows, seed=0).choice, Table(rows, x), Table(rows, x), COLUMNS)
    thin = sampled(many, seed=0)
    largest = max(len(pair.learn.rows) for pair in thin)
    assert 0.9 * SEARCH_ROWS < largest < 1.1 * SEARCH_ROWS
    for before, after in zip(many, thin, strict=True):
        kept = np.isin(before.learn.rows.cluster, after.learn.rows.cluster)
        assert kept.sum() == len(after.learn.rows)


def test_few_rows_are_all_used(pairs: list[Pair]) -> None:
    assert sampled(pairs, seed=0) == pairs
