"""Live place: where a probability stands among those of the leads that are live now, as a percentile.

The percentile of a score is frozen with the model; this one is counted among whoever is there today.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST = 20
"""Among fewer leads a place says nothing."""


def place_among(rising: NDArray[np.float64], probability: float) -> float | None:
    """Return the share of probabilities below one, in per cent, ties by half; None among fewer than 20 leads.

    >>> place_among(np.arange(40) / 40, 0.5), place_among(np.arange(19) / 19, 0.5)
    (51.25, None)
    """
    if len(rising) < FEWEST:
        return None
    below, upto = np.searchsorted(rising, probability, side="left"), np.searchsorted(rising, probability, side="right")
    return float(100.0 * (int(below) + int(upto)) / (2 * len(rising)))
