"""How much one column alone says about who converts: out of fold, so that learning a value by heart does not count.

A column becomes codes (a category's values, the bins of a number, and one code for what is missing), each code becomes the share
that converts in the other folds, drawn towards the share of all, and these shares are ranked in the fold that is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.metrics import Floats, Ints

FOLDS = 5
MOST_BINS, LEADS_A_BIN = 32, 25
_SHRINK = 5.0
"""A code's share is that of its leads and of so many more who behave as all do."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Leads whose outcome is known."""

    lead: Ints
    """Places in the leads table."""
    outcome: Ints
    fold: Ints
    """Accounts are whole: nobody is judged by a colleague."""

    def __len__(self) -> int:
        return len(self.lead)

    @property
    def conversions(self) -> int:
        """How many of them converted."""
        return int(self.outcome.sum())


def folds_of(cluster: Ints) -> Ints:
    """Deal clusters to folds, always in the same way."""
    hand = np.random.default_rng(0).permutation(int(cluster.max(initial=-1)) + 1) % FOLDS
    dealt: Ints = hand[cluster]
    return dealt


def codes_of(values: NDArray[Any]) -> Ints:
    """Return a code for each value: 0 for what is missing, one for each category, one for each bin of a number.

    >>> codes_of(np.array(["b", None, "a"], dtype=object)), codes_of(np.array([3.0, np.nan, 1.0]))
    (array([2, 0, 1]), array([2, 0, 1]))
    """
    if values.dtype == object:
        place = {name: code for code, name in enumerate(sorted({str(value) for value in values if value is not None}), 1)}
        return np.array([0 if value is None else place[str(value)] for value in values], dtype=np.int64)
    known = ~np.isnan(values)
    distinct = np.unique(values[known])
    most = int(np.clip(known.sum() // LEADS_A_BIN, 2, MOST_BINS))
    edges = distinct if len(distinct) <= most else np.unique(np.quantile(values[known], np.arange(most) / most))
    codes: Ints = np.where(known, np.searchsorted(edges, np.where(known, values, 0.0), side="right"), 0).astype(np.int64)
    return codes


def power(codes: Ints, judged: Judged) -> float:
    """Return the AUC that a column's codes have alone, averaged over the folds that have both outcomes."""
    size = int(codes.max(initial=0)) + 1
    cell = judged.fold * size + codes
    n = np.bincount(cell, minlength=FOLDS * size).reshape(FOLDS, size).astype(np.float64)
    bought = np.bincount(cell, judged.outcome, minlength=FOLDS * size).reshape(FOLDS, size)
    others, others_bought = n.sum(axis=0) - n, bought.sum(axis=0) - bought
    base = others_bought.sum(axis=1) / np.maximum(others.sum(axis=1), 1.0)
    share = (others_bought + _SHRINK * base[:, None]) / (others + _SHRINK)
    found = [_auc(share[fold], n[fold] - bought[fold], bought[fold]) for fold in range(FOLDS)]
    defined = [auc for auc in found if not math.isnan(auc)]
    return float(np.mean(defined)) if defined else math.nan


def wilson(hits: float, n: float, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson interval of a share (E. B. Wilson, 1927), which is sound for few leads and shares near 0 and 1.

    >>> [round(end, 3) for end in wilson(20, 20)]
    [0.839, 1.0]
    """
    if n <= 0:
        return 0.0, 1.0
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _auc(score: Floats, misses: Floats, hits: Floats) -> float:
    """Return how often a hit has a higher score than a miss; codes with equal scores cannot be told apart."""
    if not hits.sum() or not misses.sum():
        return math.nan
    _, group = np.unique(score, return_inverse=True)
    hit, miss = np.bincount(group, hits), np.bincount(group, misses)
    below = np.cumsum(miss) - miss
    return float(hit @ (below + miss / 2)) / float(hits.sum() * misses.sum())
