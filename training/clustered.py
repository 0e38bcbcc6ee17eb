"""Uncertainty in closed form where rows come in clusters: standard errors from influences, and intervals of shares.

The bootstrap of `evaluation.py` is for the few figures that everything rests on. Slices, importances and funnels are many; each
is an average of what single rows add to it (its influence), so the spread of the clusters' sums gives its standard error at once.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from training.evaluation import Figure
from training.metrics import Floats

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

USUAL = 0.95


def quantile_of(level: float) -> float:
    """Return how many standard errors a two-sided interval reaches to each side.

    >>> round(quantile_of(0.95), 2)
    1.96
    """
    return NormalDist().inv_cdf(0.5 + level / 2.0)


def standard_error(influence: Floats, cluster: Ints) -> float:
    """Return the standard error of a figure from what each row adds to it; NaN with a single cluster."""
    clusters, place = np.unique(cluster, return_inverse=True)
    if len(clusters) < 2:
        return math.nan
    sums = np.bincount(place, influence)
    return float(np.sqrt(len(clusters) / (len(clusters) - 1) * float(sums @ sums)))


def figure(value: float, error: float, n: int, conversions: int, *, level: float = USUAL) -> Figure:
    """Return a figure with the normal interval of its error."""
    reach = quantile_of(level) * error
    return Figure(value, value - reach, value + reach, n, conversions, error)


def mean_of(values: Floats, cluster: Ints, *, n: int, conversions: int, level: float = USUAL) -> Figure:
    """Return the mean of rows; every row of one cluster may err in the same direction."""
    mean = float(values.mean())
    return figure(mean, standard_error((values - mean) / len(values), cluster), n, conversions, level=level)


def share(outcome: NDArray[np.generic], cluster: Ints, *, level: float = USUAL) -> Figure:
    """Return the share of ones with Wilson's interval; accounts that decide together count as fewer leads.

    The number of leads is divided by the design effect (at least 1), as Korn and Graubard do for surveys, so that the interval
    stays inside 0 and 1 and is open even where nobody, or everybody, converted.

    >>> one = share(np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), np.arange(10))
    >>> round(one.low, 3), one.value, round(one.high, 3)
    (0.018, 0.1, 0.404)
    """
    y = np.asarray(outcome, dtype=np.float64)
    n, bought = len(y), int(y.sum())
    if not n:
        return Figure(math.nan, math.nan, math.nan, 0, 0, math.nan)
    p = bought / n
    simple = p * (1.0 - p) / n
    error = standard_error((y - p) / n, cluster)
    effect = max(1.0, error * error / simple * (n - 1) / n) if simple > 0.0 and error == error else 1.0
    z2, size = quantile_of(level) ** 2, n / effect
    middle = (p + z2 / (2.0 * size)) / (1.0 + z2 / size)
    reach = math.sqrt(z2) / (1.0 + z2 / size) * math.sqrt(p * (1.0 - p) / size + z2 / (4.0 * size * size))
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return Figure(p, min(low, p), max(high, p), n, bought, error)


def auc_with_influence(probability: Floats, outcome: NDArray[np.generic]) -> tuple[float, Floats]:
    """Return the area under the curve and what each row adds to its error (DeLong's placements; Obuchowski 1997 with clusters).

    >>> auc, influence = auc_with_influence(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]))
    >>> auc, round(float(influence.sum()), 12)
    (0.875, 0.0)
    """
    p, bought = np.asarray(probability, dtype=np.float64), np.asarray(outcome) == 1
    ones, zeros = np.sort(p[bought]), np.sort(p[~bought])
    placed = np.empty(len(p))
    placed[bought] = _below(zeros, p[bought])
    placed[~bought] = 1.0 - _below(ones, p[~bought])
    auc = float(placed[bought].mean())
    return auc, np.where(bought, (placed - auc) / len(ones), (placed - auc) / len(zeros))


def _below(others: Floats, values: Floats) -> Floats:
    """Return the share of others that lie below each value; equals count half."""
    below, upto = np.searchsorted(others, values, side="left"), np.searchsorted(others, values, side="right")
    found: Floats = (below + upto) / (2.0 * len(others))
    return found
