"""The learners behind one small protocol, and how they are fitted.

A learner turns a row into log-odds and says how much of it came from which player. Evaluation is ours and plain; fitting trees
borrows LightGBM, which is imported inside the function that fits and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from models.blend import Blend
from models.columns import ColumnSpec, Grouping
from models.design import CHANGES, Design
from models.directions import directions
from models.logistic import Logistic
from models.ridge import fit_ridge
from models.scorecard import Scorecard
from models.tree_format import from_lightgbm
from models.trees import Trees
from models.varying import Varying, age_among

Floats = NDArray[np.float64]


class Learner(Protocol):
    """What a Scorer asks of a learner; rows hold the columns of the scorer, in its order."""

    kind: ClassVar[str]

    @property
    def expected(self) -> float:
        """The log-odds from which the contributions start."""

    @property
    def used(self) -> NDArray[np.int64]:
        """The columns that can change the log-odds."""

    def raw(self, x: Floats) -> Floats:
        """Return log-odds; a row's are the same bits alone or among others."""

    def contributions(self, x: Floats, grouping: Grouping) -> Floats:
        """Return one column a player, adding up to `raw - expected`."""

    def shares(self, x: Floats, grouping: Grouping) -> Floats:
        """Return the contributions shared out to the columns: those of a player's columns add up to the player's."""

    def to_json(self) -> dict[str, object]:
        """Return the learner as plain values."""


def fit_logistic(x: Floats, y: NDArray[Any], w: Floats, columns: Sequence[ColumnSpec], *, c: float = 1.0) -> Logistic:
    """Fit a ridge logistic regression; `c` is the inverse of the penalty."""
    design = Design.of(x, w, columns)
    return design.learner(x, w, fit_ridge(design.matrix(x), np.asarray(y, dtype=np.float64), w, np.zeros(len(x)), c=c))


def fit_towards(card: Scorecard, x: Floats, y: NDArray[Any], w: Floats, columns: Sequence[ColumnSpec], *, c: float) -> Blend:
    """Fit a ridge logistic regression of what the card leaves over: the stronger the penalty, the nearer to the card.

    The prior of the log-odds is the card instead of a constant; `c` is the inverse of the penalty on leaving it.
    """
    design = Design.of(x, w, columns)
    rest = fit_ridge(design.matrix(x), np.asarray(y, dtype=np.float64), w, card.raw(x), c=c)
    return Blend((card, design.learner(x, w, rest)), (1.0, 1.0))


def fit_varying(x: Floats, y: NDArray[Any], w: Floats, columns: Sequence[ColumnSpec], *, c: float) -> Learner:
    """Fit a ridge logistic regression whose weights may change with the age; without an age, or with one only, they cannot.

    Changes are penalised more than what they change (``CHANGES``): without evidence a term counts alike at all ages.
    """
    design = Design.of(x, w, columns)
    age = clock_of(design)
    if age is None:
        return fit_logistic(x, y, w, columns, c=c)
    found = fit_ridge(design.matrix(x, clock=age), np.asarray(y, dtype=np.float64), w, np.zeros(len(x)), c=c)
    at_mean, change = np.split(found, [(len(found) + 1) // 2])
    change = np.append(0.0, math.sqrt(CHANGES) * change)
    return Varying(design.learner(x, w, at_mean), design.learner(x, w, change), age)


def clock_of(design: Design) -> int | None:
    """Return the place of the age, if it was seen to vary."""
    age = age_among(design.columns)
    return age if age is not None and design.varies(age) else None


FIXED: Mapping[str, object] = {
    "objective": "binary",
    "boosting": "gbdt",
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "linear_tree": False,
    "verbosity": -1,
}
"""What no search may change: the objective gives log-odds, and equal inputs give equal trees."""


class Boosting:
    """Trees that LightGBM boosts on and on, taken over into our own form."""

    def __init__(
        self,
        x: Floats,
        y: NDArray[Any],
        w: Floats,
        columns: Sequence[ColumnSpec],
        *,
        params: Mapping[str, object],
        seed: int = 0,
    ) -> None:
        """Prepare the rows; columns whose direction is sure may only move the log-odds that way."""
        import lightgbm

        self._columns = len(columns)
        self._given: dict[str, object] = {"num_threads": 1, "seed": seed}
        sure = directions(columns)
        self._fixed = {**FIXED, **({"monotone_constraints": sure} if any(sure) else {})}
        settings = self._settings(params)
        self._data = lightgbm.Dataset(
            np.ascontiguousarray(x),
            label=np.asarray(y, dtype=np.float64),
            weight=w,
            categorical_feature=[j for j, column in enumerate(columns) if column.kind == "category"],
            params=dict(settings),  # some of them, such as how missing values are told, concern the data
        )
        self._booster = lightgbm.Booster(settings, self._data)

    def again(self, params: Mapping[str, object]) -> Boosting:
        """Begin anew on the same rows, whose values lie in bins already; settings that concern the bins must be as before."""
        import lightgbm

        other = copy(self)
        other._booster = lightgbm.Booster(self._settings(params), self._data)
        return other

    def _settings(self, params: Mapping[str, object]) -> dict[str, object]:
        return {**self._given, **params, **self._fixed}

    def more(self, rounds: int) -> Trees:
        """Boost for some more rounds and return the new trees alone; fewer where nothing is left to split."""
        before = self._booster.current_iteration()
        for _ in range(rounds):
            self._booster.update()
        grown = self._booster.current_iteration() - before
        if not grown:
            return Trees(from_lightgbm({"tree_info": []}), self._columns)
        return Trees(from_lightgbm(self._booster.dump_model(start_iteration=before, num_iteration=grown)), self._columns)


def fit_trees(
    x: Floats,
    y: NDArray[Any],
    w: Floats,
    columns: Sequence[ColumnSpec],
    *,
    params: Mapping[str, object],
    rounds: int,
    seed: int = 0,
) -> Trees:
    """Fit boosted trees with so many rounds; `Trees.first` gives the fits with fewer."""
    return Boosting(x, y, w, columns, params=params, seed=seed).more(rounds)
