"""Entry: what everybody gets: rows to learn from, in our own matrix, and the matrix of the rows to answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.columns import ColumnSpec
from training.pairs import Table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST = 20
"""A part to validate on with fewer converting leads says nothing."""

RANDOM_PARTS = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One fit: what is learnt from, and the features of the rows that are to be answered (their outcomes are not here)."""

    learn: Table
    columns: tuple[ColumnSpec, ...]
    x: Floats

    @property
    def categories(self) -> list[int]:
        """The places of the categories: codes, 0 for a value that training did not know, NaN for a missing one."""
        return [place for place, column in enumerate(self.columns) if column.kind == "category"]

    @property
    def numbers(self) -> list[int]:
        """The places of the numbers."""
        return [place for place, column in enumerate(self.columns) if column.kind == "number"]

    def digest(self) -> str:
        """Return what tells this entry from any other."""
        found = hashlib.sha256(repr([column.as_dict() for column in self.columns]).encode())
        rows = self.learn.rows
        for values in (self.learn.x, rows.outcome, rows.weight, rows.cluster, rows.started_at, self.x):
            found.update(np.ascontiguousarray(values).tobytes())
        return found.hexdigest()


Rival = Callable[[Entry], Floats]
"""Learns from an entry, and returns a probability for each row to be answered."""


@dataclass(frozen=True, slots=True)
class Part:
    """Positions to learn from while settings are sought, and positions to validate them on."""

    learn: Ints
    valid: Ints


def validation(table: Table) -> list[Part]:
    """Return the parts that rivals find their settings on.

    Forward in time where leads started at different times: the latest quarter of the converting leads, with all that started
    beside them, validates. Otherwise three random parts with whole accounts.
    """
    rows = table.rows
    bought = rows.outcome == 1
    _, firsts = np.unique(rows.lead[bought], return_index=True)
    starts = np.sort(rows.started_at[bought][firsts])
    later = rows.started_at >= starts[len(starts) * 3 // 4]
    if min(_converting(rows.lead[bought & side]) for side in (later, ~later)) >= FEWEST:
        return [Part(np.flatnonzero(~later), np.flatnonzero(later))]
    clusters, place = np.unique(rows.cluster, return_inverse=True)
    hand = np.random.default_rng(0).permutation(len(clusters))[place] % RANDOM_PARTS
    return [Part(np.flatnonzero(hand != one), np.flatnonzero(hand == one)) for one in range(RANDOM_PARTS)]


def frame(x: Floats, columns: Sequence[ColumnSpec]) -> pd.DataFrame:
    """Return a matrix as a table with names and real categories; a missing category is a category of its own."""
    table = {}
    for place, column in enumerate(columns):
        values = x[:, place]
        if column.kind == "category":
            codes = np.where(np.isnan(values), 0, values + 1).astype(np.int64)
            table[column.name] = pd.Series(pd.Categorical(codes, categories=range(column.size + 2)))
        else:
            table[column.name] = pd.Series(values)
    return pd.DataFrame(table)


def _converting(leads: Ints) -> int:
    return len(np.unique(leads))
