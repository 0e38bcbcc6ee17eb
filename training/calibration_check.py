"""Can the probabilities be believed: calibration slope, intercept and error, the Brier skill, overall and part by part.

Slope and intercept are those of a logistic recalibration: `log-odds of the outcome = a + b x log-odds promised`. The slope is b
(below 1 the promises are too extreme, above 1 too timid); the intercept is a with b held at 1 (above 0 more leads pay than was
promised). See Van Calster et al., "A calibration hierarchy for risk models", 2016.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.log_odds import log_odds, sigmoid
from training.clustered import share
from training.evaluation import REPLICATES, Answers, Figure, resampled, with_interval
from training.metrics import Floats, Ranking

FIGURES = ("brier_skill", "calibration_slope", "calibration_intercept", "calibration_gap", "calibration_error")
FEWEST = 10
"""Converting leads, and others, that a part needs for its figures to be worth a line."""

_STEPS = 30


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the examined rows under a name: an age third, or a category of an attribute."""

    group: str
    name: str
    keep: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The figures of one part; `by_chance` is the calibration error that perfect probabilities would show on so few rows."""

    group: str
    name: str
    promised: float
    happened: float
    by_chance: float
    figures: dict[str, Figure]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        told = {name: figure.as_dict() for name, figure in self.figures.items()}
        named = {"part": self.group, "name": self.name, "promised": self.promised, "happened": self.happened}
        return {**named, "calibration_error_by_chance": self.by_chance, **told}


@dataclass(frozen=True, slots=True)
class Bin:
    """One of ten equal groups by probability: what was promised, and the share that converted."""

    promised: float
    happened: Figure


def check_calibration(answers: Answers, base: Floats, parts: Sequence[Part], *, seed: int) -> list[Calibration]:
    """Return the calibration of all rows, then of each part that has enough of both outcomes.

    `base` is the base rate known at the origin, row by row: the Brier skill is the share of its squared error that is saved.
    """
    everything = Part("all", "all", np.ones(len(answers.outcome), dtype=bool))
    found = []
    for part in (everything, *parts):
        rows = answers.where(part.keep)
        if enough(rows):
            found.append(_checked(part, rows, base[part.keep], seed))
    return found


def enough(rows: Answers) -> bool:
    """Tell whether so many converting leads and others are there that a figure means something."""
    bought = rows.outcome == 1
    return min(len(np.unique(rows.lead[bought])), len(np.unique(rows.lead[~bought]))) >= FEWEST


def calibration_bins(answers: Answers) -> list[Bin]:
    """Return the calibration curve: ten equal groups, the least likely first, each share with its interval."""
    ranking = Ranking(answers.probability, answers.outcome)
    edges = np.append(ranking.bins, len(ranking.p))
    cluster = answers.cluster[ranking.order]
    pairs = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return [Bin(float(ranking.p[a:b].mean()), share(ranking.y[a:b], cluster[a:b])) for a, b in pairs]


def _checked(part: Part, rows: Answers, base: Floats, seed: int) -> Calibration:
    ranking = Ranking(rows.probability, rows.outcome)
    recalibration = _Recalibration(rows)
    _, cluster = np.unique(rows.cluster, return_inverse=True)
    y = rows.outcome.astype(np.float64)
    columns = np.column_stack([(rows.probability - y) ** 2, (base - y) ** 2, rows.probability - y, np.ones(len(y))])
    sums = _by_cluster(np.hstack([columns, recalibration.moments]), cluster)

    def figures(weight: Floats) -> list[float]:
        ours, theirs, gap, n, *moments = (weight @ sums).tolist()
        skill = 1.0 - ours / theirs if theirs > 0.0 else math.nan
        slope, intercept = recalibration.moved(moments)
        return [skill, slope, intercept, gap / n if n else math.nan, ranking.calibration_error(weight[cluster])]

    clusters = len(sums)
    rng = np.random.default_rng(seed)
    drawn = np.array([figures(resampled(rng, clusters)) for _ in range(REPLICATES)])
    points = figures(np.ones(clusters))
    counts = len(np.unique(rows.lead)), len(np.unique(rows.lead[rows.outcome == 1]))
    told = {name: with_interval(points[i], drawn[:, i], *counts) for i, name in enumerate(FIGURES)}
    return Calibration(part.group, part.name, float(rows.probability.mean()), float(y.mean()), _by_chance(ranking), told)


class _Recalibration:
    """The logistic recalibration of some rows; in a replicate it takes one Newton step from the solution on all rows.

    One step is what maximum likelihood does to first order, and the error of a bootstrap is of no higher order.
    """

    def __init__(self, rows: Answers) -> None:
        z, y = log_odds(rows.probability), rows.outcome.astype(np.float64)
        x = np.column_stack([np.ones(len(z)), z])
        self.line = _newton(x, y, np.zeros(len(z)), np.array([0.0, 1.0]))
        self.offset = float(_newton(x[:, :1], y, z, np.zeros(1))[0])
        q, q0 = sigmoid(x @ self.line), sigmoid(self.offset + z)
        v, v0 = q * (1.0 - q), q0 * (1.0 - q0)
        self.moments = np.column_stack([y - q, z * (y - q), v, v * z, v * z * z, y - q0, v0])

    def moved(self, moments: Sequence[float]) -> tuple[float, float]:
        """Return slope and intercept of a replicate, given the sums of its `moments`."""
        g0, g1, a, b, c, g, v = moments
        determinant = a * c - b * b
        slope = self.line[1] + (a * g1 - b * g0) / determinant if determinant > 1e-12 * max(a * c, 1e-300) else math.nan
        return float(slope), self.offset + g / v if v > 0.0 else math.nan


def _newton(x: Floats, y: Floats, offset: Floats, start: Floats) -> Floats:
    """Maximise the likelihood; a weak pull towards the start keeps it finite where the outcomes are separated."""
    beta, pull = start.copy(), 1e-6 * np.eye(len(start))
    for _ in range(_STEPS):
        q = sigmoid(offset + x @ beta)
        gradient = x.T @ (y - q) - pull @ (beta - start)
        step = np.linalg.solve((x * (q * (1.0 - q))[:, None]).T @ x + pull, gradient)
        size = float(np.abs(step).max())
        beta = beta + step * min(1.0, 2.0 / max(size, 1e-300))
        if size < 1e-10:
            break
    return beta


def _by_cluster(columns: Floats, cluster: NDArray[np.int64]) -> Floats:
    size = int(cluster.max()) + 1
    return np.column_stack([np.bincount(cluster, columns[:, j], minlength=size) for j in range(columns.shape[1])])


def _by_chance(ranking: Ranking) -> float:
    """Return the expected calibration error if every probability were true and rows were independent.

    A group of n rows misses its promise by sqrt(2 / pi) standard errors on average.
    """
    spread = np.sqrt(np.add.reduceat(ranking.p * (1.0 - ranking.p), ranking.bins))
    return float(math.sqrt(2.0 / math.pi) * spread.sum() / len(ranking.p))


def age_thirds(answers: Answers, ages_days: Sequence[float]) -> Iterator[Part]:
    """Yield the looks at young, middle and old trials, as far as there are so many ages."""
    looks = np.unique(answers.look)
    for third in np.array_split(looks, min(3, len(looks))) if len(looks) > 1 else ():
        days = [f"{ages_days[look]:g}" for look in third.tolist()]
        yield Part("age", f"day {days[0]}" if len(days) == 1 else f"days {days[0]} to {days[-1]}", np.isin(answers.look, third))
