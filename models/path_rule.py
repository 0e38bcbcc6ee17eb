"""The path rule: how much probability and calibrated log-odds rise for each raw log-odds on the straight way between two scores.

With g the calibration that is (g(t) - g(s)) / (t - s), so that shares of t - s become shares of g(t) - g(s): their
Aumann-Shapley values along that way. Where s and t are nearly the same the quotient loses its digits, and the slope halfway says
the same, unless a knot of the calibration lies between them: then only the quotient adds up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibrator

Floats = NDArray[np.float64]

CLOSE = 1e-6
"""Below this distance the slope halfway is taken."""
ADDS_UP = 1e-11
"""If it misses the difference by no more than this."""


def rises(calibrator: Calibrator, s: Floats | float, t: Floats, at_s: Floats, at_t: Floats) -> Floats:
    """Return two columns, log-odds and probability per raw log-odds from s to t.

    `at_s` and `at_t` are the log-odds and the probability there. One score may stand for many: s is then a number, and `at_s` the
    two of it.
    """
    distance, difference = t - s, at_t - at_s
    close, way = np.abs(distance) < CLOSE, distance[:, None]
    if not close.any():
        return np.asarray(difference / way)
    halfway = calibrator.evaluate(s + distance / 2)[:, 2:]
    taken = close[:, None] & (np.abs(halfway * way - difference) <= ADDS_UP)
    return np.where(taken, halfway, difference / np.where(way == 0, 1.0, way))
