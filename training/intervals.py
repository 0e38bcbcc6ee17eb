"""Intervals of shares when people decide together: Wilson's, on the number of independent answers that there really are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z_95, Z_99, Z_999 = 1.959964, 2.575829, 3.290527


@dataclass(frozen=True, slots=True)
class Share:
    """A share with what is needed for an interval of any width."""

    value: float
    independent: float
    """How many independent answers weigh as much: the answers divided by the design effect of their clusters."""

    def interval(self, z: float = Z_95) -> tuple[float, float]:
        """Return Wilson's score interval (E. B. Wilson 1927, JASA 22, 209).

        >>> [round(end, 4) for end in Share(0.0, 100.0).interval()]
        [0.0, 0.037]
        """
        n, p = self.independent, self.value
        if n <= 0:
            return 0.0, 1.0
        middle, width = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        over = 1 + z * z / n
        return max(0.0, (middle - width) / over), min(1.0, (middle + width) / over)


def share_of(outcome: NDArray[np.generic], cluster: NDArray[np.int64]) -> Share:
    """Return the share of answers that came true, in clusters (accounts, or leads by themselves).

    The design effect is Kish's: the variance of the mean by clusters (linearised) over that of independent answers, at least 1.
    """
    y = np.asarray(outcome, dtype=np.float64)
    n = len(y)
    if n == 0:
        return Share(float("nan"), 0.0)
    rate = float(y.mean())
    _, place, sizes = np.unique(cluster, return_inverse=True, return_counts=True)
    if len(sizes) < 2 or rate in (0.0, 1.0):
        return Share(rate, n * n / float((sizes.astype(np.float64) ** 2).sum()))
    off = np.bincount(place, weights=y - rate)
    variance = len(sizes) / (len(sizes) - 1) * float(off @ off) / n**2
    return Share(rate, n / max(1.0, variance * n / (rate * (1.0 - rate))))
