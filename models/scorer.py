"""Scorer: the object that training and serving share: columns in, calibrated and explained probability out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.catalog import feature_set
from features.compiled import compiled
from features.definition import Definition
from features.feature import FeatureSet
from models.calibration import Calibrator
from models.columns import ColumnSpec, Grouping, by_column, by_player
from models.errors import ModelError
from models.explanation import Explanation, Start, explain
from models.learners import Learner
from models.reference import Reference

Floats = NDArray[np.float64]


@compiled
def _clip(x: Floats, lower: Floats, upper: Floats, size: NDArray[np.int64], out: Floats) -> None:
    """Move numbers into the range of training; make codes that do not exist unknown; leave what is missing."""
    for row in range(x.shape[0]):
        for j in range(x.shape[1]):
            value = x[row, j]
            if size[j] >= 0:
                if value < 0.0 or value > size[j] or (value == value and value != np.floor(value)):
                    value = 0.0
            elif value < lower[j]:
                value = lower[j]
            elif value > upper[j]:
                value = upper[j]
            out[row, j] = value


@dataclass(frozen=True)
class Meta:
    """What a model says about itself: plain facts of its training, never a time, a host or a path."""

    name: str
    horizon_days: float
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scorer:
    """One model: its features' definition, columns, learner, calibration and reference."""

    definition: Definition
    columns: tuple[ColumnSpec, ...]
    learner: Learner
    calibrator: Calibrator
    reference: Reference
    meta: Meta

    def __post_init__(self) -> None:
        known = {feature.name: feature for feature in self.feature_set.features}
        for column in self.columns:
            feature = known.get(column.name)
            size = len(self.definition.categories.get(column.name, ()))
            kind, player = (feature.kind, feature.player) if feature else ("nothing", "nobody")
            if (column.kind, column.player) != (kind, player) or (kind == "category" and column.size != size):
                raise ModelError(
                    "A column of the model is not the feature of that name",
                    given=f"{column.name} ({column.kind} of {column.player}, {column.size} values)",
                    expected=f"{kind} of {player}, {size} values",
                    do="train the model again",
                )
        order = [self.feature_set.index(column.name) for column in self.columns]
        if order != sorted(set(order)):
            raise ModelError(
                "The columns of the model stand in a wrong order",
                given=", ".join(column.name for column in self.columns)[:200],
                expected="each once, in the order of the catalogue",
                do="train the model again",
            )

    @cached_property
    def feature_set(self) -> FeatureSet:
        """Every feature that the definition gives, used or not."""
        return feature_set(self.definition)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def base(self) -> float:
        """The probability from which every explanation starts."""
        return float(self.calibrator.probability(np.array([self.expected]))[0])

    @cached_property
    def expected(self) -> float:
        """The learner's log-odds from which the contributions start: a sum over all leaves of trees, so it is taken once."""
        return self.learner.expected

    @cached_property
    def _start(self) -> Start:
        return Start.of(self.expected, self.calibrator)

    def select(self, names: Sequence[str], values: Floats) -> Floats:
        """Take the model's columns out of a matrix by name, in any order; a column that is not there is missing throughout."""
        if names == self.feature_set.names:
            return values[:, self._places]
        place = {name: i for i, name in enumerate(names)}
        out = np.full((len(values), len(self.columns)), np.nan)
        for j, name in enumerate(self.names):
            if name in place:
                out[:, j] = values[:, place[name]]
        return out

    def clip(self, x: Floats) -> Floats:
        """Move every value into the range that training saw, infinities too."""
        lower, upper, size = self._limits
        out = np.empty(x.shape)
        _clip(np.ascontiguousarray(x, dtype=np.float64), lower, upper, size, out)
        return out

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Where the columns stand among the features of the definition."""
        return np.array([self.feature_set.index(name) for name in self.names], dtype=np.int64)

    @cached_property
    def _limits(self) -> tuple[Floats, Floats, NDArray[np.int64]]:
        return (
            np.array([column.lower for column in self.columns], dtype=np.float64),
            np.array([column.upper for column in self.columns], dtype=np.float64),
            np.array([column.size if column.kind == "category" else -1 for column in self.columns], dtype=np.int64),
        )

    def outside(self, x: Floats) -> NDArray[np.bool_]:
        """Tell which numbers lie outside what their feature can be at all."""
        lower, upper = self._possible
        return np.asarray((x < lower) | (x > upper))

    def unknown(self, x: Floats) -> NDArray[np.bool_]:
        """Tell which categories are values that training did not know."""
        return np.asarray((x == 0) & self._categories)

    @cached_property
    def _possible(self) -> tuple[Floats, Floats]:
        """The least and the most that each number can be; a category is a code, and has no limits."""
        features = [self.feature_set[name] for name in self.names]
        lower = [feature.lower if feature.kind == "number" else -np.inf for feature in features]
        upper = [feature.upper if feature.kind == "number" else np.inf for feature in features]
        return np.array(lower, dtype=np.float64), np.array(upper, dtype=np.float64)

    @cached_property
    def _categories(self) -> NDArray[np.bool_]:
        return self._limits[2] > 0

    def raw(self, x: Floats) -> Floats:
        """Return the learner's log-odds of rows that `select` gave."""
        return self.learner.raw(self.clip(x))

    def probability(self, x: Floats) -> Floats:
        """Return the probability of rows that `select` gave; the same bits for one row and for many."""
        return self.calibrator.probability(self.raw(x))

    def explain(self, x: Floats) -> Explanation:
        """Return probabilities with the share of every player; who has no column in the model has exactly 0."""
        inside = self.clip(x)
        shares = self.learner.shares(inside, self._players)
        raw, players = self.learner.raw(inside), self._players
        return explain(players.names, raw, self._start, players.sums(shares), self.calibrator, shares)

    def column_contributions(self, x: Floats) -> Floats:
        """Return the raw contributions with each column its own player: how much each feature moves a score by itself."""
        return self.learner.contributions(self.clip(x), self._alone)

    @cached_property
    def columns_of(self) -> Mapping[str, tuple[int, ...]]:
        """The places of each player's columns; a player that the model does not use is not there."""
        found: dict[str, list[int]] = {}
        for place, column in enumerate(self.columns):
            found.setdefault(column.player, []).append(place)
        return {player: tuple(places) for player, places in found.items()}

    @cached_property
    def _players(self) -> Grouping:
        return by_player(self.columns, self.feature_set.players)

    @cached_property
    def _alone(self) -> Grouping:
        return by_column(self.columns)
