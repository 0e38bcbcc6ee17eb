"""Where a scorecard's log-odds stand: at a base rate that is stated, or where outcomes put them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.log_odds import sigmoid
from models.scorecard import Scorecard

Floats = NDArray[np.float64]

SCALE_SPREAD = 0.5
"""How far from 1 the scale of hand-made points is expected to be, as a standard deviation."""

SMALLEST_SCALE = 0.05
_STEPS = 60


def fit_scorecard(card: Scorecard, x: Floats, y: NDArray[Any], w: Floats) -> Scorecard:
    """Fit two numbers to the outcomes: the log-odds without points, and one scale for all points, which is drawn towards 1.

    Newton on the weighted log-loss plus half the squared distance of the scale from 1 in units of ``SCALE_SPREAD``. Points
    never change their sign, however little the outcomes agree with them; one row of each outcome is added, so that there is
    always an answer.
    """
    points = np.append(card.points(x), [0.0, 0.0])
    outcome, weight = np.append(np.asarray(y, dtype=np.float64), [0.0, 1.0]), np.append(w, [1.0, 1.0])
    points[-2:] = np.average(points[:-2], weights=w) if len(x) else 0.0
    base = float(np.average(outcome, weights=weight))
    at, scale = float(np.log(base / (1.0 - base)) - np.average(points, weights=weight)), 1.0
    for _ in range(_STEPS):
        p = sigmoid(at + scale * points)
        off, curve = weight * (p - outcome), weight * p * (1.0 - p)
        slope = np.array([off.sum(), off @ points + (scale - 1.0) / SCALE_SPREAD**2])
        mixed = curve @ points
        bend = np.array([[curve.sum() + 1e-9, mixed], [mixed, curve @ points**2 + 1.0 / SCALE_SPREAD**2]])
        step = np.clip(np.linalg.solve(bend, slope), -1.0, 1.0)
        if scale <= SMALLEST_SCALE and step[1] > 0.0:
            # The scale stays at its floor: the log-odds without points are then found by themselves, or they would be off.
            step = np.array([float(np.clip(slope[0] / bend[0, 0], -1.0, 1.0)), 0.0])
        at, scale = at - float(step[0]), max(SMALLEST_SCALE, scale - float(step[1]))
        if np.abs(step).max() < 1e-10:
            break
    return card.at(at, scale, x, w)


def at_base_rate(card: Scorecard, base_rate: float, x: Floats, w: Floats) -> Scorecard:
    """Return the card with the log-odds that make the mean probability of some rows the base rate."""
    low, high = -60.0, 60.0
    points = card.points(x)
    for _ in range(200):
        middle = (low + high) / 2.0
        mean = np.average(sigmoid(middle + points), weights=w)
        low, high = (middle, high) if mean < base_rate else (low, middle)
    return card.at(middle, 1.0, x, w)
