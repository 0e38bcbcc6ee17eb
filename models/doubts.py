"""Doubts: what should be known about a score beside its number, as codes that are never renamed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.phrasing import Phrasing
from models.scorer import Scorer

Floats = NDArray[np.float64]


def warnings_of(
    scorer: Scorer, x: Floats, ages: Floats, past: NDArray[np.bool_], phrasing: Phrasing | None = None
) -> list[list[tuple[str, str]]]:
    """Return what should be known about each row's score: code and detail, which never repeats the caller's data."""
    words = phrasing or Phrasing()
    found: list[list[tuple[str, str]]] = [[] for _ in range(len(x))]
    outside, unknown = scorer.outside(x), scorer.unknown(x)
    oldest = scorer.reference.oldest_age_days
    for row in np.flatnonzero(past).tolist():
        found[row].append(("past_trial", words.warning("past_trial")))
    for row in np.flatnonzero(ages > oldest).tolist():
        found[row].append(("beyond_trained_age", words.warning("beyond_trained_age", days=words.number(round(oldest, 1)))))
    for code, mask in (("clipped", outside), ("unknown_category", unknown)):
        for row in np.flatnonzero(mask.any(axis=1)).tolist() if mask.any() else ():
            names = ", ".join(scorer.names[j] for j in np.flatnonzero(mask[row]).tolist())
            found[row].append((code, words.warning(code, names=names)))
    return found
