"""The forest gives LightGBM's own raw scores, bit for bit."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from models.columns import ColumnSpec, by_column
from models.forest import CATEGORY, KNOWS_MISSING, MISSING_IS_ZERO, ZERO_IS_MISSING
from models.learners import FIXED, fit_trees
from models.strict import read_json, write_json
from models.trees import Trees

Floats = NDArray[np.float64]

CATEGORIES = (3, 4)


def rows(seed: int, count: int = 400) -> Floats:
    """Numbers, counts, zeros, missing values, two categories of which one is wide."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 7))
    x[:, 1] = draw.poisson(1.0, count)
    x[:, 2] = np.where(draw.random(count) < 0.3, np.nan, x[:, 2])
    x[:, 3] = draw.integers(0, 9, count)
    x[:, 4] = np.where(draw.random(count) < 0.2, np.nan, draw.integers(0, 70, count))
    x[:, 5] = np.where(draw.random(count) < 0.7, 0.0, x[:, 5])
    x[:, 6] = -draw.poisson(1.0, count)
    return x


def strange_rows() -> Floats:
    """Values that training never saw: nearly zero, missing everywhere, far away, codes that do not exist."""
    draw = np.random.default_rng(9)
    x = draw.normal(size=(200, 7)) * 3
    x[:50] = np.where(draw.random((50, 7)) < 0.5, 0.0, 9e-36) * np.sign(draw.normal(size=(50, 7)))
    x[50], x[51], x[52], x[53] = np.nan, 0.0, np.inf, -np.inf
    x[54:, 3] = draw.integers(-3, 100, 146)
    x[54:, 4] = np.where(draw.random(146) < 0.3, np.nan, draw.integers(-3, 200, 146) + 0.5)
    x[54:58, 3] = (-0.5, 2.0**31, 1e300, -1.0)
    return x


def columns() -> list[ColumnSpec]:
    return [
        ColumnSpec(f"c{j}", "category", f"p{j}", 0, 80, 80) if j in CATEGORIES else ColumnSpec(f"c{j}", "number", f"p{j}", -9, 9)
        for j in range(7)
    ]


def fitted(extra: dict[str, Any], seed: int, rounds: int = 25) -> tuple[Trees, lightgbm.Booster, Floats]:
    x, draw = rows(seed), np.random.default_rng(seed + 100)
    score = x[:, 0] + 0.5 * x[:, 1] - 1 + (x[:, 3] == 3) + np.nan_to_num(x[:, 2]) * np.isin(x[:, 4], [33, 65, 2])
    y = (draw.random(len(x)) < 1 / (1 + np.exp(-score))).astype(np.float64)
    w = draw.random(len(x)) + 0.1
    params = {
        "num_leaves": 15,
        "min_data_in_leaf": 3,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "cat_smooth": 1,
        "min_data_per_group": 3,
        **extra,
    }
    trees = fit_trees(x, y, w, columns(), params=params, rounds=rounds, seed=seed)
    data = lightgbm.Dataset(
        x, label=y, weight=w, categorical_feature=list(CATEGORIES), params={"verbosity": -1, "feature_pre_filter": False}
    )
    booster = lightgbm.train({"num_threads": 1, "seed": seed, **params, **FIXED}, data, num_boost_round=rounds)
    return trees, booster, np.concatenate([x, strange_rows()])


SETTINGS: list[dict[str, Any]] = [
    {"max_cat_to_onehot": 1},
    {"zero_as_missing": True, "max_cat_to_onehot": 1},
    {"use_missing": False},
    {"max_depth": 3, "monotone_constraints": [1, 0, 0, 0, 0, 0, 0]},
]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("extra", SETTINGS, ids=["missing", "zero", "none", "shallow"])
def test_raw_scores_are_those_of_lightgbm(extra: dict[str, Any], seed: int) -> None:
    trees, booster, x = fitted(extra, seed)
    usual = ~np.isinf(x).any(axis=1)
    assert np.array_equal(trees.raw(x)[usual], booster.predict(x[usual], raw_score=True))
    assert np.isfinite(trees.raw(x)).all()


def test_values_on_a_threshold_go_where_lightgbm_sends_them() -> None:
    trees, booster, x = fitted(SETTINGS[0], 1)
    splits = np.flatnonzero(trees.forest.rule != CATEGORY)
    edges = x[np.arange(3 * len(splits)) % 400]
    for place, split in enumerate(splits.tolist()):
        at = trees.forest.threshold[split]
        edges[3 * place : 3 * place + 3, trees.forest.column[split]] = (np.nextafter(at, -np.inf), at, np.nextafter(at, np.inf))
    assert np.array_equal(trees.raw(edges), booster.predict(edges, raw_score=True))
    assert len(np.unique(trees.raw(edges))) > len(splits) / 2


def test_every_kind_of_split_was_met() -> None:
    rules = [set(fitted(extra, 0)[0].forest.rule.tolist()) for extra in SETTINGS[:3]]
    assert {KNOWS_MISSING, CATEGORY} <= rules[0]
    assert {ZERO_IS_MISSING, CATEGORY} <= rules[1]
    assert {MISSING_IS_ZERO} <= rules[2]


def test_the_first_rounds_are_a_shorter_fit() -> None:
    trees, booster, x = fitted(SETTINGS[0], 1)
    usual = ~np.isinf(x).any(axis=1)
    for rounds in (1, 7, 25):
        first = trees.first(rounds)
        assert first.rounds == rounds
        assert np.array_equal(first.raw(x)[usual], booster.predict(x[usual], raw_score=True, num_iteration=rounds))


def test_the_text_gives_the_same_bits_and_the_same_text() -> None:
    trees, _, x = fitted(SETTINGS[0], 2)
    text = write_json(trees.to_json())
    again = Trees.from_json(read_json(text, "x"), "x", columns())
    assert np.array_equal(again.raw(x), trees.raw(x))
    assert write_json(again.to_json()) == text


def test_a_tree_without_splits_gives_its_one_value() -> None:
    x = rows(0, 50)
    trees = fit_trees(x, np.ones(50) * (x[:, 0] > 0), np.ones(50), columns(), params={"min_data_in_leaf": 50}, rounds=3)
    again = Trees.from_json(read_json(write_json(trees.to_json()), "x"), "x", columns())
    assert len(set(again.raw(x).tolist())) == 1
    assert again.raw(x)[0] == pytest.approx(again.expected, abs=1e-12)
    assert again.used.tolist() == []
    assert not again.contributions(x, by_column(columns())).any()
