"""Who learns and who is examined, with their features: what a fold is to a learner.

A pair keeps no matrix of its own. Its features are taken out of the one matrix of the training set when they are asked for, so
that four folds of a million looks do not lie in memory side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.columns import UNKNOWN, ColumnSpec
from training.folds import Fold
from training.rows import Ints, Rows

Floats = NDArray[np.float64]

SEARCH_ROWS = 30_000
"""At most about so many rows learn in one fold of the search."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was learnt from: the range of each number, and the codes that each category had."""

    low: Floats
    high: Floats
    codes: dict[int, Floats]

    @staticmethod
    def of(x: Floats, columns: Sequence[ColumnSpec]) -> Learnt:
        """Look at the rows that learn; a column without any value sets no bounds."""
        low, high = (np.asarray(least.reduce(x, axis=0, initial=np.nan)) for least in (np.fmin, np.fmax))
        low[np.isnan(low)], high[np.isnan(high)] = -np.inf, np.inf
        codes = {}
        for place, column in enumerate(columns):
            if column.kind == "category":
                low[place], high[place] = -np.inf, np.inf
                codes[place] = np.unique(x[~np.isnan(x[:, place]), place])
        return Learnt(low, high, codes)

    def as_in_use(self, x: Floats) -> Floats:
        """Return rows as the learner would have met them: numbers within its range, categories that nobody had there unknown."""
        x = np.clip(x, self.low, self.high)
        for place, known in self.codes.items():
            unseen = ~np.isnan(x[:, place]) & ~np.isin(x[:, place], known)
            x[unseen, place] = UNKNOWN
        return x


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows with their features: all rows of a matrix or some of them, as they are or as a learner would meet them."""

    rows: Rows
    matrix: Floats
    positions: Ints | None = None
    learnt: Learnt | None = None

    @property
    def x(self) -> Floats:
        """The features; they are taken out of the matrix anew each time, so ask once."""
        x = self.matrix if self.positions is None else self.matrix[self.positions]
        return x if self.learnt is None else self.learnt.as_in_use(x)

    def take(self, positions: Ints) -> Table:
        """Return some of the rows."""
        within = positions if self.positions is None else self.positions[positions]
        return Table(self.rows.take(positions), self.matrix, within, self.learnt)


@dataclass(frozen=True, slots=True)
class Pair:
    """One fold with its features: who learns, who is examined."""

    learn: Table
    examine: Table


def pairs_of(folds: Sequence[Fold], learners: Table, exam: Table, columns: Sequence[ColumnSpec]) -> list[Pair]:
    """Return the folds with their features, the examined ones as they would have been in use."""
    pairs = []
    for fold in folds:
        learn, examine = learners.take(fold.learn), exam.take(fold.examine)
        pairs.append(Pair(learn, Table(examine.rows, exam.matrix, examine.positions, Learnt.of(learn.x, columns))))
    return pairs


def sampled(pairs: Sequence[Pair], *, seed: int) -> list[Pair]:
    """Return the folds with fewer leads in them, where there are more rows than a search needs.

    Leads are drawn, not accounts: one giant account would be all of the sample or none of it. Where conversions are so rare that
    a part of a fold would be left without one, the share is doubled until each has one.
    """
    largest = max(len(pair.learn.rows) for pair in pairs)
    tables = [table for pair in pairs for table in (pair.learn, pair.examine)]
    drawn = np.random.default_rng(seed).random(1 + max(int(table.rows.lead.max(initial=0)) for table in tables))
    share = SEARCH_ROWS / largest
    while share < 1.0:
        thin = [Pair(*(_of_leads(table, drawn < share) for table in (pair.learn, pair.examine))) for pair in pairs]
        if all(_worth_fitting(pair) for pair in thin):
            return thin
        share *= 2.0
    return list(pairs)


def _of_leads(table: Table, kept: NDArray[np.bool_]) -> Table:
    return table.take(np.flatnonzero(kept[table.rows.lead]))


def _worth_fitting(pair: Pair) -> bool:
    return all(0 < int(table.rows.outcome.sum()) < len(table.rows) for table in (pair.learn, pair.examine))
