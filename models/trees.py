"""Trees: boosted trees in log-odds, read from our own JSON, with exact Shapley values.

LightGBM fits them; serving evaluates them without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec, Grouping
from models.forest import TINY, Forest, decide_all, sum_of_leaves
from models.shapley import Paths, paths_of, shapley_values
from models.strict import Fields
from models.tree_format import forest_from_json, forest_to_json

_DECISIONS_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class Trees:
    """Boosted trees in log-odds."""

    forest: Forest
    columns: int
    _paths: dict[tuple[int, bytes], Paths] = field(default_factory=dict, repr=False)

    kind: ClassVar[str] = "trees"

    @property
    def rounds(self) -> int:
        """The number of trees."""
        return len(self.forest.first_leaf) - 1

    @property
    def used(self) -> NDArray[np.int64]:
        """The columns that some split reads."""
        return np.unique(self.forest.column)

    @property
    def expected(self) -> float:
        """The mean over the training rows, as the covers of the leaves have it: where the contributions start from."""
        total = 0.0
        for tree in range(self.rounds):
            leaves = slice(self.forest.first_leaf[tree], self.forest.first_leaf[tree + 1])
            values, covers = self.forest.value[leaves].tolist(), self.forest.cover[leaves].tolist()
            weight = sum(covers)
            total += sum(value * (cover / weight) for value, cover in zip(values, covers, strict=True))
        return total

    def raw(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-odds of each row."""
        out = np.empty(len(x))
        sum_of_leaves(x, self.forest, TINY, out)
        return out

    def contributions(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:
        """Return the exact Shapley values of the players: the path-dependent game over the stored covers."""
        key = (len(grouping.names), grouping.of.tobytes())
        paths = self._paths.get(key)
        if paths is None:
            paths = self._paths[key] = paths_of(self.forest, grouping)
        out = np.zeros((len(x), len(grouping.names)))
        block = max(1, _DECISIONS_AT_ONCE // max(1, len(self.forest.column)))
        for start in range(0, len(x), block):
            rows = x[start : start + block]
            decided = np.empty((len(rows), len(self.forest.column)), dtype=np.int8)
            decide_all(rows, self.forest, TINY, decided)
            shapley_values(decided, self.forest.value, paths, out[start : start + block])
        return out

    def first(self, rounds: int) -> Trees:
        """Return the model after its first rounds: a fit with fewer rounds, for nothing."""
        f = self.forest
        splits, leaves = int(f.first_split[rounds]), int(f.first_leaf[rounds])
        return Trees(
            f._replace(
                first_split=f.first_split[: rounds + 1],
                first_leaf=f.first_leaf[: rounds + 1],
                column=f.column[:splits],
                threshold=f.threshold[:splits],
                rule=f.rule[:splits],
                missing_left=f.missing_left[:splits],
                left=f.left[:splits],
                right=f.right[:splits],
                first_word=f.first_word[: splits + 1],
                words=f.words[: int(f.first_word[splits])],
                value=f.value[:leaves],
                cover=f.cover[:leaves],
            ),
            self.columns,
        )

    def to_json(self) -> dict[str, object]:
        """Return the trees as plain values."""
        return {"kind": self.kind, "trees": forest_to_json(self.forest)}

    @staticmethod
    def from_json(value: object, where: str, columns: Sequence[ColumnSpec]) -> Trees:
        """Read the trees strictly."""
        fields = Fields(value, where, ("kind", "trees"))
        return Trees(forest_from_json(fields.items("trees"), where, columns), len(columns))
