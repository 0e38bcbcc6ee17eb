"""The matrix of a logistic regression: what each column holds, whatever the size of a block, and rare values together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models import design as module
from models.columns import ColumnSpec, by_column
from models.design import MOST_VALUES, Design, signed_logs
from models.learners import fit_logistic

COLUMNS = (
    ColumnSpec("sessions", "number", "session", 0.0, 90.0),
    ColumnSpec("same", "number", "any", 3.0, 3.0),
    ColumnSpec("plan", "category", "plan", 0.0, 3.0, 3),
)


def rows(n: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(0, 90, n), np.full(n, 3.0), rng.integers(0, 4, n)]).astype(np.float64)
    x[::5, 0] = np.nan
    x[::7, 2] = np.nan
    return x


def test_each_column_stands_where_it_should() -> None:
    x = rows(500)
    design = Design.of(x, np.ones(500), COLUMNS)
    matrix, lost = design.matrix(x), np.isnan(x)
    assert matrix.shape == (500, 1 + 2 + 0 + 5)
    np.testing.assert_array_equal(matrix[:, 0], 1.0)
    known = ~lost[:, 0]
    assert abs(matrix[known, 1].mean()) < 1e-12
    assert matrix[known, 1].std() == pytest.approx(1.0)
    assert not matrix[~known, 1].any()
    np.testing.assert_array_equal(matrix[:, 2], lost[:, 0])
    for code in range(4):
        np.testing.assert_array_equal(matrix[:, 3 + code], x[:, 2] == code)
    np.testing.assert_array_equal(matrix[:, 7], lost[:, 2])
    np.testing.assert_array_equal(np.argsort(signed_logs(np.array([-9.0, -1.0, 0.0, 2.0]), 1.5)), np.arange(4))


def test_the_size_of_a_block_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = rows(500)
    design = Design.of(x, np.ones(500), COLUMNS)
    whole = design.matrix(x)
    monkeypatch.setattr(module, "_BLOCK", 7)
    np.testing.assert_array_equal(design.matrix(x), whole)


def test_rare_values_share_the_column_of_unknown_ones() -> None:
    size = MOST_VALUES + 10
    rare = np.arange(1, 11)
    codes = np.concatenate([np.repeat(np.arange(11, size + 1), 20), np.repeat(rare, 5), np.zeros(7)])
    x = codes[:, None].astype(np.float64)
    column = (ColumnSpec("country", "category", "country", 0.0, float(size), size),)
    design = Design.of(x, np.ones(len(x)), column)
    matrix = design.matrix(x)
    assert matrix.shape[1] == 1 + 1 + MOST_VALUES
    np.testing.assert_array_equal(matrix[:, 1], codes < 11)
    np.testing.assert_array_equal(matrix.sum(axis=1), 2.0)

    outcome = (np.arange(len(x)) % 3 == 0).astype(np.int64)
    outcome[codes == 40] = 1
    weights = fit_logistic(x, outcome, np.ones(len(x)), column).weights.category
    assert len(weights) == size + 1
    assert len(set(weights[:11])) == 1
    assert weights[40] == weights.max()
    assert weights[12] != weights[0]


def test_a_term_is_centred_on_its_weighted_mean() -> None:
    x = rows(500)
    weight = np.random.default_rng(1).random(500)
    learner = fit_logistic(x, (x[:, 0] > 40).astype(np.int64), weight, COLUMNS)
    centred = np.average(learner.contributions(x, by_column(COLUMNS)), axis=0, weights=weight)
    np.testing.assert_allclose(centred, 0.0, atol=1e-12)
    np.testing.assert_allclose(learner.mean_terms(x, weight), learner.weights.centre, atol=1e-15)
