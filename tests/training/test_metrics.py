"""The six figures against scikit-learn's, and against arithmetic done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from training.metrics import METRICS, Ranking, log_losses

cases = st.lists(
    st.tuples(st.integers(1, 9).map(lambda tenth: tenth / 10), st.integers(0, 1), st.integers(0, 3)), min_size=10, max_size=60
).filter(lambda rows: {y for _, y, w in rows if w} == {0, 1})


@given(cases)
@settings(max_examples=100, deadline=None)
def test_weighted_figures_equal_scikit_learn(rows: list[tuple[float, int, int]]) -> None:
    p, y, w = (np.array(column) for column in zip(*rows, strict=True))
    found = dict(zip(METRICS, Ranking(p, y).figures(w.astype(float)).tolist(), strict=True))
    assert found["auc"] == pytest.approx(roc_auc_score(y, p, sample_weight=w))
    assert found["pr_auc"] == pytest.approx(average_precision_score(y, p, sample_weight=w))
    assert found["log_loss"] == pytest.approx(log_loss(y, p, sample_weight=w))
    assert found["brier"] == pytest.approx(brier_score_loss(y, p, sample_weight=w))


@given(cases)
@settings(max_examples=50, deadline=None)
def test_a_weight_is_a_repetition(rows: list[tuple[float, int, int]]) -> None:
    p, y, w = (np.array(column) for column in zip(*rows, strict=True))
    weighted = Ranking(p, y).figures(w.astype(float))
    repeated = Ranking(np.repeat(p, w), np.repeat(y, w)).figures(np.ones(int(w.sum())))
    # The bins of the calibration error are cut by rows, so that figure may differ.
    same = [place for place, name in enumerate(METRICS) if name != "ece"]
    assert weighted[same] == pytest.approx(repeated[same])


def test_lift_of_a_perfect_and_of_an_empty_order() -> None:
    outcome = np.array([1] * 10 + [0] * 90)
    perfect = Ranking(np.where(outcome == 1, 0.9, 0.1), outcome).figures(np.ones(100))
    assert perfect[METRICS.index("lift_10")] == pytest.approx(10.0)
    constant = Ranking(np.full(100, 0.1), outcome).figures(np.ones(100))
    assert constant[METRICS.index("lift_10")] == pytest.approx(1.0)
    assert constant[METRICS.index("auc")] == 0.5


def test_calibration_error_by_hand() -> None:
    outcome = np.tile([1, 0, 0, 0], 25)
    figures = Ranking(np.full(100, 0.35), outcome).figures(np.ones(100))
    by_bin = [abs(0.35 - outcome[start : start + 10].mean()) for start in range(0, 100, 10)]
    assert figures[METRICS.index("ece")] == pytest.approx(np.mean(by_bin))


def test_one_outcome_has_no_figures() -> None:
    assert np.isnan(Ranking(np.array([0.1, 0.2]), np.array([0, 0])).figures(np.ones(2))).all()


def test_log_loss_is_finite_at_the_ends() -> None:
    assert np.isfinite(log_losses(np.array([0.0, 1.0]), np.array([1, 0]))).all()


def test_groups_tell_what_was_promised_and_what_happened() -> None:
    groups = Ranking(np.repeat([0.1, 0.6], 10), np.array([0] * 9 + [1] + [1] * 7 + [0] * 3)).groups()
    assert [group["n"] for group in groups] == [2] * 10
    assert sum(group["happened"] * group["n"] for group in groups) == pytest.approx(8)
    assert [round(float(group["promised"]), 6) for group in groups] == [0.1] * 5 + [0.6] * 5
