"""Doubts: what should be known about a score beside its number, as codes that are never renamed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.scorer import Scorer

Floats = NDArray[np.float64]


def warnings_of(scorer: Scorer, x: Floats, ages: Floats, past: NDArray[np.bool_]) -> list[list[tuple[str, str]]]:
    """Return what should be known about each row's score: code and detail, which never repeats the caller's data."""
    found: list[list[tuple[str, str]]] = [[] for _ in range(len(x))]
    outside, unknown = scorer.outside(x), scorer.unknown(x)
    oldest = scorer.reference.oldest_age_days
    for row in np.flatnonzero(past).tolist():
        found[row].append(("past_trial", "The trial is over; the score is that of a trial of this age"))
    for row in np.flatnonzero(ages > oldest).tolist():
        found[row].append(("beyond_trained_age", f"The trial is older than the {oldest:.1f} days that the model learnt from"))
    for code, mask, words in (
        ("clipped", outside, "Values outside what is possible were moved to the nearest possible one"),
        ("unknown_category", unknown, "Values that training did not know were scored as unknown"),
    ):
        for row in np.flatnonzero(mask.any(axis=1)).tolist() if mask.any() else ():
            names = ", ".join(scorer.names[j] for j in np.flatnonzero(mask[row]).tolist())
            found[row].append((code, f"{words}: {names}"))
    return found
