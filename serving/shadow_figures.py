"""ShadowFigures: how far two models are apart on the same leads as of the same instants, kept up lead by lead."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

REMEMBERED = 2_000
"""From so many of the newest leads the rank correlation is taken; everything else counts all of them."""
FEWEST_RANKED = 20

Floats = NDArray[np.float64]


class ShadowFigures:
    """The running comparison of one challenger with one champion."""

    def __init__(self) -> None:
        self.scored = 0
        """Leads that both gave a probability."""
        self.dropped = 0
        """Leads that the champion answered and that there was neither time nor room to compare."""
        self.failed = 0
        """Leads that the challenger, by its own definition, cannot score."""
        self.grade_changes = 0
        self._champion = self._challenger = self._apart = 0.0
        self._newest: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()

    def add(self, champion: float, challenger: float, *, same_grade: bool) -> None:
        """Note the two probabilities of one lead."""
        with self._lock:
            self.scored += 1
            self.grade_changes += not same_grade
            self._champion += champion
            self._challenger += challenger
            self._apart += abs(challenger - champion)
            self._newest.append((champion, challenger))

    def drop(self, count: int) -> None:
        """Note leads that are not compared."""
        with self._lock:
            self.dropped += count

    def fail(self) -> None:
        """Note a lead that the challenger cannot score."""
        with self._lock:
            self.failed += 1

    def told(self) -> dict[str, Any]:
        """Return the figures: probabilities from 0 to 1, shifts as challenger minus champion, None while nothing was compared."""
        with self._lock:
            n, dropped, failed, changes = self.scored, self.dropped, self.failed, self.grade_changes
            champion, challenger, apart = self._champion, self._challenger, self._apart
            newest = list(self._newest)
        return {
            "scored": n,
            "dropped": dropped,
            "failed": failed,
            "champion_mean": champion / n if n else None,
            "challenger_mean": challenger / n if n else None,
            "mean_shift": (challenger - champion) / n if n else None,
            "mean_absolute_shift": apart / n if n else None,
            "grade_changes": changes,
            "rank_correlation": rank_correlation(newest),
        }


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Spearman's rank correlation; None for few pairs, or where one side is always the same."""
    if len(pairs) < FEWEST_RANKED:
        return None
    one, other = (_ranks(side) for side in np.array(pairs).T)
    if one.std() == 0 or other.std() == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _ranks(values: Floats) -> Floats:
    """Return the ranks from 1 on; equal values share the mean of theirs.

    >>> _ranks(np.array([0.3, 0.1, 0.3])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks
