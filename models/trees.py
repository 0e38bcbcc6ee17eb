"""Trees: boosted trees in log-odds, read from our own JSON, with exact Shapley values.

LightGBM fits them; serving evaluates them without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.columns import ColumnSpec, Grouping
from models.cores import on_all_cores
from models.forest import TINY, Forest, Splits, splits_of
from models.shapley import Tables, tables_of
from models.strict import Fields
from models.tree_format import forest_from_json, forest_to_json
from models.tree_kernel import shares, sum_of_leaves

_ROWS_TO_SCORE, _ROWS_TO_EXPLAIN = 16_384, 512
"""Less than so many rows are not worth a thread of their own."""
_SCRATCH = 4_000_000
"""So many numbers (8 bytes each) a thread may use at once beside its rows."""


@dataclass(frozen=True, eq=False)
class Trees:
    """Boosted trees in log-odds."""

    forest: Forest
    columns: int
    _tables: dict[tuple[int, bytes], Tables] = field(default_factory=dict, repr=False)

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
        rows, out = np.ascontiguousarray(x, dtype=np.float64), np.empty(len(x))
        splits = self._splits
        on_all_cores(lambda some: sum_of_leaves(rows[some], splits, TINY, out[some]), len(rows), _ROWS_TO_SCORE)
        return out

    def contributions(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:
        """Return the exact Shapley values of the players: the path-dependent game over the stored covers."""
        return grouping.sums(self.shares(x, grouping))

    def shares(self, x: NDArray[np.float64], grouping: Grouping) -> NDArray[np.float64]:
        """Return each player's Shapley value shared out to its columns, as `models.shapley` says."""
        key = (len(grouping.names), grouping.of.tobytes())
        tables = self._tables.get(key)
        if tables is None:
            tables = self._tables[key] = tables_of(self.forest, grouping)
        rows, out = np.ascontiguousarray(x, dtype=np.float64), np.empty(x.shape)
        splits, known = self._splits, tables
        on_all_cores(lambda some: shares(rows[some], splits, known, TINY, _SCRATCH, out[some]), len(rows), _ROWS_TO_EXPLAIN)
        return out

    @cached_property
    def _splits(self) -> Splits:
        return splits_of(self.forest, self.columns)

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
