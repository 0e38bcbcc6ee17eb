"""Varying: a logistic regression whose terms count more, or less, the older the trial (Hastie and Tibshirani, 1993).

What a lead has done says little on its first day and much on its tenth. With one weight for all ages the young scores are spread
too wide and the old ones too narrowly; here each term has a weight at the mean age, and a change of it with the age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec, Grouping
from models.logistic import Logistic, pack
from models.strict import Fields

AGE = "trial_age_d"
"""The column whose standardised logarithm is the clock z."""


@dataclass(frozen=True, eq=False)
class Varying:
    """The log-odds ``base(x) + z * change(x)``, z being 0 at the mean age or where it is unknown, 1 a standard deviation later.

    A term and the clock are a product, and what a coalition has not told stands at its mean: the clock at 0. A product of two is
    shared by halves, so a column's exact Shapley value is its centred term plus half of z times its centred change, and the age
    has the other half: half of z times all changes, centred or not.
    """

    base: Logistic
    change: Logistic
    """The change of the log-odds when z grows by 1; its intercept is 0."""
    age: int
    """The place of the age among the columns."""

    kind: ClassVar[str] = "varying"

    @property
    def expected(self) -> float:
        """The log-odds where every term, and the age, is at its training mean: where the contributions start from."""
        return self.base.expected

    @property
    def used(self) -> NDArray[np.int64]:
        """The columns that can change the log-odds; the age where anything changes with it."""
        changing = self.change.used
        ages = [self.age] if len(changing) else []
        return np.unique(np.concatenate([self.base.used, changing, np.array(ages, dtype=np.int64)]))

    def clock(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return z of each row."""
        return self._clock.raw(np.ascontiguousarray(x[:, [self.age]]))

    @cached_property
    def _clock(self) -> Logistic:
        """The standardised logarithm of the age as a model of its own, with weight 1."""
        w = self.base.weights
        own = {"scale": w.scale[self.age], "mean": w.mean[self.age], "sd": w.sd[self.age], "weight": 1.0}
        return Logistic(0.0, pack([(own, [])]), (self.base.columns[self.age],))

    def raw(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of each row."""
        found: NDArray[np.float64] = self.base.raw(x) + self.clock(x) * self.change.raw(x)
        return found

    def contributions(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:
        """Return each player's exact Shapley value: in a sum of products of two it is the sum over its columns."""
        return grouping.sums(self.shares(x, grouping))

    def shares(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:
        """Return each column's own value, whoever its player is."""
        half = self.clock(x) / 2.0
        shares = self.base.shares(x, grouping) + half[:, None] * self.change.shares(x, grouping)
        shares[:, self.age] += half * (self.change.raw(x) + self.change.expected)
        return shares

    def to_json(self) -> dict[str, object]:
        """Return the weights at the mean age, and their changes, as plain values."""
        return {"kind": self.kind, "age": self.age, "base": self.base.to_json(), "change": self.change.to_json()}

    @staticmethod
    def from_json(value: object, where: str, columns: Sequence[ColumnSpec]) -> Varying:
        """Read both parts strictly; the age must be a number, and no change may be there without a column."""
        fields = Fields(value, where, ("kind", "age", "base", "change"))
        age = fields.integer("age", 0, len(columns) - 1)
        if columns[age].kind != "number":
            fields.wrong("age", "the place of a number")
        base, change = (Logistic.from_json(fields.get(part), f"{part} of {where}", columns) for part in ("base", "change"))
        if change.intercept:
            fields.wrong("change", "an intercept of 0")
        return Varying(base, change, age)


def age_among(columns: Sequence[ColumnSpec]) -> int | None:
    """Return the place of the age, if a model sees it."""
    return next((place for place, column in enumerate(columns) if column.name == AGE and column.kind == "number"), None)
