from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from serving.shadow_figures import FEWEST_RANKED, REMEMBERED, ShadowFigures, rank_correlation


def test_nothing_compared_is_no_figure() -> None:
    told = ShadowFigures().told()
    assert (told["scored"], told["dropped"], told["failed"], told["grade_changes"]) == (0, 0, 0, 0)
    assert [value for value in told.values() if value != 0] == [None] * 5


def test_the_figures_are_those_of_all_leads() -> None:
    draw = np.random.default_rng(5)
    one = draw.random(REMEMBERED + 500)
    other = np.clip(one + draw.normal(0, 0.1, len(one)), 0, 1)
    figures = ShadowFigures()
    for champion, challenger in zip(one.tolist(), other.tolist(), strict=True):
        figures.add(champion, challenger, same_grade=abs(champion - challenger) < 0.1)
    figures.drop(7)
    figures.fail()
    told = figures.told()
    assert (told["scored"], told["dropped"], told["failed"]) == (len(one), 7, 1)
    assert told["grade_changes"] == int(np.sum(np.abs(one - other) >= 0.1))
    assert told["champion_mean"] == pytest.approx(one.mean())
    assert told["challenger_mean"] == pytest.approx(other.mean())
    assert told["mean_shift"] == pytest.approx((other - one).mean())
    assert told["mean_absolute_shift"] == pytest.approx(np.abs(other - one).mean())
    newest = slice(len(one) - REMEMBERED, None)
    assert told["rank_correlation"] == pytest.approx(spearmanr(one[newest], other[newest]).statistic)


def test_equal_values_share_a_rank() -> None:
    one = [round(value, 1) for value in np.random.default_rng(1).random(200).tolist()]
    other = [round(value, 1) for value in np.random.default_rng(2).random(200).tolist()]
    found = rank_correlation(list(zip(one, other, strict=True)))
    assert found == pytest.approx(spearmanr(one, other).statistic)


def test_few_leads_and_a_model_that_says_always_the_same_have_no_ranks() -> None:
    pairs = [(i / 100, i / 50) for i in range(FEWEST_RANKED)]
    assert rank_correlation(pairs) == pytest.approx(1.0)
    assert rank_correlation(pairs[1:]) is None
    assert rank_correlation([(one, 0.5) for one, _ in pairs]) is None
