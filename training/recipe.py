"""The recipe on one page: fold by time, try the learners, keep the simplest within noise, calibrate, rehearse, fit for use.

The rehearsal is the shipped procedure on the last fold: what was chosen and calibrated on the folds before it learns from what
was known at its origin and is examined on leads that started afterwards. Its figures are the ones that are told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from features.errors import StoppedError
from models.blend import BaseRate, Blend
from models.calibration import Calibrator
from models.columns import ColumnSpec
from models.learners import Learner, fit_logistic, fit_trees
from training.choice import Choice, Scores, calibrated, choose_calibration, pooled, simplest_within_noise
from training.dataset import TrainingSet
from training.evaluation import Answers
from training.metrics import Floats
from training.tuning import (
    Pair,
    Search,
    Table,
    best_rounds,
    pairs_of,
    raw_by_rounds,
    sampled,
    sigmoid,
    tune_logistic,
    tune_trees,
)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that was chosen: enough to fit the same kind of model on other rows."""

    learner: str
    penalty: float
    trees: dict[str, Any]
    rounds: int
    calibration: str

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A learner with its calibration, and what they were measured by."""

    recipe: Recipe
    learner: Learner
    calibrator: Calibrator
    rehearsed: Answers
    """The last fold, answered by the rehearsal."""
    base_rate: Floats
    """The same rows, answered with the share of conversions known at the origin."""
    out_of_time: Scores
    """The pooled scores that the final calibration was fitted on."""
    learners_tried: Choice
    calibrations_tried: Choice


def fit(data: TrainingSet, search: Search, *, say: Say) -> Fitted:
    """Choose on the folds, rehearse on the last one, then fit for use on every row."""
    columns, seed = data.columns, search.seed
    folds = pairs_of(data.folds.choice, data.learners, data.exam, columns)
    _stop_without_both_outcomes(folds)
    recipe, raws, learners_tried = _choose_learner(folds, columns, search, say)
    chosen = pooled([_scores(pair, raw, number) for number, (pair, raw) in enumerate(zip(folds, raws, strict=True))])
    calibrations_tried = choose_calibration(chosen, seed=seed)
    recipe = replace(recipe, calibration=calibrations_tried.kept)
    say(f"learner: {recipe.learner}; calibration: {recipe.calibration}; rehearsing on the last fold")

    last = pairs_of([data.folds.last], data.learners, data.exam, columns)[0]
    rehearsal = _examined(recipe, last, columns, len(folds), seed=seed)
    answers = rehearsal.answers.instead(calibrated(recipe.calibration, chosen).probability(rehearsal.raw))
    known = np.full(len(rehearsal.raw), sigmoid(np.array([_log_odds(last.learn)]))[0])

    say(f"fitting for use on {len(data.learners.rows):,} looks")
    everything = pooled([chosen, rehearsal])
    learner = fit_learner(recipe, data.learners, columns, seed=seed)
    calibrator = calibrated(recipe.calibration, everything)
    return Fitted(recipe, learner, calibrator, answers, known, everything, learners_tried, calibrations_tried)


def _choose_learner(
    folds: Sequence[Pair], columns: Sequence[ColumnSpec], search: Search, say: Say
) -> tuple[Recipe, list[Floats], Choice]:
    """Return the settings, each fold's raw scores by the chosen learner, and what was tried."""
    thin = sampled(folds, seed=search.seed)
    penalty = tune_logistic(thin, columns, seed=search.seed)
    params, most = tune_trees(thin, columns, search, say=say)
    staged = [raw_by_rounds(pair, columns, params, most, search.seed) for pair in folds]
    rounds = best_rounds(staged, folds)
    recipe = Recipe("logistic", penalty, params, rounds, "identity")

    linear = [fit_learner(recipe, pair.learn, columns, seed=search.seed).raw(pair.examine.x) for pair in folds]
    boosted = [raws[rounds] for raws in staged]
    raws = {
        "base_rate": [np.full(len(pair.examine.rows), _log_odds(pair.learn)) for pair in folds],
        "logistic": linear,
        "trees": boosted,
        "blend": [0.5 * one + 0.5 * other for one, other in zip(linear, boosted, strict=True)],
    }
    answers = pooled([_scores(pair, raw, 0) for pair, raw in zip(folds, linear, strict=True)]).answers
    probabilities = {kind: sigmoid(np.concatenate(parts)) for kind, parts in raws.items()}
    choice = simplest_within_noise(probabilities, answers, seed=search.seed)
    return replace(recipe, learner=choice.kept), raws[choice.kept], choice


def rehearse(recipe: Recipe, data: TrainingSet, *, seed: int) -> Answers:
    """Answer the last fold by a recipe that is given: fitted at its origin, calibrated on the folds before."""
    columns = data.columns
    pairs = pairs_of([*data.folds.choice, data.folds.last], data.learners, data.exam, columns)
    *before, last = (_examined(recipe, pair, columns, number, seed=seed) for number, pair in enumerate(pairs))
    return last.answers.instead(calibrated(recipe.calibration, pooled(before)).probability(last.raw))


def fit_learner(recipe: Recipe, table: Table, columns: Sequence[ColumnSpec], *, seed: int) -> Learner:
    """Fit the learner of a recipe on some rows."""
    rows = table.rows
    if recipe.learner == "base_rate":
        return BaseRate(_log_odds(table))
    if recipe.learner == "logistic":
        return fit_logistic(table.x, rows.outcome, rows.weight, columns, c=recipe.penalty, seed=seed)
    if recipe.learner == "trees":
        return fit_trees(table.x, rows.outcome, rows.weight, columns, params=recipe.trees, rounds=recipe.rounds, seed=seed)
    parts = tuple(fit_learner(replace(recipe, learner=part), table, columns, seed=seed) for part in ("logistic", "trees"))
    return Blend(parts, (0.5, 0.5))


def _stop_without_both_outcomes(folds: Sequence[Pair]) -> None:
    for pair in folds:
        if not 0 < int(pair.learn.rows.outcome.sum()) < len(pair.learn.rows):
            raise StoppedError(
                "The history cannot be divided to learn from one part and judge by another",
                given="conversions of too few accounts",
                expected="conversions of several accounts",
                do="bring more history",
            )


def _log_odds(table: Table) -> float:
    """Return the log-odds of the weighted share of conversions, one lead of each kind added."""
    bought = float(table.rows.weight @ table.rows.outcome)
    return math.log((bought + 1.0) / (float(table.rows.weight.sum()) - bought + 1.0))


def _examined(recipe: Recipe, pair: Pair, columns: Sequence[ColumnSpec], fold: int, *, seed: int) -> Scores:
    return _scores(pair, fit_learner(recipe, pair.learn, columns, seed=seed).raw(pair.examine.x), fold)


def _scores(pair: Pair, raw: Floats, fold: int) -> Scores:
    rows = pair.examine.rows
    answers = Answers(rows.lead, rows.cluster, rows.look, rows.outcome, sigmoid(raw))
    return Scores(answers, raw, rows.weight, np.full(len(raw), fold, dtype=np.int64))
