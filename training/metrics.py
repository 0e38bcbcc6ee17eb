"""Six figures of a column of probabilities, for any weights: the arithmetic under every interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METRICS = ("auc", "pr_auc", "log_loss", "brier", "ece", "lift_10")

_BINS = 10
_TOP = 0.1


class Ranking:
    """Probabilities and outcomes, sorted once, so that each bootstrap replicate is only sums.

    Rows with the same probability form one group: they cannot be told apart, so no order among them is invented.

    >>> ranking = Ranking(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]))
    >>> dict(zip(METRICS, ranking.figures(np.ones(4)).round(3).tolist(), strict=True))["auc"]
    0.875
    """

    def __init__(self, probability: Floats, outcome: NDArray[np.generic]) -> None:
        self.order = np.argsort(probability, kind="stable")
        self.p = np.asarray(probability, dtype=np.float64)[self.order]
        self.y = np.asarray(outcome, dtype=np.float64)[self.order]
        fresh = np.ones(len(self.p), dtype=bool)
        fresh[1:] = self.p[1:] != self.p[:-1]
        self.starts = np.flatnonzero(fresh)
        self.loss = log_losses(self.p, self.y)
        self.square = (self.p - self.y) ** 2
        self.bins = _equal_count_bins(len(self.p))

    def figures(self, weights: Floats) -> Floats:
        """Return the six figures in the order of ``METRICS``; NaN where one outcome is absent."""
        w = weights[self.order]
        wy = w * self.y
        total, positives = float(w.sum()), float(wy.sum())
        if positives <= 0.0 or positives >= total:
            return np.full(len(METRICS), np.nan)
        group = np.add.reduceat(w, self.starts)
        hits = np.add.reduceat(wy, self.starts)
        return np.array(
            [
                _auc(group, hits, total, positives),
                _average_precision(group, hits, positives),
                float(self.loss @ w) / total,
                float(self.square @ w) / total,
                self._error_of_bins(w, wy) / total,
                _lift(group, hits, total, positives),
            ]
        )

    def groups(self) -> list[dict[str, float | int]]:
        """Return up to ten equal groups, the least likely first: the mean promised, the share that happened, how many."""
        n = np.diff(np.append(self.bins, len(self.p)))
        promised, happened = np.add.reduceat(self.p, self.bins) / n, np.add.reduceat(self.y, self.bins) / n
        return [
            {"promised": float(one), "happened": float(other), "n": int(count)}
            for one, other, count in zip(promised, happened, n, strict=True)
        ]

    def calibration_error(self, weights: Floats) -> float:
        """Return the mean distance between promise and outcome over ten equal-count bins, alone."""
        w = weights[self.order]
        total = float(w.sum())
        return self._error_of_bins(w, w * self.y) / total if total > 0.0 else float("nan")

    def captured(self, weights: Floats, shares: Floats) -> Floats:
        """Return which share of the conversions is among each share of the rows, the likeliest first; equals count in part."""
        w = weights[self.order]
        group, hits = np.add.reduceat(w, self.starts)[::-1], np.add.reduceat(w * self.y, self.starts)[::-1]
        total, positives = float(group.sum()), float(hits.sum())
        if positives <= 0.0:
            return np.full(len(shares), np.nan)
        taken, found = np.append(0.0, np.cumsum(group)) / total, np.append(0.0, np.cumsum(hits)) / positives
        reached: Floats = np.interp(shares, taken, found)
        return reached

    def _error_of_bins(self, w: Floats, wy: Floats) -> float:
        promised, happened = np.add.reduceat(w * self.p, self.bins), np.add.reduceat(wy, self.bins)
        return float(np.abs(promised - happened).sum())


def log_losses(probability: Floats, outcome: NDArray[np.generic]) -> Floats:
    """Return each row's log-loss, finite whatever the probability."""
    p = np.clip(np.asarray(probability, dtype=np.float64), 1e-12, 1.0 - 1e-12)
    losses: Floats = np.where(np.asarray(outcome) == 1, -np.log(p), -np.log1p(-p))
    return losses


def _equal_count_bins(n: int) -> Ints:
    return np.unique(np.arange(_BINS, dtype=np.int64) * n // _BINS)


def _auc(group: Floats, hits: Floats, total: float, positives: float) -> float:
    misses = group - hits
    below = np.cumsum(misses) - misses
    return float(hits @ (below + misses / 2.0)) / (positives * (total - positives))


def _average_precision(group: Floats, hits: Floats, positives: float) -> float:
    taken, found = np.cumsum(group[::-1]), np.cumsum(hits[::-1])
    precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0.0)
    return float(hits[::-1] @ precision) / positives


def _lift(group: Floats, hits: Floats, total: float, positives: float) -> float:
    """Return how much denser conversions are in the best tenth; a group that straddles the edge counts in part."""
    goal = _TOP * total
    taken, found = np.cumsum(group[::-1]), np.cumsum(hits[::-1])
    edge = int(np.searchsorted(taken, goal))
    before = taken[edge - 1] if edge else 0.0
    reached = found[edge - 1] if edge else 0.0
    share = (goal - before) / group[::-1][edge]
    return float(reached + share * hits[::-1][edge]) / goal / (positives / total)
