"""Who learns and who is examined: rolling origins by trial start, or random folds where history is too short for them.

At an origin the learner gets the rows whose outcome was known by then, and is examined on leads that started at or after it,
until the next origin. The last fold is kept for the figures: neither the choice of the learner nor its calibration sees a lead
of it. (They do see how leads of the earlier folds turned out, some of them after the last origin: a lead stands on the side of
its start.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.rows import Rows

ORIGINS = 4
"""How many origins there are when the data allow it: three to choose with, one to report."""

CONVERSIONS_PER_ORIGIN = 10
"""An origin with fewer converting leads, on either side of it, says nothing."""

RANDOM_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Fold:
    """The rows to learn from and the rows to be examined on, as positions in the two tables of rows."""

    learn: NDArray[np.int64]
    examine: NDArray[np.int64]
    origin: int | None


@dataclass(frozen=True, slots=True)
class Folds:
    """The folds that choose, and the last one, which only reports."""

    choice: tuple[Fold, ...]
    last: Fold
    time_forward: bool


def plan_folds(rows: Rows, exam: Rows, *, seed: int) -> Folds:
    """Return time-forward folds if there are two origins with enough conversions, else random folds with accounts whole."""
    origins = rolling_origins(rows, exam)
    if len(origins) < 2:
        return _random_folds(rows, exam, seed=seed)
    ends = [*origins[1:], None]
    folds = tuple(_fold_at(rows, exam, origin, end) for origin, end in zip(origins, ends, strict=True))
    return Folds(folds[:-1], folds[-1], time_forward=True)


def rolling_origins(rows: Rows, exam: Rows) -> list[int]:
    """Return the origins, earliest first; fewer than two mean that none is worth having.

    The first origin comes as soon as the conversions known by then are a fair share of those still to be predicted; the others
    cut the rest into blocks with equal numbers of converting leads.
    """
    known = _first_known_conversions(rows)
    tested = _starts_of_converting_leads(exam)
    first = _first_origin(known, tested)
    if first is None:
        return []
    ahead = tested[tested >= first]
    for blocks in range(min(ORIGINS, len(ahead) // CONVERSIONS_PER_ORIGIN), 1, -1):
        origins = np.unique([first, *(ahead[block * len(ahead) // blocks] for block in range(1, blocks))])
        sizes = np.diff(np.append(np.searchsorted(ahead, origins), len(ahead)))
        if len(origins) == blocks and sizes.min() >= CONVERSIONS_PER_ORIGIN:
            return [int(origin) for origin in origins]
    return []


def _first_origin(known: NDArray[np.int64], tested: NDArray[np.int64]) -> int | None:
    for origin in np.unique(tested):
        learnt = int(np.searchsorted(known, origin, side="right"))
        ahead = len(tested) - int(np.searchsorted(tested, origin))
        if learnt >= max(CONVERSIONS_PER_ORIGIN, ahead / ORIGINS):
            return int(origin)
    return None


def _first_known_conversions(rows: Rows) -> NDArray[np.int64]:
    """Return, for each converting lead, when its first row with that outcome became mature; sorted."""
    bought = rows.outcome == 1
    order = np.lexsort((rows.mature_at[bought], rows.lead[bought]))
    leads, when = rows.lead[bought][order], rows.mature_at[bought][order]
    _, firsts = np.unique(leads, return_index=True)
    return np.sort(when[firsts])


def _starts_of_converting_leads(exam: Rows) -> NDArray[np.int64]:
    bought = exam.outcome == 1
    _, firsts = np.unique(exam.lead[bought], return_index=True)
    return np.sort(exam.started_at[bought][firsts])


def _fold_at(rows: Rows, exam: Rows, origin: int, end: int | None) -> Fold:
    inside = exam.started_at >= origin
    if end is not None:
        inside &= exam.started_at < end
    # A row that is mature at the origin is of a lead that started before it, so nobody stands on both sides.
    return Fold(np.flatnonzero(rows.mature_at <= origin), np.flatnonzero(inside), origin)


def _random_folds(rows: Rows, exam: Rows, *, seed: int) -> Folds:
    """Deal whole clusters to five hands; the last hand reports, the others examine each other.

    Clusters with conversions are dealt first, so that every hand gets its share of them.
    """
    clusters = int(max(rows.cluster.max(initial=-1), exam.cluster.max(initial=-1))) + 1
    bought = np.zeros(clusters, dtype=bool)
    bought[rows.cluster[rows.outcome == 1]] = True
    shuffled = np.random.default_rng(seed).permutation(clusters)
    dealt = shuffled[np.argsort(~bought[shuffled], kind="stable")]
    hand = np.empty(clusters, dtype=np.int64)
    hand[dealt] = np.arange(clusters) % RANDOM_FOLDS
    learner, examinee = hand[rows.cluster], hand[exam.cluster]
    last = RANDOM_FOLDS - 1
    choice = tuple(
        Fold(np.flatnonzero((learner != fold) & (learner != last)), np.flatnonzero(examinee == fold), None)
        for fold in range(last)
    )
    return Folds(choice, Fold(np.flatnonzero(learner != last), np.flatnonzero(examinee == last), None), time_forward=False)
