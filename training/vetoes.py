"""What may stop a challenger that won on the whole: probabilities that mean less, or a kind of lead that it serves worse.

A veto needs an interval that says so beyond a margin: with many leads every difference is significant, and few matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from models.log_odds import log_odds, sigmoid
from training.calibration_check import Part, age_thirds
from training.clustered import figure, mean_of, standard_error
from training.contest import Contest
from training.evaluation import REPLICATES, Answers, resampled
from training.metrics import Floats, Ranking, log_losses
from training.slices import LARGEST, attribute_parts

CALIBRATION_MARGIN = 0.01
"""By so much of probability the calibration error may surely be worse."""

SLOPE_MARGIN = 0.1
"""By so much the calibration slope may surely be farther from 1."""

SLICE_MARGIN = 0.02
"""By this share of the champion's log-loss a slice may surely be worse, as in the rule *not worse*."""

FEWEST_CONVERSIONS = 20
ERRORS = 0.05


def veto(contest: Contest, *, seed: int) -> str | None:
    """Return why a winner may not serve, if there is a reason."""
    ours, theirs = contest.ours, contest.ours.instead(contest.theirs)
    if np.array_equal(ours.probability, theirs.probability):
        return None
    return _worse_error(ours, theirs, seed) or _worse_slope(ours, theirs) or _worse_slice(contest)


def _worse_error(ours: Answers, theirs: Answers, seed: int) -> str | None:
    """Compare the calibration errors by resampling whole clusters, both on the same ones."""
    one, other = (Ranking(answers.probability, answers.outcome) for answers in (ours, theirs))
    _, cluster = np.unique(ours.cluster, return_inverse=True)
    clusters, rng = int(cluster.max()) + 1, np.random.default_rng(seed)
    drawn = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        weight = resampled(rng, clusters)[cluster]
        drawn[replicate] = one.calibration_error(weight) - other.calibration_error(weight)
    low, high = np.quantile(drawn, [0.025, 0.975])
    if low <= CALIBRATION_MARGIN:
        return None
    everyone = np.ones(len(cluster))
    errors = f"{one.calibration_error(everyone):.3f} against {other.calibration_error(everyone):.3f}"
    return f"its calibration error is worse ({errors}, difference [{low:+.3f}, {high:+.3f}])"


def _worse_slope(ours: Answers, theirs: Answers) -> str | None:
    """Compare how far the two calibration slopes are from 1."""
    (slope, influence), (their_slope, their_influence) = _slope(ours), _slope(theirs)
    difference = abs(slope - 1.0) - abs(their_slope - 1.0)
    moved = math.copysign(1.0, slope - 1.0) * influence - math.copysign(1.0, their_slope - 1.0) * their_influence
    found = figure(difference, standard_error(moved, ours.cluster), 0, 0)
    if not found.low > SLOPE_MARGIN:
        return None
    interval = f"[{found.low:+.2f}, {found.high:+.2f}]"
    return f"its calibration slope is worse ({slope:.2f} against {their_slope:.2f}, farther from 1 by {interval})"


def _slope(answers: Answers) -> tuple[float, Floats]:
    """Return the slope of outcomes on promised log-odds, and what each row adds to its error."""
    y = answers.outcome.astype(np.float64)
    x = np.column_stack([np.ones(len(y)), log_odds(answers.probability)])
    # A weak pull to the identity keeps the line finite where the outcomes are separated.
    beta, start, pull = np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.eye(2)
    for _ in range(30):
        q = sigmoid(x @ beta)
        information = (x * (q * (1.0 - q))[:, None]).T @ x + pull
        step = np.linalg.solve(information, x.T @ (y - q) - pull @ (beta - start))
        beta = beta + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(step).max()) < 1e-9:
            break
    influence: Floats = (x * (y - q)[:, None]) @ np.linalg.inv(information)[:, 1]
    return float(beta[1]), influence


def _worse_slice(contest: Contest) -> str | None:
    """Return the slice that surely loses most, at the level that so many slices need (Bonferroni)."""
    ours, theirs = contest.ours, contest.theirs
    parts = [part for part in _parts(contest) if _enough(ours.where(part.keep))]
    losses, their_losses = log_losses(ours.probability, ours.outcome), log_losses(theirs, ours.outcome)
    worst, told = 0.0, None
    for part in parts:
        lost = losses[part.keep] - their_losses[part.keep]
        level = 1.0 - ERRORS / len(parts)
        found = mean_of(lost, ours.cluster[part.keep], n=0, conversions=0, level=level)
        allowed = SLICE_MARGIN * float(their_losses[part.keep].mean())
        if found.low > allowed and found.low - allowed > worst:
            worst = found.low - allowed
            interval = f"{found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
            told = f"it is worse for {part.group} {part.name} (log-loss {interval}, sure after {len(parts)} slices)"
    return told


def _parts(contest: Contest) -> Iterator[Part]:
    yield from age_thirds(contest.ours, contest.data.ages_days)
    yield from attribute_parts(contest.data, LARGEST)


def _enough(rows: Answers) -> bool:
    bought = np.unique(rows.cluster[rows.outcome == 1])
    return len(bought) >= FEWEST_CONVERSIONS and len(np.unique(rows.cluster)) > len(bought)
