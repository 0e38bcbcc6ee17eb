"""The search for settings: a few strengths of the penalty, and a fixed number of trials for boosted trees.

All of it looks at the folds that choose, never at the last one. The search runs on a sample of leads when there are many; how
many rounds to boost is read off the full folds afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import numpy as np

from features.progress import progress_bar
from models.columns import ColumnSpec
from models.design import Design
from models.learners import Boosting, clock_of
from models.log_odds import sigmoid
from models.ridge import fit_ridge
from training.metrics import Floats, log_losses
from training.pairs import Pair
from training.rows import Rows
from training.side_by_side import SideBySide

if TYPE_CHECKING:
    import optuna

PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse strengths that the logistic regression is tried with, strongest penalty first."""

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


def tune_logistic(
    pairs: Sequence[Pair], columns: Sequence[ColumnSpec], *, varying: bool = False, deadline: Deadline = NO_DEADLINE
) -> float:
    """Return the penalty with the least log-loss over the folds; of equals, the strongest. Weights may vary with the age.

    Past the deadline the penalties not tried yet are left out, but the strongest is always tried.
    """
    losses: dict[float, float] = {}
    with SideBySide(len(pairs)) as threads:
        fits = threads.each(lambda pair: _Fits(pair, columns, varying=varying), pairs)
        for c in PENALTIES:
            if losses and deadline.passed:
                break
            losses[c] = float(np.mean(threads.each(methodcaller("loss", c), fits)))
    return min(losses, key=lambda c: (losses[c], c))


class _Fits:
    """Logistic regressions of one fold; each starts from the one before it, whose penalty is stronger, and which is near."""

    def __init__(self, pair: Pair, columns: Sequence[ColumnSpec], *, varying: bool) -> None:
        x, self.rows, self.examined = pair.learn.x, pair.learn.rows, pair.examine.rows
        design = Design.of(x, self.rows.weight, columns)
        clock = clock_of(design) if varying else None
        self.learn, self.examine = (design.matrix(part, clock=clock) for part in (x, pair.examine.x))
        self.found: Floats | None = None

    def loss(self, c: float) -> float:
        """Return the log-loss of the examined rows with one penalty."""
        rows = self.rows
        nothing = np.zeros(len(rows))
        self.found = fit_ridge(self.learn, rows.outcome.astype(np.float64), rows.weight, nothing, c=c, start=self.found)
        return macro_loss(self.examine @ self.found, self.examined)


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
    ready = made_ready(pairs, columns, search.seed)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=search.seed, n_startup_trials=min(8, search.trials)))
    study.enqueue_trial(START)

    def one(trial: optuna.Trial) -> float:
        params = _settings(_suggested(trial), smallest)
        grown = grow_together(ready, params, SEARCH_ROUNDS, deadline=until)
        if until.passed:  # it may have been cut short, and would not be compared with its like
            raise optuna.TrialPruned
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
    raws: list[Floats]


class Ready:
    """A fold made ready to boost on: its rows are taken out of the matrix and put into bins once, however often it is tried."""

    def __init__(self, pair: Pair, columns: Sequence[ColumnSpec], seed: int) -> None:
        self.learn, self.columns, self.seed = pair.learn, columns, seed
        self.x, self.examined = pair.examine.x, pair.examine.rows
        self.binned: Boosting | None = None

    def boosting(self, params: Mapping[str, Any]) -> Boosting:
        """Return a boosting that has not begun yet."""
        if self.binned is not None:
            return self.binned.again(params)
        rows = self.learn.rows
        self.binned = Boosting(self.learn.x, rows.outcome, rows.weight, self.columns, params=params, seed=self.seed)
        return self.binned


def made_ready(pairs: Sequence[Pair], columns: Sequence[ColumnSpec], seed: int) -> list[Ready]:
    """Make folds ready to boost on."""
    return [Ready(pair, columns, seed) for pair in pairs]


def grow_together(
    folds: Sequence[Ready],
    params: Mapping[str, Any],
    most: int,
    *,
    deadline: Deadline = NO_DEADLINE,
    moved: Callable[[int, int], None] = lambda _done, _most: None,
) -> Grown:
    """Boost on all folds side by side, and stop early: when ``PATIENCE`` stops have brought nothing, or past the deadline.

    The first stop is always reached, so that there are trees to compare. `moved` is told the rounds and how many may follow.
    """
    best, idle = Grown(0, float("inf"), []), 0
    with SideBySide(len(folds)) as threads:
        growing = threads.each(lambda fold: _Growing(fold, params), folds)
        for before, rounds in pairwise((0, *STOPS)):
            if rounds > most or idle >= PATIENCE or (before and deadline.passed):
                break
            raws: list[Floats] = threads.each(methodcaller("grown_by", rounds - before), growing)
            loss = float(np.mean([macro_loss(raw, fold.examined) for raw, fold in zip(raws, folds, strict=True)]))
            best, idle = (Grown(rounds, loss, raws), 0) if loss < best.loss else (best, idle + 1)
            moved(rounds, most)
    return best


class _Growing:
    """Boosting on one fold, with what its examined rows get so far."""

    def __init__(self, fold: Ready, params: Mapping[str, Any]) -> None:
        self.boosting, self.x = fold.boosting(params), fold.x
        self.raw = np.zeros(len(self.x))

    def grown_by(self, rounds: int) -> Floats:
        """Return the log-odds of the examined rows after so many more rounds."""
        self.raw = self.raw + self.boosting.more(rounds).raw(self.x)
        return self.raw


def macro_loss(raw: Floats, rows: Rows) -> float:
    """Return the log-loss of each look, averaged over the looks."""
    losses = log_losses(sigmoid(raw), rows.outcome)
    return float(np.mean([losses[rows.look == look].mean() for look in np.unique(rows.look)]))


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
