"""Figures with intervals by resampling whole clusters, the same draws for everybody, and whether the bar is met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.quality.entry import Floats, Ints
from training.evaluation import resampled
from training.metrics import METRICS, Ranking

FIGURES = {"auc": 1.0, "log_loss": -1.0}
"""What is compared, and in which direction it is better."""

REPLICATES = 1_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure, or a difference of two, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2.0


@dataclass(frozen=True, slots=True)
class Paired:
    """What each contestant reached, and how far we lie from each rival: ours minus theirs."""

    reached: dict[str, dict[str, Interval]]
    ahead: dict[str, dict[str, Interval]]


def pair(answers: Mapping[str, Floats], outcome: Ints, cluster: Ints, *, ours: str, replicates: int = REPLICATES) -> Paired:
    """Return the figures of every contestant, and the paired differences to ours."""
    places = [METRICS.index(name) for name in FIGURES]
    rankings = {name: Ranking(probability, outcome) for name, probability in answers.items()}
    _, number = np.unique(cluster, return_inverse=True)
    points = {name: ranking.figures(np.ones(len(outcome)))[places] for name, ranking in rankings.items()}
    drawn = {name: np.empty((replicates, len(places))) for name in answers}
    rng = np.random.default_rng(0)
    for replicate in range(replicates):
        weight = resampled(rng, int(number.max()) + 1)[number]
        for name, ranking in rankings.items():
            drawn[name][replicate] = ranking.figures(weight)[places]
    rivals = [name for name in answers if name != ours]
    return Paired(
        {name: _intervals(points[name], drawn[name]) for name in answers},
        {name: _intervals(points[ours] - points[name], drawn[ours] - drawn[name]) for name in rivals},
    )


def missed(found: Paired, *, simple: str) -> list[str]:
    """Return in which respects the bar is missed: against the best rival by each figure, and against a simple one."""
    told = []
    for figure, better in FIGURES.items():
        best = max(found.ahead, key=lambda name: better * found.reached[name][figure].value)
        ahead = found.ahead[best][figure]
        if better * ahead.value < -ahead.half:
            told.append(f"{figure} is behind {best} by {abs(ahead.value):.4f}, more than the half-width {ahead.half:.4f}")
        against = found.ahead[simple][figure]
        if max(better * against.low, better * against.high) < 0.0:
            told.append(f"{figure} is significantly behind {simple}")
    return told


def _intervals(point: Floats, drawn: Floats) -> dict[str, Interval]:
    """Return the intervals; a replicate with one outcome only is left out."""
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return {name: Interval(float(point[place]), float(low[place]), float(high[place])) for place, name in enumerate(FIGURES)}
