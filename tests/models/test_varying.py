"""The weights that change with the age: what is computed, how it is shared out, and what is refused."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.columns import ColumnSpec, Grouping, by_column, by_player
from models.errors import ModelError
from models.learners import fit_logistic, fit_varying
from models.logistic import Logistic
from models.varying import Varying, age_among

Floats = NDArray[np.float64]

COLUMNS = (
    ColumnSpec("count", "number", "session", 0.0, 50.0),
    ColumnSpec("country", "category", "country", 0.0, 3.0, 3),
    ColumnSpec("recency", "number", "session", 0.0, 99.0),
    ColumnSpec("trial_age_d", "number", "trial", 1.0, 14.0),
)
AGE = 3


def rows(count: int, seed: int = 0) -> Floats:
    draw = np.random.default_rng(seed)
    x = np.column_stack(
        [
            draw.poisson(3.0, count),
            draw.integers(0, 4, count),
            draw.exponential(9.0, count),
            draw.choice([1.0, 3.0, 7.0, 14.0], count),
        ]
    )
    x[draw.random(count) < 0.2, 2] = np.nan
    return x


def outcomes(x: Floats) -> Floats:
    """Use tells nothing on the first day and much on the last."""
    log_odds = 0.25 * x[:, AGE] * (np.log1p(x[:, 0]) - 1.2) - 1.0 + 0.4 * (x[:, 1] == 2)
    return (np.random.default_rng(9).random(len(x)) < 1 / (1 + np.exp(-log_odds))).astype(np.float64)


@pytest.fixture(scope="module")
def model() -> Varying:
    x = rows(6_000)
    found = fit_varying(x, outcomes(x), np.ones(len(x)), COLUMNS, c=1.0)
    assert isinstance(found, Varying)
    return found


def loss(raw: Floats, y: Floats) -> float:
    return float(np.mean(np.logaddexp(0.0, raw) - y * raw))


def test_what_counts_more_with_age_is_found(model: Varying) -> None:
    new = rows(6_000, seed=5)
    x = rows(6_000)
    same = fit_logistic(x, outcomes(x), np.ones(len(x)), COLUMNS, c=1.0)
    assert model.change.weights.weight[0] > 0.2
    assert loss(model.raw(new), outcomes(new)) < loss(same.raw(new), outcomes(new)) - 0.01


def test_the_clock_is_the_standardised_logarithm_of_the_age(model: Varying) -> None:
    x = rows(6_000)
    clock = model.clock(x)
    assert clock.mean() == pytest.approx(0.0, abs=1e-9)
    assert clock.std() == pytest.approx(1.0, abs=1e-9)
    x[:, AGE] = np.nan
    assert set(model.clock(x).tolist()) == {0.0}
    np.testing.assert_array_equal(model.raw(x), model.base.raw(x))


@pytest.mark.parametrize("grouping", [by_column(COLUMNS), by_player(COLUMNS, ("session", "country", "trial"))])
def test_contributions_are_the_shapley_values_by_brute_force(model: Varying, grouping: Grouping) -> None:
    """Over every coalition: its terms and its clock as they are, the others at their means."""
    x = rows(8, seed=3)
    x[0, AGE] = np.nan
    terms, changes = (part.shares(x, grouping) for part in (model.base, model.change))
    clock, players = model.clock(x), range(len(grouping.names))

    def value(coalition: tuple[int, ...]) -> Floats:
        inside = np.isin(grouping.of, coalition)
        told = clock * inside[AGE]
        return model.expected + terms[:, inside].sum(axis=1) + told * (changes[:, inside].sum(axis=1) + model.change.expected)

    assert value(tuple(players)) == pytest.approx(model.raw(x), abs=1e-12)
    found = model.contributions(x, grouping)
    for player in players:
        others, wanted = [one for one in players if one != player], np.zeros(len(x))
        for size in range(len(others) + 1):
            share = factorial(size) * factorial(len(others) - size) / factorial(len(others) + 1)
            for some in combinations(others, size):
                wanted += share * (value((*some, player)) - value(some))
        np.testing.assert_allclose(found[:, player], wanted, atol=1e-12)


def test_without_ages_that_differ_it_is_a_plain_one() -> None:
    x = rows(400)
    y, w = outcomes(x), np.ones(400)
    x[:, AGE] = 7.0
    assert isinstance(fit_varying(x, y, w, COLUMNS, c=0.3), Logistic)
    plain = fit_varying(x[:, :AGE], y, w, COLUMNS[:AGE], c=0.3)
    assert plain.to_json() == fit_logistic(x[:, :AGE], y, w, COLUMNS[:AGE], c=0.3).to_json()
    assert age_among(COLUMNS) == AGE
    assert age_among(COLUMNS[:AGE]) is None


def test_the_age_is_used_where_anything_changes_with_it(model: Varying) -> None:
    assert AGE in model.used
    parts: Any = model.to_json()
    for part in ("base", "change"):
        parts[part]["columns"][AGE]["weight"] = 0.0
    assert AGE in Varying.from_json(parts, "learner.json", COLUMNS).used
    for column in parts["change"]["columns"]:
        column.update(missing=0.0, **({"values": [0.0] * 4} if "values" in column else {"weight": 0.0}))
    assert AGE not in Varying.from_json(parts, "learner.json", COLUMNS).used


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"age": 4}, "age"),
        ({"age": 1}, "the place of a number"),
        ({"age": None}, "age"),
        ({"base": {}}, "base"),
        ({"more": 1}, "learner.json"),
    ],
)
def test_what_is_wrong_is_refused(model: Varying, changed: dict[str, object], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        Varying.from_json({**model.to_json(), **changed}, "learner.json", COLUMNS)


def test_a_change_without_a_column_is_refused(model: Varying) -> None:
    parts: Any = model.to_json()
    parts["change"]["intercept"] = 0.1
    with pytest.raises(ModelError, match="an intercept of 0"):
        Varying.from_json(parts, "learner.json", COLUMNS)
