"""The ridge regression: the minimum that scikit-learn finds, both ways of solving for it, and a start that is kept to."""

from __future__ import annotations

import numpy as np
import pytest

from models import ridge
from models.ridge import fit_ridge

Floats = np.ndarray


@pytest.fixture(scope="module")
def made() -> tuple[Floats, Floats, Floats]:
    draw = np.random.default_rng(0)
    x = np.column_stack([np.ones(3000), draw.normal(size=(3000, 8))])
    y = (draw.random(3000) < 1 / (1 + np.exp(1.0 - 0.8 * x[:, 1] + 0.4 * x[:, 2]))).astype(np.float64)
    return x, y, draw.choice([0.2, 0.5, 1.0], 3000)


@pytest.mark.parametrize("c", [0.003, 0.1, 3.0])
def test_it_is_the_minimum_that_scikit_learn_finds(c: float, made: tuple[Floats, Floats, Floats]) -> None:
    from sklearn.linear_model import LogisticRegression

    x, y, w = made
    found = fit_ridge(x, y, w, np.zeros(len(x)), c=c)
    theirs = LogisticRegression(C=c, tol=1e-10, max_iter=5000).fit(x[:, 1:], y, sample_weight=w)
    np.testing.assert_allclose(found[1:], theirs.coef_[0], atol=1e-5)
    assert found[0] == pytest.approx(theirs.intercept_[0], abs=1e-5)


def test_both_ways_of_solving_agree_and_a_near_start_changes_nothing(
    made: tuple[Floats, Floats, Floats], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, w = made
    found = fit_ridge(x, y, w, np.zeros(len(x)), c=0.1)
    np.testing.assert_allclose(fit_ridge(x, y, w, np.zeros(len(x)), c=0.1, start=found + 0.1), found, atol=1e-5)
    monkeypatch.setattr(ridge, "MOST_COLUMNS", 0)
    np.testing.assert_allclose(fit_ridge(x, y, w, np.zeros(len(x)), c=0.1), found, atol=1e-6)


def test_a_strong_penalty_keeps_to_the_offset(made: tuple[Floats, Floats, Floats]) -> None:
    x, y, w = made
    offset = 0.8 * x[:, 1] - 0.4 * x[:, 2] - 1.0
    kept = fit_ridge(x, y, w, offset, c=1e-6)
    assert np.abs(kept[1:]).max() < 1e-3
    assert abs(kept[0]) < 0.2


def test_what_can_be_divided_has_finite_weights() -> None:
    x = np.column_stack([np.ones(40), np.arange(40.0) - 19.5])
    y = (x[:, 1] > 0).astype(np.float64)
    found = fit_ridge(x, y, np.ones(40), np.zeros(40), c=100.0)
    assert np.isfinite(found).all()
    assert found[1] > 0
