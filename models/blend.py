"""BaseRate and Blend: the learner that knows nothing, and the weighted sum of others in log-odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec, Grouping
from models.logistic import Logistic
from models.scorecard import Scorecard
from models.strict import Fields
from models.trees import Trees
from models.varying import Varying

if TYPE_CHECKING:
    from models.learners import Learner

KINDS = ("base_rate", "scorecard", "logistic", "varying", "trees", "blend")
MOST_PARTS = 8


@dataclass(frozen=True, eq=False)
class BaseRate:
    """The same log-odds for every lead."""

    log_odds: float

    kind: ClassVar[str] = "base_rate"

    @property
    def expected(self) -> float:
        """The log-odds themselves: there is nothing to explain."""
        return self.log_odds

    @property
    def used(self) -> NDArray[np.int64]:
        """No column at all."""
        return np.empty(0, dtype=np.int64)

    def raw(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same log-odds for each row."""
        return np.full(len(x), self.log_odds)

    def contributions(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:
        """Return zeros."""
        return np.zeros((len(x), len(grouping.names)))

    def shares(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:  # noqa: ARG002
        """Return zeros."""
        return np.zeros(x.shape)

    def to_json(self) -> dict[str, object]:
        """Return the learner as plain values."""
        return {"kind": self.kind, "log_odds": self.log_odds}


@dataclass(frozen=True, eq=False)
class Blend:
    """A weighted sum of learners in log-odds; its contributions are the same sum of theirs."""

    learners: tuple[Learner, ...]
    weights: tuple[float, ...]

    kind: ClassVar[str] = "blend"

    @property
    def expected(self) -> float:
        """The same weighted sum of what the learners expect."""
        return sum(weight * learner.expected for learner, weight in zip(self.learners, self.weights, strict=True))

    @property
    def used(self) -> NDArray[np.int64]:
        """The columns that any of the learners uses."""
        return np.unique(np.concatenate([learner.used for learner in self.learners]))

    def raw(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted sum of log-odds."""
        total = np.zeros(len(x))
        for learner, weight in zip(self.learners, self.weights, strict=True):
            total += weight * learner.raw(x)
        return total

    def contributions(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:
        """Return the weighted sum of contributions."""
        return grouping.sums(self.shares(x, grouping))

    def shares(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:
        """Return the weighted sum of shares."""
        total = np.zeros(x.shape)
        for learner, weight in zip(self.learners, self.weights, strict=True):
            total += weight * learner.shares(x, grouping)
        return total

    def to_json(self) -> dict[str, object]:
        """Return the parts and their weights as plain values."""
        return {"kind": self.kind, "learners": [learner.to_json() for learner in self.learners], "weights": list(self.weights)}


def read_learner(value: object, where: str, columns: Sequence[ColumnSpec], *, inside: bool = False) -> Learner:
    """Read any learner strictly; a blend holds no blend."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "scorecard":
        return Scorecard.from_json(value, where, columns)
    if kind == "logistic":
        return Logistic.from_json(value, where, columns)
    if kind == "varying":
        return Varying.from_json(value, where, columns)
    if kind == "trees":
        return Trees.from_json(value, where, columns)
    if kind == "blend" and not inside:
        fields = Fields(value, where, ("kind", "learners", "weights"))
        parts = fields.items("learners", 1, MOST_PARTS)
        learners = tuple(read_learner(part, f"part {i} of {where}", columns, inside=True) for i, part in enumerate(parts))
        return Blend(learners, tuple(fields.numbers("weights", len(learners)).tolist()))
    fields = Fields(value, where, ("kind", "log_odds"))
    fields.text("kind", ("base_rate",) if inside else KINDS)
    return BaseRate(fields.number("log_odds"))
