"""From a recipe to a learner: what was chosen, fitted on some rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from models.blend import BaseRate, Blend
from models.columns import ColumnSpec
from models.learners import Learner, fit_logistic, fit_towards, fit_trees, fit_varying
from models.scorecard import EMPTY, Scorecard
from models.scorecard_fit import fit_scorecard
from training.pairs import Table

BLENDS = {"blend": ("logistic", "trees"), "varying_blend": ("varying", "trees")}
"""What the blends are the means of, in log-odds."""


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


def fit_learner(recipe: Recipe, table: Table, columns: Sequence[ColumnSpec], *, seed: int, card: Scorecard = EMPTY) -> Learner:
    """Fit the learner of a recipe on some rows; `card` holds the points by hand, which two kinds of learner start from."""
    if recipe.learner == "base_rate":
        return BaseRate(base_log_odds(table))
    if recipe.learner in BLENDS:
        parts = tuple(fit_learner(replace(recipe, learner=part), table, columns, seed=seed) for part in BLENDS[recipe.learner])
        return Blend(parts, (0.5, 0.5))
    x, rows = table.x, table.rows
    if recipe.learner == "scorecard":
        return fit_scorecard(card, x, rows.outcome, rows.weight)
    if recipe.learner == "logistic":
        return fit_logistic(x, rows.outcome, rows.weight, columns, c=recipe.penalty)
    if recipe.learner == "varying":
        return fit_varying(x, rows.outcome, rows.weight, columns, c=recipe.penalty)
    if recipe.learner == "towards_scorecard":
        return fit_towards(
            fit_scorecard(card, x, rows.outcome, rows.weight), x, rows.outcome, rows.weight, columns, c=recipe.penalty
        )
    return fit_trees(x, rows.outcome, rows.weight, columns, params=recipe.trees, rounds=recipe.rounds, seed=seed)


def base_log_odds(table: Table) -> float:
    """Return the log-odds of the weighted share of conversions, one lead of each kind added."""
    bought = float(table.rows.weight @ table.rows.outcome)
    return math.log((bought + 1.0) / (float(table.rows.weight.sum()) - bought + 1.0))
