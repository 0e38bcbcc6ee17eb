"""What all learners owe, and what fitting must give."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.blend import read_learner
from models.columns import ColumnSpec, by_column, by_player
from models.design import Design
from models.learners import Learner, fit_logistic, fit_trees
from models.strict import read_json, write_json
from tests.models.conftest import KINDS, TREES

Floats = NDArray[np.float64]


@pytest.mark.parametrize("kind", KINDS)
def test_one_row_is_many_rows(kind: str, learners: dict[str, Learner], x: Floats) -> None:
    together = learners[kind].raw(x)
    assert [learners[kind].raw(x[row : row + 1])[0] for row in range(0, 60)] == together[:60].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_contributions_add_up(kind: str, learners: dict[str, Learner], x: Floats, columns: tuple[ColumnSpec, ...]) -> None:
    learner = learners[kind]
    for grouping in (by_column(columns), by_player(columns, sorted({column.player for column in columns}))):
        found = learner.contributions(x[:50], grouping)
        assert np.abs(found.sum(axis=1) + learner.expected - learner.raw(x[:50])).max() < 1e-10


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_gives_the_same_bits(
    kind: str, learners: dict[str, Learner], x: Floats, columns: tuple[ColumnSpec, ...]
) -> None:
    text = write_json(learners[kind].to_json())
    again = read_learner(read_json(text, "x"), "x", columns)
    assert np.array_equal(again.raw(x), learners[kind].raw(x))
    assert write_json(again.to_json()) == text
    assert again.used.tolist() == learners[kind].used.tolist()


@pytest.mark.parametrize("kind", ["logistic", "trees"])
def test_columns_that_are_not_used_change_nothing(
    kind: str, learners: dict[str, Learner], x: Floats, columns: tuple[ColumnSpec, ...]
) -> None:
    learner = learners[kind]
    idle = np.setdiff1d(np.arange(x.shape[1]), learner.used)
    changed = x.copy()
    changed[:, idle] = 7.0
    assert np.array_equal(learner.raw(changed), learner.raw(x))
    assert not learner.contributions(x[:20], by_column(columns))[:, idle].any()


def test_equal_fits_are_equal_bytes(x: Floats, data: tuple[Floats, Floats, Floats], columns: tuple[ColumnSpec, ...]) -> None:
    _, y, w = data
    for fit in (
        lambda: fit_logistic(x, y, w, columns, c=0.1),
        lambda: fit_trees(x, y, w, columns, params={**TREES, "feature_fraction": 0.5}, rounds=4, seed=5),
    ):
        assert write_json(fit().to_json()) == write_json(fit().to_json())


def test_the_seed_matters(x: Floats, data: tuple[Floats, Floats, Floats], columns: tuple[ColumnSpec, ...]) -> None:
    _, y, w = data
    params = {**TREES, "feature_fraction": 0.3}
    one, other = (fit_trees(x, y, w, columns, params=params, rounds=4, seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.raw(x), other.raw(x))


def test_a_logistic_regression_finds_a_known_truth() -> None:
    draw = np.random.default_rng(0)
    x = np.column_stack([draw.poisson(2.0, 20_000), draw.integers(0, 3, 20_000), draw.normal(size=20_000)]).astype(np.float64)
    x[draw.random(20_000) < 0.3, 2] = np.nan
    truth = 0.9 * np.log1p(x[:, 0]) + 1.2 * (x[:, 1] == 2) - 0.7 * np.isnan(x[:, 2]) - 1.0
    y = (draw.random(20_000) < 1 / (1 + np.exp(-truth))).astype(np.float64)
    columns = [
        ColumnSpec("n", "number", "a", 0, 20),
        ColumnSpec("c", "category", "b", 0, 2, 2),
        ColumnSpec("z", "number", "c", -9, 9),
    ]
    learner = fit_logistic(x, y, np.ones(20_000), columns, c=10.0)
    assert np.sqrt(np.mean((learner.raw(x) - truth) ** 2)) < 0.08
    assert np.abs(np.mean(learner.contributions(x, by_column(columns)), axis=0)).max() < 1e-9


def test_weights_are_used() -> None:
    x = np.zeros((200, 1))
    x[100:] = 1.0
    y = np.tile([0.0, 1.0], 100)
    w = np.where(y == 1, 3.0, 1.0)
    columns = [ColumnSpec("n", "number", "a", 0, 1)]
    odds = np.exp(fit_logistic(x, y, w, columns, c=100.0).raw(x[:1])[0])
    assert odds == pytest.approx(3.0, rel=0.01)
    trees = fit_trees(x, y, w, columns, params={"min_data_in_leaf": 5}, rounds=3)
    assert np.exp(trees.raw(x[:1])[0]) == pytest.approx(3.0, rel=0.01)


def test_columns_that_say_nothing_get_no_weight() -> None:
    x = np.column_stack([np.full(50, np.nan), np.full(50, 3.0), np.zeros(50), np.arange(50.0)])
    columns = [ColumnSpec(name, "number", name, 0, 50) for name in "abcd"]
    design = Design.of(x, np.ones(50), columns)
    assert design.matrix(x).shape[1] == 3
    learner = fit_logistic(x, (x[:, 3] > 20).astype(np.float64), np.ones(50), columns)
    assert learner.weights.weight[:3].tolist() == [0.0, 0.0, 0.0]
    assert learner.weights.weight[3] > 0
