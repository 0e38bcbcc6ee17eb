"""How good the answers were: figures at fixed ages with intervals that respect who belongs together.

A lead seen at five ages is five rows but one story, and colleagues of one account decide together. So intervals come from
resampling whole clusters (accounts, or leads without one), and the primary figures look at each lead once per age and average
over the ages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.metrics import METRICS, Floats, Ranking, log_losses

REPLICATES = 400
FEW_CLUSTERS = 20
"""Below this many converting clusters an interval is a guess, and is marked so."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Probabilities given to leads at fixed ages, beside what then happened."""

    lead: NDArray[np.int64]
    cluster: NDArray[np.int64]
    look: NDArray[np.int64]
    outcome: NDArray[np.int64]
    probability: Floats

    def where(self, keep: NDArray[np.bool_]) -> Answers:
        """Return the answers of some rows."""
        return Answers(self.lead[keep], self.cluster[keep], self.look[keep], self.outcome[keep], self.probability[keep])

    def instead(self, probability: Floats) -> Answers:
        """Return the same rows, answered otherwise."""
        return Answers(self.lead, self.cluster, self.look, self.outcome, probability)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its 95 % interval, the leads behind it and how many of them converted."""

    value: float
    low: float
    high: float
    n: int
    conversions: int
    error: float
    """The standard error, by the same resampling."""

    def as_dict(self) -> dict[str, float | int]:
        """Return the shape that is printed and stored."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "conversions": self.conversions}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every figure of one set of answers."""

    macro: dict[str, Figure]
    pooled: dict[str, Figure]
    by_look: dict[int, dict[str, Figure]]
    leads: int
    conversions: int
    converting_clusters: int

    @property
    def reliable(self) -> bool:
        """Whether there are enough converting clusters for the intervals to be believed."""
        return self.converting_clusters >= FEW_CLUSTERS

    def as_dict(self, ages_days: tuple[float, ...]) -> dict[str, Any]:
        """Return all figures as plain data; ages are named by their days."""
        named = {f"{ages_days[look]:g}": _plain(figures) for look, figures in self.by_look.items()} if ages_days else {}
        return {"macro": _plain(self.macro), "pooled": _plain(self.pooled), "by_age": named, "reliable": self.reliable}


@dataclass(frozen=True, slots=True)
class Difference:
    """The log-loss of one column of answers minus another's on the same rows; below 0 the first is better."""

    value: float
    low: float
    high: float
    error: float


def evaluate(answers: Answers, *, seed: int) -> Evaluation | None:
    """Return every figure with intervals, or None where only one outcome was seen."""
    if not len(answers.outcome) or answers.outcome.min() == answers.outcome.max():
        return None
    _, cluster = np.unique(answers.cluster, return_inverse=True)
    looks = [look for look in np.unique(answers.look).tolist() if _both_outcomes(answers.outcome[answers.look == look])]
    parts = [np.flatnonzero(answers.look == look) for look in looks]
    rankings = [Ranking(answers.probability[part], answers.outcome[part]) for part in parts]
    everything = Ranking(answers.probability, answers.outcome)
    points = np.array([ranking.figures(np.ones(len(part))) for ranking, part in zip(rankings, parts, strict=True)])
    whole = everything.figures(np.ones(len(cluster)))

    rng = np.random.default_rng(seed)
    clusters = int(cluster.max()) + 1
    drawn = np.empty((REPLICATES, len(looks), len(METRICS)))
    drawn_whole = np.empty((REPLICATES, len(METRICS)))
    for replicate in range(REPLICATES):
        weight = resampled(rng, clusters)[cluster]
        for look, (ranking, part) in enumerate(zip(rankings, parts, strict=True)):
            drawn[replicate, look] = ranking.figures(weight[part])
        drawn_whole[replicate] = everything.figures(weight)

    counts = _counts(answers)
    by_look = {
        look: _figures(points[place], drawn[:, place], *_counts(answers.where(answers.look == look))[:2])
        for place, look in enumerate(looks)
    }
    macro = _figures(points.mean(axis=0), _mean_of_defined(drawn), *counts[:2]) if looks else {}
    return Evaluation(macro, _figures(whole, drawn_whole, *counts[:2]), by_look, *counts)


def compare(answers: Answers, other: Floats, *, seed: int) -> Difference:
    """Return the paired difference in log-loss, averaged over ages, by resampling whole clusters."""
    gap = log_losses(answers.probability, answers.outcome) - log_losses(other, answers.outcome)
    _, cluster = np.unique(answers.cluster, return_inverse=True)
    looks, look = np.unique(answers.look, return_inverse=True)
    shape = (int(cluster.max()) + 1, len(looks))
    sums, rows = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (cluster, look), gap)
    np.add.at(rows, (cluster, look), 1.0)
    rng = np.random.default_rng(seed)
    drawn = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        weight = resampled(rng, shape[0])
        seen = weight @ rows
        drawn[replicate] = np.mean((weight @ sums)[seen > 0.0] / seen[seen > 0.0])
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Difference(float(np.mean(sums.sum(axis=0) / rows.sum(axis=0))), float(low), float(high), float(drawn.std(ddof=1)))


def macro_log_loss(answers: Answers) -> float:
    """Return the mean log-loss of each age, averaged over the ages."""
    losses = log_losses(answers.probability, answers.outcome)
    return float(np.mean([losses[answers.look == look].mean() for look in np.unique(answers.look)]))


def _both_outcomes(outcome: NDArray[np.int64]) -> bool:
    return bool(outcome.min() != outcome.max())


def resampled(rng: np.random.Generator, clusters: int) -> Floats:
    """Return how often each cluster is drawn when as many are drawn as there are."""
    return np.bincount(rng.integers(0, clusters, clusters), minlength=clusters).astype(np.float64)


def _mean_of_defined(drawn: Floats) -> Floats:
    """Average over ages, leaving out an age whose replicate happened to have one outcome only."""
    defined = ~np.isnan(drawn)
    seen = defined.sum(axis=1)
    total = np.where(defined, drawn, 0.0).sum(axis=1)
    mean: Floats = np.divide(total, seen, out=np.full(total.shape, np.nan), where=seen > 0)
    return mean


def with_interval(value: float, drawn: Floats, leads: int, conversions: int) -> Figure:
    """Return a figure with the 95 % interval of its replicates; those that are not defined are left out."""
    column = drawn[~np.isnan(drawn)]
    low, high = np.quantile(column, [0.025, 0.975]) if len(column) else (np.nan, np.nan)
    error = float(column.std(ddof=1)) if len(column) > 1 else float("nan")
    # Resampling repeats leads, which raises a calibration error above its value: an interval always holds its figure.
    return Figure(value, float(np.fmin(low, value)), float(np.fmax(high, value)), leads, conversions, error)


def _figures(points: Floats, drawn: Floats, leads: int, conversions: int) -> dict[str, Figure]:
    return {name: with_interval(float(points[i]), drawn[:, i], leads, conversions) for i, name in enumerate(METRICS)}


def _counts(answers: Answers) -> tuple[int, int, int]:
    """Return how many leads, converting leads and converting clusters there are."""
    bought = answers.outcome == 1
    return len(np.unique(answers.lead)), len(np.unique(answers.lead[bought])), len(np.unique(answers.cluster[bought]))


def _plain(figures: dict[str, Figure]) -> dict[str, dict[str, float | int]]:
    return {name: figure.as_dict() for name, figure in figures.items()}
