"""Closed-form errors against formulas and against the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from training.clustered import auc_with_influence, mean_of, quantile_of, share, standard_error
from training.metrics import METRICS, Ranking


def test_without_clusters_the_error_is_the_usual_one() -> None:
    values = np.random.default_rng(0).normal(size=500)
    found = mean_of(values, np.arange(500), n=500, conversions=0)
    assert found.error == pytest.approx(values.std(ddof=1) / np.sqrt(500))
    assert found.high - found.value == pytest.approx(quantile_of(0.95) * found.error)


def test_colleagues_count_as_one_witness() -> None:
    values = np.random.default_rng(0).normal(size=100)
    alone = mean_of(values, np.arange(100), n=100, conversions=0)
    repeated = mean_of(np.repeat(values, 5), np.repeat(np.arange(100), 5), n=500, conversions=0)
    assert repeated.error == pytest.approx(alone.error)
    assert np.isnan(standard_error(values, np.zeros(100, dtype=np.int64)))


def test_the_area_and_its_error_are_those_of_the_bootstrap() -> None:
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(300), 2)
    score = np.repeat(rng.normal(size=300), 2)
    y = (rng.random(600) < 1 / (1 + np.exp(1.0 - score))).astype(np.int64)
    p = 1 / (1 + np.exp(-np.round(score, 1)))
    auc, influence = auc_with_influence(p, y)
    ranking = Ranking(p, y)
    place = METRICS.index("auc")
    assert auc == pytest.approx(ranking.figures(np.ones(600))[place])
    drawn = []
    for _ in range(400):
        weight = np.bincount(rng.integers(0, 300, 300), minlength=300).astype(float)
        drawn.append(ranking.figures(weight[cluster])[place])
    assert standard_error(influence, cluster) == pytest.approx(np.std(drawn), rel=0.15)


def test_shares_of_nobody_and_everybody_have_open_intervals() -> None:
    nobody = share(np.zeros(40), np.arange(40))
    assert (nobody.value, nobody.low) == (0.0, 0.0)
    assert 0.05 < nobody.high < 0.12
    assert share(np.ones(40), np.arange(40)).low == pytest.approx(1.0 - nobody.high)
    assert share(np.zeros(0), np.arange(0)).n == 0


def test_a_share_over_accounts_is_wider() -> None:
    y = np.repeat(np.random.default_rng(1).random(60) < 0.3, 4).astype(np.int64)
    alone, together = share(y, np.arange(240)), share(y, np.repeat(np.arange(60), 4))
    assert alone.value == together.value
    assert together.high - together.low > 1.7 * (alone.high - alone.low)
