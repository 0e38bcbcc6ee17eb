"""Shapley values: LightGBM's own for single columns, brute force over all coalitions for players."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from models.columns import Grouping, by_column
from models.forest import CATEGORY, TINY, Forest, category_goes_left, number_goes_left
from models.shapley import quadrature
from models.trees import Trees
from tests.models.test_forest import SETTINGS, columns, fitted

Floats = NDArray[np.float64]

PLAYERS = Grouping(("one", "two", "three", "idle"), np.array([0, 0, 1, 2, 1, 2, 0]))


def goes_left(forest: Forest, s: int, x: float) -> bool:
    if forest.rule[s] == CATEGORY:
        return category_goes_left(x, forest.words, forest.first_word[s], forest.first_word[s + 1])
    return number_goes_left(x, forest.threshold[s], forest.rule[s], forest.missing_left[s], TINY)


def value(forest: Forest, x: Floats, grouping: Grouping, coalition: set[int]) -> float:
    """The game, from its definition: follow the row where the player is in, else go both ways by cover."""

    def cover(tree: int, node: int) -> float:
        if node < 0:
            return float(forest.cover[forest.first_leaf[tree] - node - 1])
        s = forest.first_split[tree] + node
        return cover(tree, int(forest.left[s])) + cover(tree, int(forest.right[s]))

    def walk(tree: int, node: int) -> float:
        if node < 0:
            return float(forest.value[forest.first_leaf[tree] - node - 1])
        s = forest.first_split[tree] + node
        left, right = int(forest.left[s]), int(forest.right[s])
        if int(grouping.of[forest.column[s]]) in coalition:
            return walk(tree, left if goes_left(forest, s, float(x[forest.column[s]])) else right)
        whole = cover(tree, node)
        return walk(tree, left) * cover(tree, left) / whole + walk(tree, right) * cover(tree, right) / whole

    return sum(
        walk(tree, 0 if forest.first_split[tree + 1] > forest.first_split[tree] else -1)
        for tree in range(len(forest.first_leaf) - 1)
    )


def brute_force(trees: Trees, x: Floats, grouping: Grouping) -> Floats:
    count = len(grouping.names)
    shares = np.zeros(count)
    for player in range(count):
        others = [other for other in range(count) if other != player]
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            for coalition in itertools.combinations(others, size):
                gain = value(trees.forest, x, grouping, {*coalition, player}) - value(trees.forest, x, grouping, set(coalition))
                shares[player] += weight * gain
    return shares


@pytest.mark.parametrize("extra", SETTINGS[:2], ids=["missing", "zero"])
def test_for_single_columns_they_are_those_of_lightgbm(extra: dict[str, object]) -> None:
    trees, booster, x = fitted(extra, 0)
    x = x[~np.isinf(x).any(axis=1)][::4]
    wanted = booster.predict(x, pred_contrib=True)
    assert np.abs(trees.contributions(x, by_column(columns())) - wanted[:, :-1]).max() < 1e-9
    assert trees.expected == pytest.approx(wanted[0, -1], abs=1e-9)


@pytest.mark.parametrize("row", [0, 17, 399, 450])
def test_for_players_they_are_those_of_brute_force(row: int) -> None:
    trees, _, x = fitted(SETTINGS[0], 1, rounds=4)
    found = trees.contributions(x[row : row + 1], PLAYERS)[0]
    assert found == pytest.approx(brute_force(trees, x[row], PLAYERS), abs=1e-9)
    assert found[3] == 0.0


def test_they_are_not_sums_of_the_columns_values() -> None:
    trees, _, x = fitted(SETTINGS[0], 1)
    x = x[::9]
    single, merged = trees.contributions(x, by_column(columns())), trees.contributions(x, PLAYERS)
    summed = np.column_stack([single[:, PLAYERS.of == player].sum(axis=1) for player in range(4)])
    assert np.abs(summed - merged).max() > 1e-4
    assert np.abs(summed.sum(axis=1) - merged.sum(axis=1)).max() < 1e-12


def test_they_add_up_and_do_not_depend_on_the_other_rows() -> None:
    trees, _, x = fitted(SETTINGS[0], 2)
    x = x[::9]
    found = trees.contributions(x, PLAYERS)
    assert np.abs(found.sum(axis=1) + trees.expected - trees.raw(x)).max() < 1e-12
    for row in (0, 5, 60):
        assert np.array_equal(trees.contributions(x[row : row + 1], PLAYERS)[0], found[row])


def test_blocks_of_rows_are_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    trees, _, x = fitted(SETTINGS[0], 2)
    x = x[::9]
    whole = trees.contributions(x, PLAYERS)
    monkeypatch.setattr("models.trees._DECISIONS_AT_ONCE", 1_000)
    assert np.array_equal(trees.contributions(x, PLAYERS), whole)


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_the_quadrature_is_exact_for_its_degree(count: int) -> None:
    nodes, weights = quadrature(count)
    for degree in range(2 * count):
        assert float(np.sum(weights[count] * nodes[count] ** degree)) == pytest.approx(1 / (degree + 1), abs=1e-14)
