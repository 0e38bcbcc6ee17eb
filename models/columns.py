"""ColumnSpec: one column that a model reads; Grouping: which columns are one player of the Shapley game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.compiled import compiled
from features.feature import FeatureSet
from models.strict import Fields

MOST_COLUMNS = 5_000
MOST_CATEGORIES = 10_000
LARGEST_BOUND = 1e18

UNKNOWN = 0.0
"""The code of a category that training did not know."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One input of a model.

    A category is a code: NaN is missing, 0 a value that training did not know, 1 to `size` the known values. `lower` and `upper`
    are the range that training saw: what lies outside is moved to its nearer end before any learner sees it.
    """

    name: str
    kind: str
    player: str
    lower: float
    upper: float
    size: int = 0

    def as_dict(self) -> dict[str, object]:
        """Return the column as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @staticmethod
    def read(value: object, where: str) -> ColumnSpec:
        """Read a column strictly."""
        fields = Fields(value, where, ColumnSpec.__slots__)
        lower = fields.number("lower", -LARGEST_BOUND, LARGEST_BOUND)
        column = ColumnSpec(
            name=fields.text("name"),
            kind=fields.text("kind", ("number", "category")),
            player=fields.text("player"),
            lower=lower,
            upper=fields.number("upper", lower, LARGEST_BOUND),
            size=fields.integer("size", 0, MOST_CATEGORIES),
        )
        if column.kind == "number" and column.size:
            fields.wrong("size", "0 for a number")
        return column


def columns_of(features: FeatureSet, values: NDArray[np.float64]) -> tuple[ColumnSpec, ...]:
    """Return the columns that a training matrix says anything about, with the ranges that it has; the rest is left out.

    A column says nothing when it is missing throughout, or has one value and is never missing.
    """
    columns = []
    for place, feature in enumerate(features.features):
        column = values[:, place]
        known = column[~np.isnan(column)]
        if len(known) == 0 or (len(known) == len(column) and known.min() == known.max()):
            continue
        if feature.kind == "category":
            size = len(features.definition.categories.get(feature.name, ()))
            columns.append(ColumnSpec(feature.name, "category", feature.player, 0.0, float(size), size))
        else:
            low, high = np.clip([known.min(), known.max()], -LARGEST_BOUND, LARGEST_BOUND).tolist()
            columns.append(ColumnSpec(feature.name, "number", feature.player, low, high))
    return tuple(columns)


@compiled
def _add_up(shares: NDArray[np.float64], of: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    """Add each column to its player."""
    for row in range(shares.shape[0]):
        for column in range(shares.shape[1]):
            out[row, of[column]] += shares[row, column]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """A map from columns to players: column j belongs to player `names[of[j]]`."""

    names: tuple[str, ...]
    of: NDArray[np.int64]

    def sums(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums over the columns of each player, one row after the other and in the order of the columns."""
        out = np.zeros((len(shares), len(self.names)))
        _add_up(shares, self.of, out)
        return out


def by_player(columns: Sequence[ColumnSpec], players: Sequence[str]) -> Grouping:
    """Group columns by their player; a player without columns stays in the game and gets exactly 0."""
    index = {player: i for i, player in enumerate(players)}
    return Grouping(tuple(players), np.array([index[column.player] for column in columns], dtype=np.int64))


def by_column(columns: Sequence[ColumnSpec]) -> Grouping:
    """Make each column a player of its own."""
    return Grouping(tuple(column.name for column in columns), np.arange(len(columns), dtype=np.int64))
