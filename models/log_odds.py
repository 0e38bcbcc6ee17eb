"""Log-odds and probabilities of whole arrays, as fitting and examining need them.

The scalar ``sigmoid`` that scores answers is compiled and stands in calibration.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WIDEST = 500.0
"""Beyond these log-odds exp would come near to overflow; the probability is 0 or 1 to all digits long before."""

NEAREST = 1e-9
"""How near to 0 or 1 a probability may come before its log-odds are taken."""


def sigmoid(log_odds: Floats) -> Floats:
    """Return the probability of log-odds.

    >>> sigmoid(np.array([-1e9, 0.0, 1e9])).round(9).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -WIDEST, WIDEST))), dtype=np.float64)


def log_odds(probability: Floats) -> Floats:
    """Return the log-odds of a probability, which is kept ``NEAREST`` away from 0 and 1.

    >>> log_odds(np.array([0.0, 0.5])).round(2).tolist()
    [-20.72, 0.0]
    """
    p = np.clip(probability, NEAREST, 1.0 - NEAREST)
    return np.asarray(np.log(p / (1.0 - p)), dtype=np.float64)
