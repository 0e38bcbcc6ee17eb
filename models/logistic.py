"""Logistic: a weighted sum in log-odds over signed logarithms, one weight for each category value, one for what is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.compiled import compiled
from models.columns import ColumnSpec, Grouping
from models.strict import Fields

LARGEST, SMALLEST = 1e6, 1e-12
"""What a weight and a divisor may be, so that no finite input gives log-odds that are not finite."""


class Weights(NamedTuple):
    """All weights in flat arrays, a place for each column; category weights of column j start at `first[j]`, unknown first."""

    scale: NDArray[np.float64]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    weight: NDArray[np.float64]
    missing: NDArray[np.float64]
    centre: NDArray[np.float64]
    first: NDArray[np.int64]
    category: NDArray[np.float64]


@compiled
def signed_log(x: float, scale: float) -> float:
    """Return the logarithm of 1 + |x| / scale with the sign of x."""
    size = math.log1p(abs(x) / scale)
    return -size if x < 0.0 else size


@compiled
def _terms(x: NDArray[np.float64], w: Weights, out: NDArray[np.float64]) -> None:
    """Write what each value of one row adds to the log-odds.

    A whole row at once: to hand over the weights, Numba counts a reference to each array, which costs as much as a few terms.
    """
    for j in range(x.shape[0]):
        size = w.first[j + 1] - w.first[j]
        if math.isnan(x[j]):
            out[j] = w.missing[j]
        elif size > 0:
            code = 0
            if 0.0 < x[j] < size:
                code = int(x[j])
            out[j] = w.category[w.first[j] + code]
        else:
            out[j] = w.weight[j] * ((signed_log(x[j], w.scale[j]) - w.mean[j]) / w.sd[j])


@compiled
def _sum_of_terms(x: NDArray[np.float64], w: Weights, intercept: float, out: NDArray[np.float64]) -> None:
    terms = np.empty(x.shape[1])
    for row in range(x.shape[0]):
        _terms(x[row], w, terms)
        total = intercept
        for j in range(x.shape[1]):
            total += terms[j]
        out[row] = total


@compiled
def _terms_by_player(x: NDArray[np.float64], w: Weights, player: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    terms, centre = np.empty(x.shape[1]), w.centre
    for row in range(x.shape[0]):
        _terms(x[row], w, terms)
        for j in range(x.shape[1]):
            out[row, player[j]] += terms[j] - centre[j]


@compiled
def _weighted_terms(x: NDArray[np.float64], w: Weights, weight: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    terms = np.empty(x.shape[1])
    for row in range(x.shape[0]):
        _terms(x[row], w, terms)
        for j in range(x.shape[1]):
            out[j] += weight[row] * terms[j]


@dataclass(frozen=True, eq=False)
class Logistic:
    """A logistic regression, each column standardised after a signed logarithm.

    `centre` is each column's mean term over the training rows. The value of a coalition of players is the model with the other
    columns' terms at their means, so a column contributes its term minus that mean, and `expected` is the sum of the means.
    """

    intercept: float
    weights: Weights
    columns: tuple[ColumnSpec, ...]

    kind: ClassVar[str] = "logistic"

    @property
    def expected(self) -> float:
        """The log-odds where every term is at its training mean: where the contributions start from."""
        return float(sum(self.weights.centre.tolist(), self.intercept))

    @property
    def used(self) -> NDArray[np.int64]:
        """The columns with some weight that is not 0."""
        w = self.weights
        parts = [[*w.category[w.first[j] : w.first[j + 1]], w.weight[j], w.missing[j]] for j in range(len(self.columns))]
        return np.array([j for j, part in enumerate(parts) if np.any(part)], dtype=np.int64)

    def raw(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of each row."""
        out = np.empty(len(x))
        _sum_of_terms(x, self.weights, self.intercept, out)
        return out

    def contributions(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:
        """Return each player's exact Shapley value: the sum model makes it the sum over its columns."""
        out = np.zeros((len(x), len(grouping.names)))
        _terms_by_player(x, self.weights, grouping.of, out)
        return out

    def shares(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:  # noqa: ARG002
        """Return each column's own term, whoever its player is."""
        out = np.zeros(x.shape)
        _terms_by_player(x, self.weights, np.arange(len(self.columns)), out)
        return out

    def mean_terms(self, x: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each column adds to the log-odds on average over weighted rows, without a matrix of them all."""
        out = np.zeros(len(self.columns))
        _weighted_terms(x, self.weights, weight, out)
        out /= weight.sum()
        return out

    def to_json(self) -> dict[str, object]:
        """Return the weights as plain values, an object for each column."""
        w = self.weights
        columns: list[dict[str, object]] = []
        for j, column in enumerate(self.columns):
            one: dict[str, object] = {"kind": column.kind, "missing": float(w.missing[j]), "centre": float(w.centre[j])}
            if column.kind == "category":
                one["values"] = w.category[w.first[j] : w.first[j + 1]].tolist()
            else:
                one |= {key: float(getattr(w, key)[j]) for key in ("scale", "mean", "sd", "weight")}
            columns.append(one)
        return {"kind": self.kind, "intercept": self.intercept, "columns": columns}

    @staticmethod
    def from_json(value: object, where: str, columns: Sequence[ColumnSpec]) -> Logistic:
        """Read the weights strictly; each column must be of the kind that the model declares."""
        fields = Fields(value, where, ("kind", "intercept", "columns"))
        weights = []
        for column, item in zip(columns, fields.items("columns", len(columns), len(columns)), strict=True):
            own = ("values",) if column.kind == "category" else ("scale", "mean", "sd", "weight")
            one = Fields(item, f"{column.name} of {where}", ("kind", "missing", "centre", *own))
            one.text("kind", (column.kind,))
            weight = {key: one.number(key, -LARGEST, LARGEST) for key in ("missing", "centre")}
            if column.kind == "category":
                values = one.numbers("values", column.size + 1, LARGEST).tolist()
            else:
                values = []
                weight |= {key: one.number(key, -LARGEST, LARGEST) for key in ("mean", "weight")}
                weight |= {key: one.number(key, SMALLEST) for key in ("scale", "sd")}
            weights.append((weight, values))
        return Logistic(fields.number("intercept", -LARGEST, LARGEST), pack(weights), tuple(columns))


def pack(columns: Sequence[tuple[dict[str, float], list[float]]]) -> Weights:
    """Lay the weights out in flat arrays: (weights by name, category weights) for each column."""

    def flat(key: str, default: float) -> NDArray[np.float64]:
        return np.array([weight.get(key, default) for weight, _ in columns], dtype=np.float64)

    return Weights(
        scale=flat("scale", 1.0),
        mean=flat("mean", 0.0),
        sd=flat("sd", 1.0),
        weight=flat("weight", 0.0),
        missing=flat("missing", 0.0),
        centre=flat("centre", 0.0),
        first=np.cumsum([0, *(len(values) for _, values in columns)], dtype=np.int64),
        category=np.array([value for _, values in columns for value in values], dtype=np.float64),
    )
