"""What the model goes by: permutation on the future, and mean absolute contribution, by behaviour and by feature.

Two questions with two answers. *Permutation*: how much worse is the log-loss on later leads when what the model knows of a
behaviour is dealt out anew among the leads of the same age? It is asked of the rehearsal, which had not seen these leads, and it
is about use: what the other behaviours say as well counts for nothing. *Contribution*: how far does it move the answers on
average, whether rightly or not? It is asked of the model that is shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.scorer import Scorer
from training.clustered import Ints, figure, standard_error
from training.dataset import TrainingSet
from training.evaluation import Answers, Figure
from training.metrics import Floats, log_losses
from training.recipe import Fitted, Rehearsal

ROWS = 4_000
"""About so many looks are examined, all those of some leads: of one giant account a part is enough."""
EXPLAINED = 2_000
REPEATS = 2
MOST_FEATURES = 20
"""So many features, the largest contributors, are permuted: beyond them there is nothing to see."""


@dataclass(frozen=True, slots=True)
class Importance:
    """One behaviour or feature: the log-loss that its permutation costs, and its mean absolute contribution.

    `contribution` is in probability for a behaviour, in raw log-odds for a feature. `permuted` is None where it was not tried.
    """

    name: str
    meaning: str
    permuted: Figure | None
    contribution: Figure

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        permuted = self.permuted.as_dict() if self.permuted else None
        return {"name": self.name, "permuted": permuted, "contribution": self.contribution.as_dict()}


@dataclass(frozen=True, slots=True)
class Importances:
    """By behaviour and by feature, largest contribution first; nothing that the model does not use."""

    behaviours: list[Importance]
    features: list[Importance]
    x: Floats
    """The looks that were explained: a column for each of the model's, and each one's contribution in log-odds."""
    contributions: Floats


def importances(data: TrainingSet, fitted: Fitted, scorer: Scorer, *, seed: int) -> Importances:
    """Return what the model goes by, from a sample of the last fold; where there is none, of all looks, none of them permuted."""
    judged = len(fitted.rehearsed.outcome) > 0
    answers = fitted.rehearsed if judged else fitted.out_of_time.answers
    told = _sample(answers.lead, EXPLAINED, seed)
    x = (data.exam.take(data.folds.last.examine) if judged else data.exam).take(told).x
    cluster = answers.cluster[told]
    counts = len(np.unique(answers.lead[told])), len(np.unique(answers.lead[told][answers.outcome[told] == 1]))
    explained = scorer.explain(x)
    single = scorer.column_contributions(x)
    permuting = _Permuting.of(fitted, seed) if judged else None

    behaviours = []
    for place, player in enumerate(explained.players):
        columns = [j for j, column in enumerate(scorer.columns) if column.player == player]
        size = _mean_size(explained.points[:, place], cluster, counts)
        if size.value > 0.0:
            permuted = permuting.cost(columns) if permuting else None
            behaviours.append(Importance(player, player.replace("_", " "), permuted, size))
    sizes = np.abs(single).mean(axis=0)
    features = []
    for rank, place in enumerate(np.argsort(-sizes, kind="stable").tolist()):
        if sizes[place] > 0.0:
            name = scorer.names[place]
            permuted_one = permuting.cost([place]) if permuting and rank < MOST_FEATURES else None
            size = _mean_size(single[:, place], cluster, counts)
            features.append(Importance(name, scorer.feature_set[name].meaning, permuted_one, size))
    behaviours.sort(key=lambda one: -one.contribution.value)
    return Importances(behaviours, features, scorer.clip(x), single)


class _Permuting:
    """The rehearsal on its examined looks, and what dealing columns out anew costs."""

    def __init__(self, rehearsal: Rehearsal, answers: Answers, x: Floats, seed: int) -> None:
        self.rehearsal, self.answers, self.x, self.seed = rehearsal, answers, x, seed
        looks, place, rows = np.unique(answers.look, return_inverse=True, return_counts=True)
        self.looks = [np.flatnonzero(place == look) for look in range(len(looks))]
        self.weight = 1.0 / (len(looks) * rows[place])
        self.loss = self._losses(x)
        bought = answers.outcome == 1
        self.counts = len(np.unique(answers.lead)), len(np.unique(answers.lead[bought]))

    @classmethod
    def of(cls, fitted: Fitted, seed: int) -> _Permuting:
        """Take a sample of the last fold."""
        kept = _sample(fitted.rehearsed.lead, ROWS, seed)
        return cls(fitted.rehearsal, _at(fitted.rehearsed, kept), fitted.rehearsal.table.take(kept).x, seed)

    def cost(self, columns: Sequence[int]) -> Figure:
        """Return by how much the log-loss grows, averaged over ages and repeats, with an interval over clusters."""
        rng, place = np.random.default_rng([self.seed, *columns]), np.array(columns, dtype=np.int64)
        grown = np.zeros(len(self.loss))
        for _ in range(REPEATS):
            dealt = self.x.copy()
            for rows in self.looks:
                dealt[np.ix_(rows, place)] = self.x[np.ix_(rng.permutation(rows), place)]
            grown += (self._losses(dealt) - self.loss) / REPEATS
        value = float(self.weight @ grown)
        influence = np.empty(len(grown))
        for rows in self.looks:
            influence[rows] = self.weight[rows] * (grown[rows] - grown[rows].mean())
        return figure(value, standard_error(influence, self.answers.cluster), *self.counts)

    def _losses(self, x: Floats) -> Floats:
        probability = self.rehearsal.calibrator.probability(self.rehearsal.learner.raw(x))
        return log_losses(probability, self.answers.outcome)


def _mean_size(values: Floats, cluster: Ints, counts: tuple[int, int]) -> Figure:
    sizes = np.abs(values)
    mean = float(sizes.mean())
    found = figure(mean, standard_error((sizes - mean) / len(sizes), cluster), *counts)
    return Figure(mean, max(found.low, 0.0), found.high, found.n, found.conversions, found.error)


def _sample(lead: Ints, most: int, seed: int) -> NDArray[np.int64]:
    """Return about so many rows, all those of some leads, in their order."""
    if len(lead) <= most:
        return np.arange(len(lead))
    _, place = np.unique(lead, return_inverse=True)
    order = np.random.default_rng(seed).permutation(int(place.max()) + 1)
    sizes = np.bincount(place)[order]
    chosen = order[: max(1, int(np.searchsorted(np.cumsum(sizes), most)))]
    return np.flatnonzero(np.isin(place, chosen))


def _at(answers: Answers, rows: NDArray[np.int64]) -> Answers:
    keep = np.zeros(len(answers.outcome), dtype=bool)
    keep[rows] = True
    return answers.where(keep)
