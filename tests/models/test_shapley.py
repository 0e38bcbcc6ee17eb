"""Shapley values: LightGBM's own for single columns, brute force over all coalitions for players, the plain form for both."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.columns import Grouping, by_column
from models.forest import TINY, Forest
from models.shapley import quadrature, tables_of
from models.tree_kernel import shares
from models.trees import Trees
from tests.models.shapley_oracle import cover, goes_left, plain_shapley
from tests.models.test_forest import SETTINGS, columns, fitted

Floats = NDArray[np.float64]

PLAYERS = Grouping(("one", "two", "three", "idle"), np.array([0, 0, 1, 2, 1, 2, 0]))


def value(forest: Forest, x: Floats, grouping: Grouping, coalition: set[int]) -> float:
    """The game, from its definition: follow the row where the player is in, else go both ways by cover."""

    def walk(tree: int, node: int) -> float:
        if node < 0:
            return float(forest.value[forest.first_leaf[tree] - node - 1])
        s = int(forest.first_split[tree]) + node
        left, right = int(forest.left[s]), int(forest.right[s])
        if int(grouping.of[forest.column[s]]) in coalition:
            return walk(tree, left if goes_left(forest, s, float(x[forest.column[s]])) else right)
        whole = cover(forest, tree, node)
        return walk(tree, left) * cover(forest, tree, left) / whole + walk(tree, right) * cover(forest, tree, right) / whole

    return sum(
        walk(tree, 0 if forest.first_split[tree + 1] > forest.first_split[tree] else -1)
        for tree in range(len(forest.first_leaf) - 1)
    )


def brute_force(trees: Trees, x: Floats, grouping: Grouping) -> Floats:
    count = len(grouping.names)
    found = np.zeros(count)
    for player in range(count):
        others = [other for other in range(count) if other != player]
        for size in range(count):
            weight = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
            for coalition in itertools.combinations(others, size):
                gain = value(trees.forest, x, grouping, {*coalition, player}) - value(trees.forest, x, grouping, set(coalition))
                found[player] += weight * gain
    return found


@pytest.mark.parametrize("extra", SETTINGS[:2], ids=["missing", "zero"])
def test_for_single_columns_they_are_those_of_lightgbm(extra: dict[str, object]) -> None:
    trees, booster, x = fitted(extra, 0)
    x = x[~np.isinf(x).any(axis=1)][::4]
    wanted = booster.predict(x, pred_contrib=True)
    assert np.abs(trees.contributions(x, by_column(columns())) - wanted[:, :-1]).max() < 1e-9
    assert trees.expected == pytest.approx(wanted[0, -1], abs=1e-9)


@settings(max_examples=20)
@given(
    seed=st.integers(0, 10_000),
    extra=st.sampled_from(SETTINGS),
    leaves=st.integers(2, 40),
    depth=st.integers(-1, 8).filter(bool),
    rounds=st.integers(1, 4),
    in_leaf=st.sampled_from([1, 5, 150, 300]),
    of=st.lists(st.integers(0, 4), min_size=7, max_size=7),
)
def test_on_any_model_they_are_those_of_lightgbm_and_of_the_plain_form(
    seed: int, extra: dict[str, object], leaves: int, depth: int, rounds: int, in_leaf: int, of: list[int]
) -> None:
    asked = {"max_depth": depth, **extra, "num_leaves": leaves, "min_data_in_leaf": in_leaf}
    trees, booster, x = fitted(asked, seed, rounds)
    x = x[~np.isinf(x).any(axis=1)][::60]
    single, players = by_column(columns()), Grouping(("a", "b", "c", "d", "e"), np.array(of))
    wanted = booster.predict(x, pred_contrib=True)[:, :-1]
    assert np.abs(trees.contributions(x, single) - wanted).max() < 1e-9
    found = trees.contributions(x, players)
    assert np.abs(found - [plain_shapley(trees.forest, row, players) for row in x]).max() < 1e-12
    assert np.abs(found.sum(axis=1) + trees.expected - trees.raw(x)).max() < 1e-12
    alone = [trees.contributions(x[row : row + 1], players)[0] for row in range(len(x))]
    assert np.array_equal(alone, found)


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


def test_a_players_value_is_shared_out_to_its_columns() -> None:
    trees, _, x = fitted(SETTINGS[0], 1, rounds=4)
    x = x[::31]
    found = trees.shares(x, PLAYERS)
    assert np.array_equal(PLAYERS.sums(found), trees.contributions(x, PLAYERS))
    idle = np.setdiff1d(np.arange(7), trees.used)
    assert not found[:, idle].any()
    # A column alone in its player has the player's value: nothing is shared.
    alone = Grouping(("one", "others"), np.array([0, 1, 1, 1, 1, 1, 1]))
    wanted = [plain_shapley(trees.forest, row, alone)[0] for row in x]
    assert np.abs(trees.shares(x, alone)[:, 0] - wanted).max() < 1e-12


def test_they_add_up_and_do_not_depend_on_the_other_rows() -> None:
    trees, _, x = fitted(SETTINGS[0], 2)
    found = trees.contributions(x[:140], PLAYERS)
    assert np.abs(found.sum(axis=1) + trees.expected - trees.raw(x[:140])).max() < 1e-12
    few = [slice(7, 7 + count) for count in range(1, 20)]
    for some in (*few, slice(60, 66), slice(0, 64), slice(70, 137)):
        assert np.array_equal(trees.contributions(x[some], PLAYERS), found[some])


def test_threads_and_small_blocks_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    trees, _, x = fitted(SETTINGS[1], 2, rounds=5)
    x = x[::9].copy()
    whole, out = trees.shares(x, PLAYERS), np.empty(x.shape)
    tables = tables_of(trees.forest, PLAYERS)
    for scratch in (1, 500, 1_000, 1_500, 3_000):
        shares(x, trees._splits, tables, TINY, scratch, out)
        assert np.array_equal(out, whole)
    monkeypatch.setattr("models.cores.CORES", 3)
    monkeypatch.setattr("models.trees._ROWS_TO_EXPLAIN", 8)
    assert np.array_equal(trees.shares(x, PLAYERS), whole)


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_the_quadrature_is_exact_for_its_degree(count: int) -> None:
    nodes, weights = quadrature(count)
    for degree in range(2 * count):
        assert float(np.sum(weights[count] * nodes[count] ** degree)) == pytest.approx(1 / (degree + 1), abs=1e-14)
