"""The learning curve: how good a simple learner is with a part of the history, and what the next 100 conversions would bring.

The logistic regression is fitted at the last origin on growing parts of the accounts and examined on the leads that started after
it, with the strength of penalty that was chosen. Its figures are of one fixed kind of learner, uncalibrated, so they are there to
be compared with each other. Along ``a + b / n``, the law of large numbers of conversions n, they are carried on to n + 100; the
interval comes from resampling the accounts that were examined and the parts that were drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.log_odds import sigmoid
from training.dataset import TrainingSet
from training.evaluation import resampled
from training.fitting import Recipe, fit_learner
from training.metrics import METRICS, Floats, Ranking, log_losses
from training.pairs import Pair, Table, pairs_of

PARTS = (0.125, 0.25, 0.5, 0.75, 1.0)
DRAWS = 3
"""How many times a part is drawn anew."""

MOST_CELLS = 4_000_000
MOST_EXAMINED = 30_000
"""About so many numbers are learnt from at most, and so many rows examined, which bounds the cost."""

MORE = 100
FEWEST = 10
"""Parts with fewer converting leads are left out."""

REPLICATES = 200
_HARDLY = 0.0001


@dataclass(frozen=True, slots=True)
class Point:
    """One size of history: its leads and conversions, and the figures, averaged over ages and draws."""

    leads: float
    conversions: float
    log_loss: float
    auc: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """The points, smallest first, and how much more conversions would take off the log-loss, with its 95 % interval."""

    points: tuple[Point, ...]
    gain: float
    low: float
    high: float
    auc_gain: float
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for the facts of a model."""
        sizes = [{name: getattr(point, name) for name in Point.__slots__} for point in self.points]
        gain = {"value": self.gain, "low": self.low, "high": self.high, "auc": self.auc_gain}
        return {"sizes": sizes, f"next_{MORE}_conversions": gain, "sentence": self.sentence}


def learning_curve(recipe: Recipe, data: TrainingSet, *, seed: int) -> LearningCurve | None:
    """Return the curve, or None where there are not three sizes with both outcomes."""
    simple, rng = replace(recipe, learner="logistic"), np.random.default_rng(seed)
    if not data.learnable or recipe.penalty <= 0.0:
        return None
    pair = _bounded(pairs_of([data.folds.last], data.learners, data.exam, data.columns)[0], rng)
    rows = pair.examine.rows
    if not len(rows) or rows.outcome.min() == rows.outcome.max():
        return None
    points, losses = [], []
    for part in PARTS:
        drawn = [_drawn(pair, part, rng) for _ in range(DRAWS if part < 1.0 else 1)]
        tables = [table for table in drawn if len(np.unique(table.rows.lead[table.rows.outcome == 1])) >= FEWEST]
        if not tables:
            continue
        raws = [fit_learner(simple, table, data.columns, seed=seed).raw(pair.examine.x) for table in tables]
        loss = np.array([log_losses(sigmoid(raw), rows.outcome) for raw in raws])
        leads = [len(np.unique(table.rows.lead)) for table in tables]
        bought = [len(np.unique(table.rows.lead[table.rows.outcome == 1])) for table in tables]
        share = _look_shares(rows.look)
        auc = float(np.mean([_auc(raw, rows.outcome, rows.look) for raw in raws]))
        points.append(Point(float(np.mean(leads)), float(np.mean(bought)), float((loss @ share).mean()), auc))
        losses.append(loss * share)
    if len(points) < 3:
        return None
    return _carried_on(tuple(points), losses, rows.cluster, _look_shares(rows.look), data.conversions, rng)


def _bounded(pair: Pair, rng: np.random.Generator) -> Pair:
    """Return the fold with fewer leads in it where it is large; accounts get smaller, or one giant would be all of it."""
    tables, rows = [], MOST_CELLS // max(1, pair.learn.matrix.shape[1])
    for table, most in ((pair.learn, rows), (pair.examine, MOST_EXAMINED)):
        share = most / max(len(table.rows), 1)
        kept = rng.random(int(table.rows.lead.max(initial=0)) + 1) < share
        tables.append(table.take(np.flatnonzero(kept[table.rows.lead])))
    return Pair(*tables)


def _drawn(pair: Pair, part: float, rng: np.random.Generator) -> Table:
    if part >= 1.0:
        return pair.learn
    clusters = np.unique(pair.learn.rows.cluster)
    kept = rng.permutation(clusters)[: max(1, round(part * len(clusters)))]
    return pair.learn.take(np.flatnonzero(np.isin(pair.learn.rows.cluster, kept)))


def _look_shares(look: NDArray[np.int64]) -> Floats:
    """Return the weight of each row in a mean over rows of each look, then over looks."""
    looks, place, count = np.unique(look, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / (len(looks) * count[place]), dtype=np.float64)


def _auc(raw: Floats, outcome: NDArray[np.int64], look: NDArray[np.int64]) -> float:
    found = []
    for one in np.unique(look):
        mine = look == one
        if outcome[mine].min() != outcome[mine].max():
            ranking = Ranking(sigmoid(raw[mine]), outcome[mine])
            found.append(ranking.figures(np.ones(int(mine.sum())))[METRICS.index("auc")])
    return float(np.mean(found)) if found else float("nan")


def _carried_on(
    points: tuple[Point, ...],
    losses: Sequence[Floats],
    cluster: NDArray[np.int64],
    share: Floats,
    conversions: int,
    rng: np.random.Generator,
) -> LearningCurve:
    """Fit the law to the points and say how far it falls between the conversions there are and so many more."""
    n = np.array([point.conversions for point in points])
    step = 1.0 / conversions - 1.0 / (conversions + MORE)
    _, place = np.unique(cluster, return_inverse=True)
    clusters = int(place.max()) + 1
    sums = [np.array([np.bincount(place, weights=draw, minlength=clusters) for draw in draws]) for draws in losses]
    shares = np.bincount(place, weights=share, minlength=clusters)
    drawn = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        weight = resampled(rng, clusters)
        loss = [float((draws @ weight)[rng.integers(0, len(draws), len(draws))].mean()) for draws in sums]
        drawn[replicate] = _falling(n, np.array(loss) / max(float(shares @ weight), 1e-12)) * step
    low, high = (float(bound) for bound in np.quantile(drawn, [0.025, 0.975]))
    gain = _falling(n, np.array([point.log_loss for point in points])) * step
    auc = -_falling(n, np.array([point.auc for point in points])) * step
    return LearningCurve(points, gain, low, high, auc, _sentence(points[-1].log_loss, gain, low, high, auc))


def _falling(n: Floats, values: Sequence[float] | Floats) -> float:
    """Return b of the best ``a + b / n``, larger histories weighing more."""
    x, y = 1.0 / n, np.asarray(values, dtype=np.float64)
    x0, y0 = np.average(x, weights=n), np.average(y, weights=n)
    spread = float(n @ (x - x0) ** 2)
    return float(n @ ((x - x0) * (y - y0))) / spread if spread > 0.0 else 0.0


def _sentence(loss: float, gain: float, low: float, high: float, auc: float) -> str:
    if low <= 0.0:
        return f"That the next {MORE} conversions would improve the model cannot be told from this history."
    if gain < _HARDLY:
        return f"If the curve goes on as it did, the next {MORE} conversions would hardly change the model."
    return (
        f"If the curve goes on as it did, the next {MORE} conversions would take about {gain:.4f} [{low:.4f}, {high:.4f}] off a "
        f"log-loss of {loss:.4f}, and add about {max(auc, 0.0):.3f} to the AUC."
    )
