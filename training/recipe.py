"""The recipe on one page: fold by time, try the learners, keep the simplest within noise, calibrate, rehearse, fit for use.

The rehearsal is the shipped recipe on the last fold: learner, calibration and anchor learn from what was known at its origin,
and are examined on leads that started afterwards. Its figures are the ones that are told.

Which recipe it is was chosen on all outcomes of the folds before, also those that became known after the last origin: no lead of
the last fold is among them, and where a horizon is long against the history they are most of what there is to choose by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.clock import NEVER
from features.errors import StoppedError
from models.calibration import Calibrator
from models.learners import Learner
from models.log_odds import sigmoid
from training.anchor import anchored
from training.candidates import choose_learner, scores
from training.choice import Choice, Scores, calibrated, choose_calibration, pooled
from training.dataset import TrainingSet
from training.evaluation import Answers
from training.fitting import Recipe, base_log_odds, fit_learner
from training.folds import Folds
from training.metrics import Floats
from training.pairs import Pair, Table, pairs_of
from training.tuning import Search, Tried

__all__ = ["Fitted", "Recipe", "Rehearsal", "fit", "fit_learner", "rehearse"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The model as it was at the last origin, and the looks that it was examined on."""

    learner: Learner
    calibrator: Calibrator
    table: Table


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
    rehearsal: Rehearsal
    trials: tuple[Tried, ...] = ()


def fit(data: TrainingSet, search: Search, *, say: Say) -> Fitted:
    """Choose on the folds, rehearse on the last one, then fit for use on every row; with nothing to learn from, by hand."""
    columns, seed, card = data.columns, search.seed, data.card
    if not data.learnable:
        return by_hand(data)
    *folds, last = pairs_of([*data.folds.choice, data.folds.last], data.learners, data.exam, columns)
    _stop_without_both_outcomes([*folds, last])
    kept = choose_learner(folds, columns, card, search, say=say)
    chosen = pooled([scores(pair, raw, number) for number, (pair, raw) in enumerate(zip(folds, kept.raws, strict=True))])
    calibrations_tried = choose_calibration(chosen, seed=seed)
    recipe = replace(kept.recipe, calibration=calibrations_tried.kept)
    say(f"learner: {recipe.learner}; calibration: {recipe.calibration}; rehearsing on the last fold")

    then = _as_of(data.folds.last.origin, recipe, folds, kept.raws, last, data, seed=seed)
    rehearsal = scores(last, then.learner.raw(last.examine.x), len(folds))
    answers = rehearsal.answers.instead(then.calibrator.probability(rehearsal.raw))
    known = np.full(len(rehearsal.raw), sigmoid(np.array([base_log_odds(last.learn)]))[0])

    say(f"fitting for use on {len(data.learners.rows):,} looks")
    everything = pooled([chosen, rehearsal])
    learner = fit_learner(recipe, data.learners, columns, seed=seed, card=card)
    calibrator = calibrated(recipe.calibration, everything)
    now = data.window.now if data.folds.time_forward else None
    calibrator = anchored(calibrator, learner, [*folds, last], [*kept.raws, rehearsal.raw], now=now, say=say)
    return Fitted(recipe, learner, calibrator, answers, known, everything, kept.choice, calibrations_tried, then, kept.trials)


def rehearse(recipe: Recipe, data: TrainingSet, *, folds: Folds | None = None, seed: int) -> Answers:
    """Answer the last of some folds (those of the data) by a recipe, as it would have stood at its origin."""
    folds, columns = folds or data.folds, data.columns
    *before, last = pairs_of([*folds.choice, folds.last], data.learners, data.exam, columns)
    raws = [fit_learner(recipe, pair.learn, columns, seed=seed, card=data.card).raw(pair.examine.x) for pair in before]
    then = _as_of(folds.last.origin, recipe, before, raws, last, data, seed=seed)
    raw = then.learner.raw(last.examine.x)
    return scores(last, raw, len(before)).answers.instead(then.calibrator.probability(raw))


def by_hand(data: TrainingSet) -> Fitted:
    """Return the scorecard as it stands: from the first day, before there is anything to learn from or to judge by."""
    recipe = Recipe("scorecard", 0.0, {}, 0, "identity")
    nobody = Table(data.exam.rows.take(data.folds.last.examine), data.exam.x[data.folds.last.examine])
    looked_at = scores(Pair(data.learners, data.exam), data.card.raw(data.exam.x), 0)
    nothing = scores(Pair(nobody, nobody), np.empty(0), 0).answers
    calibrator, untried = Calibrator(), Choice(recipe.learner, {})
    then = Rehearsal(data.card, calibrator, nobody)
    return Fitted(recipe, data.card, calibrator, nothing, np.empty(0), looked_at, untried, Choice("identity", {}), then)


def _stop_without_both_outcomes(folds: Sequence[Pair]) -> None:
    for pair in folds:
        if not 0 < int(pair.learn.rows.outcome.sum()) < len(pair.learn.rows) or not len(pair.examine.rows):
            raise StoppedError(
                "The history cannot be divided to learn from one part and judge by another",
                given="conversions of too few accounts",
                expected="conversions of several accounts",
                do="bring more history",
            )


def _as_of(
    origin: int | None, recipe: Recipe, folds: Sequence[Pair], raws: Sequence[Floats], last: Pair, data: TrainingSet, *, seed: int
) -> Rehearsal:
    """Return a recipe as it would have stood at an origin, given the out-of-time log-odds of the folds before.

    Only looks whose outcome was known by then calibrate and anchor; without dates everything was known.
    """
    known = [np.flatnonzero(pair.examine.rows.mature_at <= (NEVER if origin is None else origin)) for pair in folds]
    folds = [replace(pair, examine=pair.examine.take(kept)) for pair, kept in zip(folds, known, strict=True)]
    raws = [raw[kept] for raw, kept in zip(raws, known, strict=True)]
    learner = fit_learner(recipe, last.learn, data.columns, seed=seed, card=data.card)
    then = pooled([scores(pair, raw, number) for number, (pair, raw) in enumerate(zip(folds, raws, strict=True))])
    return Rehearsal(learner, anchored(calibrated(recipe.calibration, then), learner, folds, raws, now=origin), last.examine)
