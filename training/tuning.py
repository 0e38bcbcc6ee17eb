"""The search for settings: a few strengths of the penalty, and a fixed number of trials for boosted trees.

All of it looks at the folds that choose, never at the last one. The search runs on a sample of leads when there are many; how
many rounds to boost is read off the full folds afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec
from models.learners import fit_logistic, fit_trees
from training.folds import Fold
from training.metrics import log_losses
from training.rows import Rows

if TYPE_CHECKING:
    import optuna

PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse strengths that the logistic regression is tried with, strongest penalty first."""

SEARCH_ROWS = 30_000
"""At most about so many rows learn in one fold of the search."""

SEARCH_ROUNDS = 160
MOST_ROUNDS = 400
STOPS = (10, 20, 30, 45, 60, 80, 110, 160, 220, 300, 400)
"""The numbers of rounds that are compared when boosting is stopped early."""


@dataclass(frozen=True, slots=True)
class Search:
    """How long and with which seed to look for settings."""

    trials: int
    budget_seconds: float | None
    seed: int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their features."""

    rows: Rows
    x: NDArray[np.float64]

    def take(self, positions: NDArray[np.int64]) -> Table:
        """Return some of the rows."""
        return Table(self.rows.take(positions), self.x[positions])


@dataclass(frozen=True, slots=True)
class Pair:
    """One fold with its features: who learns, who is examined."""

    learn: Table
    examine: Table


def pairs_of(folds: Sequence[Fold], learners: Table, exam: Table, columns: Sequence[ColumnSpec]) -> list[Pair]:
    """Return the folds with their features; the examined ones are kept within the range learnt from, as they will be in use."""
    pairs = []
    for fold in folds:
        learn, examine = learners.take(fold.learn), exam.take(fold.examine)
        pairs.append(Pair(learn, Table(examine.rows, _within(examine.x, learn.x, columns))))
    return pairs


def sampled(pairs: Sequence[Pair], *, seed: int) -> list[Pair]:
    """Return the folds with fewer clusters in them, where there are more rows than a search needs."""
    largest = max(len(pair.learn.rows) for pair in pairs)
    if largest <= SEARCH_ROWS:
        return list(pairs)
    clusters = 1 + max(int(table.rows.cluster.max(initial=0)) for pair in pairs for table in (pair.learn, pair.examine))
    kept = np.random.default_rng(seed).random(clusters) < SEARCH_ROWS / largest
    thin = [
        Pair(*(table.take(np.flatnonzero(kept[table.rows.cluster])) for table in (pair.learn, pair.examine))) for pair in pairs
    ]
    return thin if all(_worth_fitting(pair) for pair in thin) else list(pairs)


def tune_logistic(pairs: Sequence[Pair], columns: Sequence[ColumnSpec], *, seed: int) -> float:
    """Return the penalty with the least log-loss over the folds; of equals, the strongest."""
    losses = {
        c: np.mean([macro_loss(_logistic_raw(pair, columns, c, seed), pair.examine.rows) for pair in pairs]) for c in PENALTIES
    }
    return min(losses, key=lambda c: (losses[c], c))


def tune_trees(
    pairs: Sequence[Pair], columns: Sequence[ColumnSpec], search: Search, *, say: Callable[[str], None]
) -> tuple[dict[str, Any], int]:
    """Return the best settings of a seeded search, and up to how many rounds are worth trying with them.

    Without trials they are the settings that the search would have started from.
    """
    smallest = min(len(pair.learn.rows) for pair in pairs)
    start = {"num_leaves": 8, "min_child_share": 0.01, "learning_rate": 0.06, "feature_fraction": 0.6, "lambda_l2": 10.0}
    if search.trials <= 0:
        return _settings(start, smallest), MOST_ROUNDS
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=search.seed, n_startup_trials=min(8, search.trials)))
    study.enqueue_trial(start)

    def one(trial: optuna.Trial) -> float:
        params = _settings(_suggested(trial), smallest)
        losses = np.mean([_stopped_losses(pair, columns, params, search.seed) for pair in pairs], axis=0)
        trial.set_user_attr("rounds", STOPS[int(losses.argmin())])
        if trial.number % 5 == 4:
            say(f"tuning: {trial.number + 1} of {search.trials} trials")
        return float(losses.min())

    study.optimize(one, n_trials=search.trials, timeout=search.budget_seconds, n_jobs=1)
    # All rows bear more rounds than the sample did; twice as many is far enough to look.
    return _settings(study.best_params, smallest), min(MOST_ROUNDS, 2 * int(study.best_trial.user_attrs["rounds"]))


def best_rounds(scores: Sequence[Mapping[int, NDArray[np.float64]]], pairs: Sequence[Pair]) -> int:
    """Return the number of rounds with the least mean log-loss; ``scores`` holds, fold by fold, the log-odds by rounds."""
    losses = {
        rounds: np.mean([macro_loss(raws[rounds], pair.examine.rows) for raws, pair in zip(scores, pairs, strict=True)])
        for rounds in scores[0]
    }
    return min(losses, key=lambda rounds: (losses[rounds], rounds))


def raw_by_rounds(
    pair: Pair, columns: Sequence[ColumnSpec], params: Mapping[str, Any], most: int, seed: int
) -> dict[int, NDArray[np.float64]]:
    """Boost once and return the examined rows' log-odds after each number of rounds in ``STOPS``."""
    learn = pair.learn
    trees = fit_trees(learn.x, learn.rows.outcome, learn.rows.weight, columns, params=params, rounds=most, seed=seed)
    return {rounds: trees.first(min(rounds, trees.rounds)).raw(pair.examine.x) for rounds in STOPS if rounds <= most}


def macro_loss(raw: NDArray[np.float64], rows: Rows) -> float:
    """Return the log-loss of each look, averaged over the looks."""
    losses = log_losses(sigmoid(raw), rows.outcome)
    return float(np.mean([losses[rows.look == look].mean() for look in np.unique(rows.look)]))


def sigmoid(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of log-odds."""
    return 1.0 / (1.0 + np.exp(-np.clip(raw, -500.0, 500.0)))


def _suggested(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "num_leaves": trial.suggest_int("num_leaves", 4, 31, log=True),
        "min_child_share": trial.suggest_float("min_child_share", 0.001, 0.05, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.1, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
    }


def _settings(found: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Turn the share of rows that a leaf must hold into a number, so that thin data get no thin leaves."""
    settings = dict(found)
    share = settings.pop("min_child_share")
    return {**settings, "min_child_samples": max(20, round(share * rows))}


def _stopped_losses(pair: Pair, columns: Sequence[ColumnSpec], params: Mapping[str, Any], seed: int) -> NDArray[np.float64]:
    raws = raw_by_rounds(pair, columns, params, SEARCH_ROUNDS, seed)
    return np.array([macro_loss(raw, pair.examine.rows) for raw in raws.values()])


def _logistic_raw(pair: Pair, columns: Sequence[ColumnSpec], c: float, seed: int) -> NDArray[np.float64]:
    learn = pair.learn
    return fit_logistic(learn.x, learn.rows.outcome, learn.rows.weight, columns, c=c, seed=seed).raw(pair.examine.x)


def _within(x: NDArray[np.float64], learnt: NDArray[np.float64], columns: Sequence[ColumnSpec]) -> NDArray[np.float64]:
    inside = x.copy()
    for place, column in enumerate(columns):
        known = learnt[:, place][~np.isnan(learnt[:, place])]
        if column.kind == "number" and len(known):
            np.clip(x[:, place], known.min(), known.max(), out=inside[:, place])
    return inside


def _worth_fitting(pair: Pair) -> bool:
    return all(0 < int(table.rows.outcome.sum()) < len(table.rows) for table in (pair.learn, pair.examine))
