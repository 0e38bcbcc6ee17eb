"""Columns that grow piece by piece, each row written once: joining millions of rows at the end would touch the memory twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from features.compiled import compiled

I4 = npt.NDArray[np.int32]


class Grown:
    """A column of numbers that grows. Memory that was expected but never written to is not taken from the machine."""

    def __init__(self, dtype: npt.DTypeLike, expected: int = 0, width: int = 0) -> None:
        self._data = np.empty((expected, width) if width else expected, dtype)
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def room(self, rows: int) -> npt.NDArray[Any]:
        """Return the next so many rows, to be written."""
        first, self._used = self._used, self._used + rows
        if self._used > len(self._data):
            larger = np.empty((max(self._used, 3 * len(self._data) // 2), *self._data.shape[1:]), self._data.dtype)
            larger[:first] = self._data[:first]
            self._data = larger
        return self._data[first : self._used]

    def add(self, values: npt.NDArray[Any]) -> None:
        """Append some values."""
        self.room(len(values))[:] = values

    def whole(self) -> npt.NDArray[Any]:
        """Return the column as it is now."""
        return self._data[: self._used]


class GrownProperty:
    """A property that grows: numbers as long as every piece holds numbers, else objects, with None where nothing is known."""

    def __init__(self, expected: int = 0) -> None:
        self._numbers = Grown(np.float64, expected)
        self._mixed: list[npt.NDArray[Any]] | None = None

    def add(self, values: npt.NDArray[Any]) -> None:
        """Append some values."""
        if self._mixed is None and values.dtype != object:
            self._numbers.add(values)
            return
        if self._mixed is None:
            self._mixed = [_objects(self._numbers.whole())]
            self._numbers = Grown(np.float64)
        self._mixed.append(_objects(values))

    def whole(self) -> npt.NDArray[Any]:
        """Return the column as it is now."""
        return self._numbers.whole() if self._mixed is None else np.concatenate(self._mixed)


def _objects(values: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    if values.dtype == object:
        return values
    mixed: npt.NDArray[np.object_] = values.astype(object)
    mixed[np.isnan(values)] = None
    return mixed


def constant(value: int, rows: int) -> npt.NDArray[np.int64]:
    """Return a column that says the same in every row, in the memory of one; it can only be read."""
    return np.broadcast_to(np.int64(value), rows)


def is_constant(column: npt.NDArray[Any]) -> bool:
    """Tell whether a column is one of `constant`."""
    return column.strides == (0,)


def taken(column: npt.NDArray[Any], rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return some rows of a column, by place or by mask."""
    if is_constant(column):
        return np.broadcast_to(column[:1] if len(column) else column, (int(rows.sum()) if rows.dtype == bool else len(rows),))
    some: npt.NDArray[Any] = column[rows]
    return some


def look_up(table: I4, codes: I4) -> I4:
    """Return what stands in a table for each code; -1 asks for the last.

    >>> look_up(np.array([7, 8, -1], np.int32), np.array([1, 0, -1], np.int32)).tolist()
    [8, 7, -1]
    """
    found = codes.copy()
    replace(found, table)
    return found


@compiled
def replace(codes: I4, table: I4) -> None:
    """Replace each code by what stands in a table for it, in place; -1 asks for the last."""
    for i in range(len(codes)):
        codes[i] = table[codes[i]]


@compiled
def tally(codes: I4, counts: npt.NDArray[np.int64]) -> None:
    """Count how often each code stands there, without a copy of the codes in another type."""
    for i in range(len(codes)):
        counts[codes[i]] += 1
