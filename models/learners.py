"""The learners behind one small protocol, and how they are fitted.

A learner turns a row into log-odds and says how much of it came from which player. Evaluation is ours and plain; fitting borrows
scikit-learn and LightGBM, which are imported inside the functions that fit and nowhere else.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec, Grouping
from models.design import Design
from models.logistic import Logistic
from models.tree_format import from_lightgbm
from models.trees import Trees

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

    def to_json(self) -> dict[str, object]:
        """Return the learner as plain values."""


def fit_logistic(
    x: Floats, y: NDArray[Any], w: Floats, columns: Sequence[ColumnSpec], *, c: float = 1.0, seed: int = 0
) -> Logistic:
    """Fit a ridge logistic regression with scikit-learn; `c` is the inverse of the penalty.

    One thread, so that the number of cores does not move the last bits.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    design = Design.of(x, w, columns)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)
        model = LogisticRegression(C=c, solver="lbfgs", tol=1e-6, max_iter=500, random_state=seed)
        model.fit(design.matrix(x), np.asarray(y, dtype=np.int64), sample_weight=w)
    return design.learner(x, w, float(model.intercept_[0]), model.coef_[0].tolist())


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
    """Fit boosted trees with LightGBM and take them over into our own form; `Trees.first` gives the fits with fewer rounds."""
    import lightgbm

    categories = [j for j, column in enumerate(columns) if column.kind == "category"]
    settings = {"num_threads": 1, "seed": seed, **params, **FIXED}
    data = lightgbm.Dataset(
        np.ascontiguousarray(x),
        label=np.asarray(y, dtype=np.float64),
        weight=w,
        categorical_feature=categories,
        params={"verbosity": -1, "feature_pre_filter": False},
    )
    booster = lightgbm.train(settings, data, num_boost_round=rounds)
    return Trees(from_lightgbm(booster.dump_model()), len(columns))
