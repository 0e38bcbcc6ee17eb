from __future__ import annotations

import numpy as np
import pytest

from training.intervals import Z_95, Z_999, Share, share_of


def test_answers_that_are_independent_count_each() -> None:
    outcome = np.array([1] * 20 + [0] * 80)
    share = share_of(outcome, np.arange(100))
    assert share.value == 0.2
    assert share.independent == pytest.approx(100 / (100 / 99))
    low, high = share.interval(Z_95)
    assert (round(low, 3), round(high, 3)) == (0.133, 0.289)
    assert share.interval(Z_999)[0] < low


def test_colleagues_who_decide_together_are_one_answer() -> None:
    outcome, cluster = np.repeat([1, 0, 0, 0, 0], 20), np.repeat(np.arange(5), 20)
    share = share_of(outcome, cluster)
    assert share.independent == pytest.approx(4.0, rel=0.01)
    assert share.interval()[1] > 0.5
    assert share_of(np.zeros(100), cluster).independent == 5.0
    assert share_of(np.ones(4), np.zeros(4, np.int64)).independent == 1.0


def test_no_answer_says_nothing() -> None:
    share = share_of(np.zeros(0), np.zeros(0, np.int64))
    assert np.isnan(share.value)
    assert share.interval() == (0.0, 1.0)


def test_it_covers_as_often_as_it_says() -> None:
    """Clusters of ten that agree by half: the 95 % interval holds the truth in about 95 of 100 worlds."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(400):
        rate = np.repeat(rng.beta(2, 6, 60), 10)
        low, high = share_of(rng.random(600) < rate, np.repeat(np.arange(60), 10)).interval()
        held += low <= 0.25 <= high
    assert 0.91 <= held / 400 <= 0.985
    assert isinstance(Share(0.5, 10.0), Share)
