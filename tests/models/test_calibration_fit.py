from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.calibration import METHODS, Calibrator
from models.calibration_fit import fit_calibrator
from models.errors import ModelError

Floats = NDArray[np.float64]


def outcomes(log_odds: Floats, seed: int = 0) -> Floats:
    draw = np.random.default_rng(seed)
    return (draw.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))).astype(np.float64)


def log_loss(p: Floats, y: Floats) -> float:
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


S = np.random.default_rng(1).normal(-2.0, 1.3, 8_000)
ONES = np.ones(len(S))


def test_a_straight_truth_is_found() -> None:
    found = fit_calibrator("platt", S, outcomes(-0.7 + 0.6 * S), ONES)
    assert found.intercept == pytest.approx(-0.7, abs=0.15)
    assert found.slopes[0] == pytest.approx(0.6, abs=0.06)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_calibrated_stays_calibrated(method: str) -> None:
    found = fit_calibrator(method, S, outcomes(S), ONES)
    assert np.mean(np.abs(found.probability(S) - 1 / (1 + np.exp(-S)))) < 0.01


def test_a_bent_truth_needs_more_than_a_line() -> None:
    truth = -1.2 + 0.3 * S + 1.2 * np.maximum(S + 2, 0)
    y = outcomes(truth)
    losses = {method: log_loss(fit_calibrator(method, S, y, ONES).probability(S), y) for method in METHODS}
    assert losses["isotonic"] < losses["beta"] < losses["platt"] < losses["identity"]
    assert losses["isotonic"] < log_loss(1 / (1 + np.exp(-truth)), y) + 0.002


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["none", "all", "backwards", "constant", "one", "sure"])
def test_hard_cases_give_curves_that_the_reader_lets_in(method: str, case: str) -> None:
    s = S[:300]
    y = outcomes(s)
    if case in ("none", "all"):
        y = np.full(300, float(case == "all"))
    if case == "backwards":
        y = outcomes(-s)
    if case == "constant":
        s = np.full(300, -2.0)
    if case == "one":
        s, y = s[:1], y[:1]
    if case == "sure":
        s, y = 300 * s, (s > -2).astype(np.float64)
    found = fit_calibrator(method, s, y, np.ones(len(s)))
    assert Calibrator.from_json(found.to_json(), "x") == found
    assert np.all(np.diff(found.probability(np.linspace(-30, 30, 601))) > 0)


@pytest.mark.parametrize("method", METHODS[1:])
def test_weights_count_like_repeated_rows(method: str) -> None:
    s, y = S[:500], outcomes(S[:500])
    twice = fit_calibrator(method, np.repeat(s, 2), np.repeat(y, 2), np.ones(1_000))
    weighted = fit_calibrator(method, s, y, np.full(500, 2.0))
    assert np.allclose(twice.probability(s), weighted.probability(s), atol=0.02 if method == "isotonic" else 1e-8)


def test_few_outcomes_stay_near_the_learners_own_log_odds() -> None:
    s, y = np.array([-1.0, 1.0]), np.array([1.0, 0.0])
    found = fit_calibrator("platt", s, y, np.ones(2))
    assert 0.3 < found.slopes[0] < 1.0


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ModelError, match="no such calibration"):
        fit_calibrator("spline", S, S, S)
