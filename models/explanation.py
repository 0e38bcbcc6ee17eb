"""Explanation: how far each player moved one lead's probability from the model's base.

The learner's contributions phi add up to s - b, the raw score minus the expected one. Along the straight path from b to s the
Aumann-Shapley value of player i in probability is phi_i * (g(s) - g(b)) / (s - b), with g the calibration: sign and order are
kept and the sum is exactly the probability minus the base. The same holds in log-odds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibrator
from models.path_rule import rises

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Explanation:
    """The scores of some leads, and the points and log-odds of every player of each."""

    players: tuple[str, ...]
    base: float
    base_log_odds: float
    probability: Floats
    contributions: Floats
    points: Floats
    log_odds: Floats
    shares: Floats
    """The contributions shared out to the columns of the players: which feature of a player speaks most clearly."""

    def top(self, row: int, count: int | None) -> list[int]:
        """Return the players of the largest contributions, largest first: all without a count, else only those that are not 0."""
        sizes = np.abs(self.contributions[row])
        order = np.argsort(-sizes, kind="stable").tolist()
        return order if count is None else [player for player in order[:count] if sizes[player] > 0]

    def rest(self, row: int, listed: list[int]) -> tuple[float, float]:
        """Return the points and log-odds of the players that are not listed: their own sum, not what is left over."""
        points, log_odds = self.points[row].tolist(), self.log_odds[row].tolist()
        for player in listed:
            points[player] = log_odds[player] = 0.0
        return float(sum(points)), float(sum(log_odds))


@dataclass(frozen=True, slots=True)
class Start:
    """Where all explanations of a model start: the expected raw score, calibrated to log-odds and a probability."""

    raw: float
    log_odds: float
    probability: float

    @staticmethod
    def of(raw: float, calibrator: Calibrator) -> Start:
        """Calibrate an expected raw score."""
        log_odds, probability = calibrator.evaluate(np.array([raw]))[0, :2].tolist()
        return Start(raw, log_odds, probability)


def explain(
    players: tuple[str, ...],
    s: Floats,
    start: Start,
    contributions: Floats,
    calibrator: Calibrator,
    shares: Floats | None = None,
) -> Explanation:
    """Turn contributions in raw log-odds into points of probability and calibrated log-odds."""
    at_score = calibrator.evaluate(s)
    rise = rises(calibrator, start.raw, s, np.array([start.log_odds, start.probability]), at_score[:, :2])
    return Explanation(
        players=players,
        base=start.probability,
        base_log_odds=start.log_odds,
        probability=at_score[:, 1],
        contributions=contributions,
        points=contributions * rise[:, 1:],
        log_odds=contributions * rise[:, :1],
        shares=np.empty((len(s), 0)) if shares is None else shares,
    )
