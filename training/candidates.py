"""The candidates, from simple to complicated, each tried on the folds that choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from features.progress import progress_bar
from models.columns import ColumnSpec
from models.log_odds import sigmoid
from models.scorecard import Scorecard
from models.varying import age_among
from training.choice import Choice, Scores, pooled, simplest_within_noise
from training.evaluation import Answers
from training.fitting import BLENDS, Recipe, fit_learner
from training.metrics import Floats
from training.pairs import Pair, sampled
from training.side_by_side import SideBySide
from training.tuning import Deadline, Search, Tried, grow_together, made_ready, tune_logistic, tune_trees

SIMPLE = ("base_rate", "scorecard", "logistic", "towards_scorecard", "varying")
"""What is fitted as it stands. Starting from points by hand is no simpler than not to: it has to win by more than the noise."""

ONLY_BLENDED = "varying"
"""Weights that change with the age are offered with trees only. The first folds have a quarter of the rows: there such weights
win alone, and lose later to their mean with trees, which gain most from more rows."""

HEDGES = {"blend": ("logistic", "trees"), "varying_blend": ("logistic", "trees", "blend")}
"""What a blend replaces as soon as it is better on the whole, be it by less than the noise.

The simplest is kept for fear of what varies most, and the mean of two varies less than the worse of them. In six simulated worlds
a blend that was better on the whole was refused for lack of evidence: later leads lost .0002 to .004 of log-loss in five of them,
and won .0003 in one. Base rate and points by hand are still replaced by no less than the noise.
"""

MOST_ROWS = 200_000
"""Of more rows no weights are fitted that change with the age: trees can find it out, and the matrix would be twice as wide."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The recipe of the learner that was kept, its raw scores of each fold, and what was tried."""

    recipe: Recipe
    raws: list[Floats]
    choice: Choice
    trials: tuple[Tried, ...]


def choose_learner(
    folds: Sequence[Pair], columns: Sequence[ColumnSpec], card: Scorecard, search: Search, *, say: Callable[[str], None]
) -> Chosen:
    """Search for settings within the budget, and keep the simplest learner that nothing beats by the noise, and no blend of it.

    Half of the budget is for the settings, the rest for finding out how many rounds to boost with them.
    """
    seed, whole = search.seed, search.budget_seconds
    deadline, end = Deadline.after(None if whole is None else whole / 2), Deadline.after(whole)
    thin = sampled(folds, seed=seed)
    kinds = [kind for kind in SIMPLE if _possible(kind, card, columns, max(len(pair.learn.rows) for pair in folds))]
    penalty = varying = tune_logistic(thin, columns, deadline=deadline)
    if "varying" in kinds:
        varying = tune_logistic(thin, columns, varying=True, deadline=deadline)
    tuned = tune_trees(thin, columns, search, deadline=deadline, say=say)
    with progress_bar("boosting: rounds", say=say) as moved:
        grown = grow_together(made_ready(folds, columns, seed), tuned.params, tuned.most, deadline=end, moved=moved)
    recipe = Recipe("base_rate", penalty, tuned.params, grown.rounds, "identity")

    def of(kind: str) -> Recipe:
        return replace(recipe, learner=kind, penalty=varying if kind.startswith("varying") else penalty)

    def answered(kind: str) -> list[Floats]:
        simple = of(kind)
        learnt = partial(fit_learner, simple, columns=columns, seed=seed, card=card)
        with SideBySide(len(folds)) as threads:
            return threads.each(lambda pair: learnt(pair.learn).raw(pair.examine.x), folds)

    raws = {kind: answered(kind) for kind in kinds}
    raws["trees"] = grown.raws
    for name, (linear, trees) in BLENDS.items():
        if linear in raws:
            raws[name] = [0.5 * one + 0.5 * other for one, other in zip(raws[linear], raws[trees], strict=True)]
    answers = pooled([scores(pair, raw, 0) for pair, raw in zip(folds, raws["base_rate"], strict=True)]).answers
    probabilities = {kind: sigmoid(np.concatenate(parts)) for kind, parts in raws.items() if kind != ONLY_BLENDED}
    choice = simplest_within_noise(probabilities, answers, seed=seed, hedges=HEDGES)
    return Chosen(of(choice.kept), raws[choice.kept], choice, tuned.tried)


def _possible(kind: str, card: Scorecard, columns: Sequence[ColumnSpec], rows: int) -> bool:
    """Tell whether there is what a simple learner needs: points by hand, or ages and not too many rows."""
    if kind == "varying":
        return age_among(columns) is not None and rows <= MOST_ROWS
    return bool(card.rules) or "scorecard" not in kind


def scores(pair: Pair, raw: Floats, fold: int) -> Scores:
    """Return the raw scores of a fold's examined rows beside what happened."""
    rows = pair.examine.rows
    answers = Answers(rows.lead, rows.cluster, rows.look, rows.outcome, sigmoid(raw))
    return Scores(answers, raw, rows.weight, np.full(len(raw), fold, dtype=np.int64))
