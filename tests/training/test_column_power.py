"""What one column alone says, out of fold: against the definition, and where learning by heart would look like knowledge."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.column_power import FOLDS, Judged, codes_of, folds_of, power, wilson


def judged(outcome: np.ndarray, cluster: np.ndarray | None = None) -> Judged:
    n = len(outcome)
    return Judged(np.arange(n), outcome.astype(np.int64), folds_of(np.arange(n) if cluster is None else cluster))


def test_a_copy_is_certain_and_noise_is_nothing() -> None:
    rng = np.random.default_rng(0)
    outcome = rng.random(2000) < 0.2
    copy = np.where(outcome, "yes", "no").astype(object)
    assert power(codes_of(copy), judged(outcome)) == 1.0
    assert abs(power(codes_of(rng.random(2000)), judged(outcome)) - 0.5) < 0.05
    assert power(codes_of(np.where(outcome, np.nan, 1.0)), judged(outcome)) == 1.0  # being missing is a value


def test_a_number_is_worth_its_auc() -> None:
    rng = np.random.default_rng(1)
    outcome = rng.random(4000) < 0.3
    number = rng.normal(outcome * 1.0, 1.0)
    # Two normals one spread apart: the AUC is Phi(1 / sqrt 2).
    assert power(codes_of(number), judged(outcome)) == pytest.approx(0.5 * (1 + math.erf(0.5)), abs=0.02)
    hill = -np.abs(number - 0.5)
    assert power(codes_of(-hill), judged(outcome)) == pytest.approx(power(codes_of(hill), judged(outcome)), abs=0.01)


def test_values_learnt_by_heart_count_nothing() -> None:
    rng = np.random.default_rng(2)
    outcome = rng.random(1000) < 0.3
    own = np.array([f"lead {number}" for number in range(1000)], dtype=object)
    assert power(codes_of(own), judged(outcome)) == pytest.approx(0.5, abs=0.05)
    # Colleagues share their outcome and their company: whole accounts in a fold keep the company from telling.
    account = np.arange(1000) // 4
    together = np.repeat(rng.random(250) < 0.3, 4)
    company = np.array([f"company {number}" for number in account], dtype=object)
    assert power(codes_of(company), judged(together)) > 0.8
    assert power(codes_of(company), judged(together, account)) == pytest.approx(0.5, abs=0.05)


def test_one_outcome_has_no_power() -> None:
    assert math.isnan(power(codes_of(np.arange(50.0)), judged(np.zeros(50))))


def test_codes() -> None:
    few = codes_of(np.array([5.0, np.nan, 7.0, 5.0]))
    assert few.tolist() == [1, 0, 2, 1]
    many = codes_of(np.arange(1000.0))
    assert (np.bincount(many)[0], len(np.unique(many))) == (0, 32)
    assert np.bincount(many)[1:].max() <= 40
    assert codes_of(np.full(3, np.nan)).tolist() == [0, 0, 0]


def test_folds_keep_clusters_whole_and_never_change() -> None:
    cluster = np.repeat(np.arange(100), 3)
    fold = folds_of(cluster)
    assert set(fold.tolist()) == set(range(FOLDS))
    assert all(len(set(fold[cluster == one].tolist())) == 1 for one in range(100))
    assert (fold == folds_of(cluster)).all()


def test_wilson() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(50, 100)
    assert (round(low, 3), round(high, 3)) == (0.404, 0.596)
