"""The search for settings: a few strengths of the penalty, and a fixed number of trials for boosted trees.

All of it looks at the folds that choose, never at the last one. The search runs on a sample of leads when there are many; how
many rounds to boost is read off the full folds afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.progress import progress_bar
from models.columns import ColumnSpec
from models.design import Design
from models.learners import Boosting
from models.ridge import fit_ridge
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
START = {"num_leaves": 8, "min_child_share": 0.01, "learning_rate": 0.06, "feature_fraction": 0.6, "lambda_l2": 10.0}
"""The settings that a search starts from, and what stands without one."""

STOPS = (10, 20, 30, 45, 60, 80, 110, 160, 220, 300, 400)
"""The numbers of rounds that are compared when boosting is stopped early."""

PATIENCE = 3
"""After so many of these numbers without a gain no further one is tried."""


@dataclass(frozen=True, slots=True)
class Search:
    """How long and with which seed to look for settings."""

    trials: int
    budget_seconds: float | None
    seed: int


@dataclass(frozen=True, slots=True)
class Deadline:
    """Until when the whole search may go on, by the monotonic clock; None is for ever.

    What a budget cuts short depends on how fast the machine is: without one, equal inputs give equal models.
    """

    at: float | None = None

    @staticmethod
    def after(seconds: float | None) -> Deadline:
        """Return the deadline so many seconds from now."""
        return Deadline(None if seconds is None else time.monotonic() + seconds)

    @property
    def seconds_left(self) -> float | None:
        """How long the search may go on, at least 0."""
        return None if self.at is None else max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it is time to stop."""
        return self.seconds_left == 0.0


NO_DEADLINE = Deadline()


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial of the search: its settings, and the mean log-loss over the folds at the best number of rounds."""

    number: int
    params: dict[str, float | int]
    loss: float
    rounds: int


@dataclass(frozen=True, slots=True)
class TunedTrees:
    """The best settings of boosted trees, up to how many rounds are worth trying with them, and every trial."""

    params: dict[str, Any]
    most: int
    tried: tuple[Tried, ...] = ()


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


def tune_logistic(pairs: Sequence[Pair], columns: Sequence[ColumnSpec], *, deadline: Deadline = NO_DEADLINE) -> float:
    """Return the penalty with the least log-loss over the folds; of equals, the strongest.

    Past the deadline the penalties not tried yet are left out, but the strongest is always tried.
    """
    designs = [Design.of(pair.learn.x, pair.learn.rows.weight, columns) for pair in pairs]
    matrices = [(design.matrix(pair.learn.x), design.matrix(pair.examine.x)) for design, pair in zip(designs, pairs, strict=True)]
    found: list[NDArray[np.float64] | None] = [None] * len(pairs)
    losses: dict[float, float] = {}
    for c in PENALTIES:
        if losses and deadline.passed:
            break
        of_folds = []
        for fold, (pair, (learnt, examined)) in enumerate(zip(pairs, matrices, strict=True)):
            rows = pair.learn.rows
            outcome = rows.outcome.astype(np.float64)
            # Each fit starts from the one with the stronger penalty, which is near.
            now = fit_ridge(learnt, outcome, rows.weight, np.zeros(len(rows)), c=c, start=found[fold])
            found[fold] = now
            of_folds.append(macro_loss(examined @ now, pair.examine.rows))
        losses[c] = float(np.mean(of_folds))
    return min(losses, key=lambda c: (losses[c], c))


def tune_trees(
    pairs: Sequence[Pair],
    columns: Sequence[ColumnSpec],
    search: Search,
    *,
    deadline: Deadline | None = None,
    say: Callable[[str], None],
) -> TunedTrees:
    """Return the best settings of a seeded search with all its trials.

    Without trials, or without time for one, they are the settings that the search would have started from.
    """
    smallest = min(len(pair.learn.rows) for pair in pairs)
    until = deadline or Deadline.after(search.budget_seconds)
    if search.trials <= 0 or until.passed:
        return TunedTrees(_settings(START, smallest), MOST_ROUNDS)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=search.seed, n_startup_trials=min(8, search.trials)))
    study.enqueue_trial(START)

    def one(trial: optuna.Trial) -> float:
        params = _settings(_suggested(trial), smallest)
        try:
            grown = grow_together(pairs, columns, params, SEARCH_ROUNDS, search.seed, deadline=until)
        except TimeoutError:
            raise optuna.TrialPruned from None
        trial.set_user_attr("rounds", grown.rounds)
        return grown.loss

    with progress_bar("tuning: trials", say=say) as moved:
        study.optimize(
            one,
            n_trials=search.trials,
            timeout=until.seconds_left,
            n_jobs=1,
            callbacks=[lambda _, trial: moved(trial.number + 1, search.trials)],
        )
    tried = tuple(
        Tried(trial.number, dict(trial.params), float(trial.value), int(trial.user_attrs["rounds"]))
        for trial in study.trials
        if trial.value is not None
    )
    if not tried:
        return TunedTrees(_settings(START, smallest), MOST_ROUNDS)
    best = min(tried, key=lambda one: (one.loss, one.number))
    # All rows bear more rounds than the sample did; twice as many is far enough to look.
    return TunedTrees(_settings(best.params, smallest), min(MOST_ROUNDS, 2 * best.rounds), tried)


@dataclass(frozen=True, slots=True)
class Grown:
    """The number of rounds with the least mean log-loss over the folds, and what the examined rows of each get after it."""

    rounds: int
    loss: float
    raws: list[NDArray[np.float64]]


def grow_together(
    pairs: Sequence[Pair],
    columns: Sequence[ColumnSpec],
    params: Mapping[str, Any],
    most: int,
    seed: int,
    *,
    deadline: Deadline = NO_DEADLINE,
) -> Grown:
    """Boost on all folds side by side, and stop early: when ``PATIENCE`` stops have brought nothing.

    Raises TimeoutError past a deadline.
    """
    growing = [
        Boosting(pair.learn.x, pair.learn.rows.outcome, pair.learn.rows.weight, columns, params=params, seed=seed)
        for pair in pairs
    ]
    raws = [np.zeros(len(pair.examine.rows)) for pair in pairs]
    best, idle = Grown(0, float("inf"), raws), 0
    for before, rounds in pairwise((0, *STOPS)):
        if rounds > most or idle >= PATIENCE:
            break
        if deadline.passed:
            raise TimeoutError
        added = [one.more(rounds - before).raw(pair.examine.x) for one, pair in zip(growing, pairs, strict=True)]
        raws = [raw + more for raw, more in zip(raws, added, strict=True)]
        loss = float(np.mean([macro_loss(raw, pair.examine.rows) for raw, pair in zip(raws, pairs, strict=True)]))
        best, idle = (Grown(rounds, loss, raws), 0) if loss < best.loss else (best, idle + 1)
    return best


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


def _within(x: NDArray[np.float64], learnt: NDArray[np.float64], columns: Sequence[ColumnSpec]) -> NDArray[np.float64]:
    inside = x.copy()
    for place, column in enumerate(columns):
        known = learnt[:, place][~np.isnan(learnt[:, place])]
        if column.kind == "number" and len(known):
            np.clip(x[:, place], known.min(), known.max(), out=inside[:, place])
    return inside


def _worth_fitting(pair: Pair) -> bool:
    return all(0 < int(table.rows.outcome.sum()) < len(table.rows) for table in (pair.learn, pair.examine))
