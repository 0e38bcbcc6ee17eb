"""The search looks where it is told, is seeded, and never leaves thin leaves to thin data."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from models.columns import ColumnSpec
from models.learners import fit_logistic, fit_trees
from tests.training.test_folds import made_rows
from training.folds import plan_folds
from training.pairs import Pair, Table, pairs_of
from training.tuning import (
    MOST_ROUNDS,
    PENALTIES,
    START,
    STOPS,
    Deadline,
    Search,
    grow_together,
    macro_loss,
    made_ready,
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


def test_the_search_is_seeded_and_its_trials_are_counted(pairs: list[Pair]) -> None:
    said: list[str] = []
    tuned = tune_trees(pairs, COLUMNS, Search(5, None, 1), say=said.append)
    assert said[-1] == "tuning: trials: 5 of 5"
    assert 20 <= tuned.most <= MOST_ROUNDS
    assert tuned.params["min_child_samples"] >= 20
    assert 4 <= tuned.params["num_leaves"] <= 31
    assert [one.number for one in tuned.tried] == [0, 1, 2, 3, 4]
    assert tuned.tried[0].params == START
    best = min(tuned.tried, key=lambda one: one.loss)
    assert tuned.params["num_leaves"] == best.params["num_leaves"]
    assert tuned.most == min(MOST_ROUNDS, 2 * best.rounds)
    assert tune_trees(pairs, COLUMNS, Search(5, None, 1), say=silent) == tuned


def test_without_trials_there_are_settings_all_the_same(pairs: list[Pair]) -> None:
    tuned = tune_trees(pairs, COLUMNS, Search(0, None, 1), say=silent)
    assert tuned.params["num_leaves"] == 8
    assert tuned.most == MOST_ROUNDS
    assert tuned.tried == ()


def test_a_budget_ends_the_search(pairs: list[Pair]) -> None:
    said: list[str] = []
    tuned = tune_trees(pairs, COLUMNS, Search(5000, 0.01, 1), say=said.append)
    assert len(said) <= 1
    assert len(tuned.tried) <= 1


def test_a_budget_is_one_for_the_whole_search(pairs: list[Pair]) -> None:
    over = Deadline.after(1e-9)
    assert over.passed
    assert tune_logistic(pairs, COLUMNS, deadline=over) == PENALTIES[0]
    assert tune_trees(pairs, COLUMNS, Search(3, 60.0, 1), deadline=over, say=silent).tried == ()
    assert Deadline.after(None).seconds_left is None
    assert not Deadline.after(60.0).passed


def test_the_penalty_is_the_one_that_predicts_best(pairs: list[Pair]) -> None:
    def loss(c: float) -> float:
        raws = [fit_logistic(p.learn.x, p.learn.rows.outcome, p.learn.rows.weight, COLUMNS, c=c).raw(p.examine.x) for p in pairs]
        return float(np.mean([macro_loss(raw, p.examine.rows) for raw, p in zip(raws, pairs, strict=True)]))

    found = tune_logistic(pairs, COLUMNS)
    assert found in PENALTIES
    assert loss(found) == min(loss(c) for c in PENALTIES)
    # What says nothing either way gets the strongest.
    empty = [Pair(*(Table(table.rows, 0 * table.x) for table in (p.learn, p.examine))) for p in pairs]
    assert tune_logistic(empty, COLUMNS) == PENALTIES[0]


def test_boosting_stops_early_where_the_folds_gain_no_more(pairs: list[Pair]) -> None:
    params = {"num_leaves": 6, "learning_rate": 0.1, "min_child_samples": 20}
    grown = grow_together(made_ready(pairs, COLUMNS, 1), params, MOST_ROUNDS)
    assert grown.rounds in STOPS
    assert grown.loss == np.mean([macro_loss(raw, p.examine.rows) for raw, p in zip(grown.raws, pairs, strict=True)])
    for pair, raw in zip(pairs, grown.raws, strict=True):
        learn = pair.learn
        at_once = fit_trees(learn.x, learn.rows.outcome, learn.rows.weight, COLUMNS, params=params, rounds=grown.rounds, seed=1)
        np.testing.assert_allclose(at_once.raw(pair.examine.x), raw, atol=1e-12)
        assert macro_loss(raw, pair.examine.rows) < macro_loss(0 * raw, pair.examine.rows)


def test_what_was_tried_before_on_the_same_bins_changes_no_bit(pairs: list[Pair]) -> None:
    other = {"num_leaves": 31, "learning_rate": 0.05, "min_child_samples": 60, "feature_fraction": 0.5, "lambda_l2": 50.0}
    params = {"num_leaves": 6, "learning_rate": 0.1, "min_child_samples": 20, "feature_fraction": 0.9, "lambda_l2": 1.0}
    ready = made_ready(pairs, COLUMNS, 1)
    before = grow_together(ready, other, 30)
    again, fresh = grow_together(ready, params, 60), grow_together(made_ready(pairs, COLUMNS, 1), params, 60)
    assert (again.rounds, again.loss) == (fresh.rounds, fresh.loss) != (before.rounds, before.loss)
    for one, wanted in zip(again.raws, fresh.raws, strict=True):
        np.testing.assert_array_equal(one, wanted)


def test_past_the_deadline_no_further_rounds_are_boosted(pairs: list[Pair]) -> None:
    params = {"num_leaves": 6, "learning_rate": 0.1, "min_child_samples": 20}
    told: list[tuple[int, int]] = []
    late = grow_together(
        made_ready(pairs, COLUMNS, 1), params, MOST_ROUNDS, deadline=Deadline.after(1e-9), moved=lambda *now: told.append(now)
    )
    assert late.rounds == STOPS[0]
    assert told == [(STOPS[0], MOST_ROUNDS)]
    np.testing.assert_array_equal(late.raws[0], grow_together(made_ready(pairs, COLUMNS, 1), params, STOPS[0]).raws[0])


def test_boosting_in_threads_prints_nothing(pairs: list[Pair], capfd: pytest.CaptureFixture[str]) -> None:
    params = {"num_leaves": 31, "learning_rate": 0.1, "min_child_samples": 100_000}  # nothing to split: a warning each round
    grow_together(made_ready(pairs, COLUMNS, 1), params, MOST_ROUNDS)
    ctypes.CDLL(None).fflush(None)  # LightGBM prints through C
    assert capfd.readouterr() == ("", "")
