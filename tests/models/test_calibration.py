"""The calibration rises strictly and is never certain, for every curve that the reader lets in."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.calibration import HIGHEST_SLOPE, LOWEST_SLOPE, MOST_INTERCEPT, MOST_KNOT, MOST_SHIFT, Calibrator, bend, sigmoid
from models.errors import ModelError

GRID = np.arange(-30_000, 30_001) / 1000.0
LIMITS = list(itertools.product((-MOST_INTERCEPT, MOST_INTERCEPT), (-MOST_SHIFT, MOST_SHIFT)))


def corners() -> list[Calibrator]:
    """Return the extreme curves of each kind."""
    found = [Calibrator()]
    for intercept, shift in LIMITS:
        for slope in (LOWEST_SLOPE, HIGHEST_SLOPE):
            found.append(Calibrator("platt", intercept, (slope,), shift=shift))
        found.append(Calibrator("beta", intercept, (LOWEST_SLOPE, HIGHEST_SLOPE), shift=shift))
        xs = np.linspace(-30, 30, 20)
        zs = np.where(xs < 0, LOWEST_SLOPE * xs, HIGHEST_SLOPE * xs) + np.sign(intercept) * (MOST_KNOT - 301)
        found.append(Calibrator("isotonic", 0.0, (), tuple(xs.tolist()), tuple(zs.tolist()), shift))
    return found


@pytest.mark.parametrize("calibrator", corners(), ids=lambda c: f"{c.method}{c.slopes}{c.shift}")
def test_the_extreme_curves_rise_and_stay_inside(calibrator: Calibrator) -> None:
    read = Calibrator.from_json(calibrator.to_json(), "x")
    assert read == calibrator
    probability = read.probability(GRID)
    assert np.all(np.diff(probability) > 0)
    assert probability[0] > 1e-6
    assert probability[-1] < 1 - 1e-6


slopes = st.floats(LOWEST_SLOPE, HIGHEST_SLOPE)


@st.composite
def calibrators(draw: st.DrawFn) -> Calibrator:
    shift = draw(st.floats(-MOST_SHIFT, MOST_SHIFT))
    intercept = draw(st.floats(-MOST_INTERCEPT, MOST_INTERCEPT))
    kind = draw(st.sampled_from(["platt", "beta", "isotonic"]))
    if kind == "platt":
        return Calibrator(kind, intercept, (draw(slopes),), shift=shift)
    if kind == "beta":
        return Calibrator(kind, intercept, (draw(slopes), draw(slopes)), shift=shift)
    xs, zs = [draw(st.floats(-30, 0))], [intercept]
    for width, slope in draw(st.lists(st.tuples(st.floats(0.01, 1.5), slopes), min_size=1, max_size=19)):
        xs.append(xs[-1] + width)
        zs.append(zs[-1] + width * slope)
    return Calibrator(kind, 0.0, (), tuple(xs), tuple(zs), shift)


@given(calibrators())
@settings(max_examples=40, deadline=None)
def test_every_curve_rises_and_its_slope_is_its_derivative(calibrator: Calibrator) -> None:
    probability = calibrator.probability(GRID[::7])
    assert np.all(np.diff(probability) > 0)
    s = np.array([-21.3, -3.337, 0.0117, 2.2223, 15.5])
    step = 1e-5
    numeric = (calibrator.log_odds(s + step) - calibrator.log_odds(s - step)) / (2 * step)
    away = [all(abs(x - one) > 2 * step for x in calibrator.xs) for one in s]
    assert np.allclose(calibrator.evaluate(s)[away, 2], numeric[away], rtol=1e-4, atol=1e-6)
    p = calibrator.probability(s)
    assert np.allclose(calibrator.slope(s), p * (1 - p) * calibrator.evaluate(s)[:, 2], rtol=1e-12)


def test_log_odds_are_unchanged_up_to_8_and_stay_below_13_8() -> None:
    assert [bend(z) for z in (-8.0, -1.5, 0.0, 8.0)] == [-8.0, -1.5, 0.0, 8.0]
    assert 13.7 < bend(1e6) < 13.8
    assert -13.8 < bend(-1e6) < -13.7
    assert bend(8.0 + 1e-9) - 8.0 == pytest.approx(1e-9, rel=1e-6)
    assert sigmoid(0.0) == 0.5
    assert sigmoid(-3.0) == pytest.approx(1 - sigmoid(3.0))


def test_knots_are_joined_by_lines_that_go_on() -> None:
    calibrator = Calibrator("isotonic", 0.0, (), (-1.0, 0.0, 2.0), (-2.0, -1.0, 0.0))
    s = np.array([-3.0, -1.0, -0.5, 0.0, 1.0, 2.0, 4.0])
    assert calibrator.log_odds(s).tolist() == [-4.0, -2.0, -1.5, -1.0, -0.5, 0.0, 1.0]


def test_a_shift_moves_the_log_odds() -> None:
    calibrator = Calibrator("platt", -1.0, (0.5,)).shifted(0.25).shifted(0.25)
    assert calibrator.log_odds(np.array([0.0, 2.0])).tolist() == [-0.5, 0.5]


PLATT: dict[str, Any] = Calibrator("platt", 0.5, (1.5,)).to_json()
KNOTS: dict[str, Any] = Calibrator("isotonic", 0.0, (), (-1.0, 1.0), (-1.0, 1.0)).to_json()


@pytest.mark.parametrize(
    "value",
    [
        {**PLATT, "slopes": [0.0]},
        {**PLATT, "slopes": [-1.0]},
        {**PLATT, "slopes": [11.0]},
        {**PLATT, "slopes": [1.0, 1.0]},
        {**PLATT, "knots": [[0.0, 0.0]]},
        {**PLATT, "intercept": 61.0},
        {**PLATT, "shift": 21.0},
        {**PLATT, "method": "spline"},
        {**PLATT, "method": "identity"},
        {**PLATT, "extra": 1},
        {**KNOTS, "knots": [[-1.0, 1.0], [1.0, -1.0]]},
        {**KNOTS, "knots": [[-1.0, 1.0], [1.0, 1.0]]},
        {**KNOTS, "knots": [[1.0, 1.0], [-1.0, 2.0]]},
        {**KNOTS, "knots": [[0.0, 1.0], [0.0001, 1.001]]},
        {**KNOTS, "knots": [[-31.0, 1.0], [1.0, 2.0]]},
        {**KNOTS, "knots": [[-1.0, 399.5], [1.0, 400.5]]},
        {**KNOTS, "knots": [[-1.0, 1.0]]},
        {**KNOTS, "knots": [[-1.0, 1.0], [1.0]]},
        {**KNOTS, "knots": [[-1.0, 1.0], [1.0, "2"]]},
        {**KNOTS, "knots": [[float(x), float(x)] for x in range(21)]},
    ],
)
def test_a_curve_that_is_not_a_calibration_is_refused(value: object) -> None:
    with pytest.raises(ModelError, match=r"calibration\.json"):
        Calibrator.from_json(value, "calibration.json")
