"""Re-anchoring: when the base rate has moved, one additive shift in log-odds, from the newest outcomes that are known.

*Newest* are the looks whose horizon ended within the last trial before `now` (a trial here is the oldest age that is looked at).
A span of one trial holds looks of every age in the shares in which they are scored, and nothing older. It is also why a change is
fully taken up a horizon and a trial after it happened: from then on no newest look was made, and no horizon was lived, before it.
A longer span knows more and may be out of date, so it is doubled as long as what it says does not contradict any shorter one, at
the 10 % level (after Lepski, 1991). Where one trial promises fewer than 50 conversions, the first span is as long as promises so
many: promised and not seen, since a span that ends at a conversion has too many of them.

The gap is measured on out-of-time scores: outcomes against the promise of a learner that was fitted before these leads began. The
learner that will answer is fitted later than that one, so it may have learnt a part of the change already; how much higher it
answers the same looks is taken off the gap, or that part would count twice.

The shift is shrunk by n / (n + 50), n being the newest leads, and it is 0 unless its 95 % interval excludes 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.calibration import Calibrator
from models.learners import Learner
from models.log_odds import sigmoid
from training.metrics import Floats
from training.pairs import Pair
from training.rows import Rows

PROMISED = 50.0
"""The newest looks are as many as promise so many conversions, if one trial does not."""

PRIOR_LEADS = 50
"""Among so many leads the shift is halved."""

_NORMAL_95 = 1.959964
_NORMAL_90 = 1.644854
_WIDEST = 8.0
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Anchor:
    """How far the newest outcomes lie from what was promised, in log-odds, and what is done about it."""

    shift: float
    """What is added: 0 where the interval holds 0."""
    value: float
    error: float
    leads: int
    conversions: int

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.value - _NORMAL_95 * self.error

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self.value + _NORMAL_95 * self.error


def anchored(
    calibrator: Calibrator,
    learner: Learner,
    examined: Sequence[Pair],
    raws: Sequence[Floats],
    *,
    now: int | None,
    say: Callable[[str], None] | None = None,
) -> Calibrator:
    """Return the calibrator moved to the newest outcomes that are known at `now`.

    `examined` are the folds with the out-of-time log-odds `raws` of their examined looks; `learner` is the one whose answers will
    be moved. Without a `now` (folds that do not go forward in time) nothing is newest, and nothing moves.
    """
    if now is None:
        return calibrator
    rows = _together([pair.examine.rows for pair in examined])
    if not (rows.mature_at <= now).any():
        return calibrator
    log_odds = calibrator.log_odds(np.concatenate(raws))
    ends = np.cumsum([len(raw) for raw in raws])[:-1]

    def over(span: int) -> tuple[Anchor, bool]:
        kept = (rows.mature_at <= now) & (rows.mature_at > now - span)
        x = np.concatenate(
            [pair.examine.take(np.flatnonzero(some)).x for pair, some in zip(examined, np.split(kept, ends), strict=True)]
        )
        answered = calibrator.log_odds(learner.raw(x))
        everything = bool(rows.mature_at.min() > now - span)
        return measure(log_odds[kept], rows.take(np.flatnonzero(kept)), answered), everything

    found = _longest_alike(over, first_span(rows, sigmoid(log_odds), now=now))
    if found.shift and say is not None:
        told = f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}] in log-odds, {found.conversions:,} conversions"
        say(f"the base rate has moved: the newest {found.leads:,} leads lie {told}; answers are moved by {found.shift:+.2f}")
    return calibrator.shifted(found.shift)


def first_span(rows: Rows, promised: Floats, *, now: int) -> int:
    """Return how far back the newest looks reach at least, in microseconds: one trial, or until they promise 50 conversions."""
    trial = int((rows.as_of - rows.started_at).max())
    known = rows.mature_at <= now
    order = np.flatnonzero(known)[np.argsort(-rows.mature_at[known], kind="stable")]
    _, lead = np.unique(rows.lead, return_inverse=True)
    looks = np.bincount(lead)[lead]  # a lead that is seen five times is promised once
    enough = int(np.searchsorted(np.cumsum(promised[order] / looks[order]), PROMISED))
    return max(trial, now - int(rows.mature_at[order[min(enough, len(order) - 1)]]) + 1)


def _longest_alike(over: Callable[[int], tuple[Anchor, bool]], span: int) -> Anchor:
    """Double the span as long as the longer one agrees with every shorter one; return what the longest of them says."""
    shorter: list[Anchor] = []
    while True:
        found, everything = over(span)
        if any(abs(found.value - one.value) > _NORMAL_90 * _apart(one, found) for one in shorter):
            return shorter[-1]
        if everything:
            return found
        shorter.append(found)
        span *= 2


def _apart(short: Anchor, long: Anchor) -> float:
    """Return the standard error of the difference between a span and a longer one that holds it."""
    return math.sqrt(max(short.error**2 - long.error**2, 1e-6))


def measure(log_odds: Floats, rows: Rows, answered: Floats) -> Anchor:
    """Return the shift that makes `answered` right on the whole, judged by out-of-time `log_odds` of the same looks.

    The interval is of the estimating equation, with whole accounts as witnesses (the sandwich of Liang and Zeger, 1986), and
    never narrower than that of independent looks.
    """
    outcome = rows.outcome.astype(np.float64)
    gap = _gap(log_odds, outcome)
    promised = sigmoid(log_odds + gap)
    information = float(np.sum(promised * (1.0 - promised))) + 1.0
    _, cluster = np.unique(rows.cluster, return_inverse=True)
    surprise = np.bincount(cluster, weights=outcome - promised)
    error = max(math.sqrt(float(np.sum(surprise**2))) / information, 1.0 / math.sqrt(information))
    value = gap - _gap(log_odds, sigmoid(answered))
    leads = len(np.unique(rows.lead))
    moved = abs(value) > _NORMAL_95 * error
    shift = float(f"{value * leads / (leads + PRIOR_LEADS):.{_DIGITS}g}") if moved else 0.0
    return Anchor(shift, value, error, leads, len(np.unique(rows.lead[rows.outcome == 1])))


def _gap(log_odds: Floats, outcome: Floats) -> float:
    """Return the shift of log-odds after which as much is promised as happens, held back by one unit of information.

    Without that hold, no conversion at all would shift without end.
    """
    low, high = -_WIDEST, _WIDEST
    for _ in range(50):
        middle = (low + high) / 2
        if float(np.sum(sigmoid(log_odds + middle) - outcome)) + middle > 0.0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _together(parts: Sequence[Rows]) -> Rows:
    """Return the rows of several folds as one table."""
    names = ("lead", "look", "as_of", "started_at", "mature_at", "outcome", "weight", "cluster")
    return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
