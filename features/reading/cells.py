"""Cells of a column as text, numbers or property values, whatever kind of file they came from.

An id that one file stores as 12 and another as "12" is the same id; a number that cannot be read is missing and is counted, never
guessed. Work is done on the distinct values of a column, so that millions of rows cost no loop over rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.exact import number
from features.workspaces.conditions import text as number_text


@dataclass(frozen=True, slots=True)
class Words:
    """A column of text: `codes` point into `values`, -1 where nothing is known. A value may stand there more than once."""

    codes: npt.NDArray[np.int32]
    values: list[str]

    def objects(self) -> npt.NDArray[np.object_]:
        """Return the texts themselves, None where nothing is known."""
        table = np.empty(len(self.values) + 1, dtype=object)
        table[:-1] = self.values
        table[-1] = None
        return table[self.codes]


def cell_text(value: object) -> str:
    """Return the text of one cell: whole numbers without a fraction, true and false, dates in ISO, lists as JSON.

    >>> [cell_text(value) for value in ("07", 7, 7.0, 2.5, Decimal("7.00"), True, [1])]
    ['07', '7', '7', '2.5', '7', 'true', '[1]']
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral_value() else str(value.normalize())
    return number_text(value)


def plain(column: Any) -> Any:
    """Return a column as one Arrow array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def read_words(column: Any, missing: Collection[str] = ()) -> Words:
    """Read a column as text; empty cells, NaN and the words in `missing` mean that nothing is known.

    >>> read_words(pa.array([1.0, None, 2.5, 1.0])).objects().tolist()
    ['1', None, '2.5', '1']
    """
    column = plain(column)
    if not pa.types.is_dictionary(column.type):
        if pa.types.is_integer(column.type):
            column = column.cast(pa.string())
        if pa.types.is_nested(column.type):
            column = pa.array([None if cell is None else cell_text(cell) for cell in column.to_pylist()], pa.string())
        column = pc.dictionary_encode(column)
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    values = ["" if value is None or value != value else cell_text(value) for value in column.dictionary.to_pylist()]
    unknown = [code for code, value in enumerate(values) if not value or value in missing]
    if unknown:
        known = np.arange(len(values) + 1, dtype=np.int32)
        known[unknown] = -1
        known[-1] = -1
        codes = known[codes]
    return Words(codes, values)


def read_numbers(column: Any, missing: Collection[str] = ()) -> tuple[npt.NDArray[np.float64], list[tuple[str, int]]]:
    """Read a column as numbers, NaN where nothing is known, with the texts that are no numbers and how often each stands there.

    >>> read_numbers(pa.array(["1.5", "", "many"]))
    (array([1.5, nan, nan]), [('many', 1)])
    """
    column = plain(column)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
        if not missing:
            return np.where(np.isinf(values), np.nan, values) if np.isinf(values).any() else values, []
    elif pa.types.is_string(column.type) and not missing:
        try:
            values = pc.if_else(pc.equal(column, ""), None, column).cast(pa.float64())
        except pa.ArrowInvalid:
            pass
        else:
            # Arrow also reads "nan" and "inf", which are no numbers here.
            if pc.all(pc.is_finite(values)).as_py() is not False:
                return values.to_numpy(zero_copy_only=False), []
    words = read_words(column, missing)
    read = [number(value) for value in words.values]
    table = np.array([np.nan if value is None else value for value in read] + [np.nan])
    counts = np.bincount(words.codes[words.codes >= 0], minlength=len(read))
    bad = [(words.values[code], int(counts[code])) for code, value in enumerate(read) if value is None and counts[code]]
    return table[words.codes], bad


def read_properties(column: Any) -> npt.NDArray[Any]:
    """Read a property of events: doubles where the file has numbers, else objects (text, True and False, None).

    >>> read_properties(pa.array([1, None])), read_properties(pa.array(["9", ""]))
    (array([ 1., nan]), array(['9', None], dtype=object))
    """
    column = plain(column)
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return read_numbers(column)[0]
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        result = np.empty(len(column), dtype=object)
        result[:] = column.to_pylist()
        return result
    return read_words(column).objects()
