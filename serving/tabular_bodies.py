"""CSV, Parquet and Arrow bodies, read as if an enemy had written them.

How many rows and columns there are is known before any is read, only columns that the model knows are read, only flat types are
taken, categories stay dictionaries until their rows are counted, and what was read is checked whole before anybody looks at it.
What a library says of a broken body may repeat it, so nobody hears it.
"""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from serving.arrow_messages import need_plain_stream
from serving.feature_table import LEAD_ID, MOST_TEXT, Column, FeatureTable, need_size, table_of
from serving.guards import MB
from serving.parquet_pages import Pages
from serving.problems import Problem
from serving.view import View

T = TypeVar("T")

MOST_INFLATED = 64 * MB
"""The most that the pages of a Parquet body's wanted columns may take when they are unpacked."""
MOST_METADATA, MOST_LISTED = 4 * MB, 100_000
"""The longest text and the longest list within a Parquet file's description of itself."""

PANDAS_INDEX = ("", "__index_level_0__")
"""The row numbers that pandas writes beside a table: no feature, and no mistake."""


def read_csv(data: bytes, view: View) -> FeatureTable:
    """Read a header and rows; an empty cell is missing."""
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        names = next(lines, [])
        need_size(0, len(names))
        rows = []
        for row in lines:
            if len(row) != len(names) and row:
                raise _broken("CSV")
            if row:
                rows.append(row)
                need_size(len(rows))
    except (UnicodeDecodeError, csv.Error):
        raise _broken("CSV") from None
    _need_different(names)
    wanted = [(place, name) for place, name in enumerate(names) if name in view.features.places or name == LEAD_ID]
    read = {name: [row[place] or None for row in rows] for place, name in wanted}
    columns = {name: column if _is_text(name, view) else _numbers_of(column) for name, column in read.items()}
    return table_of(columns, _told(names), len(rows), view)


def read_parquet(data: bytes, view: View) -> FeatureTable:
    """Read a Parquet file."""
    import pyarrow.parquet as pq

    def read() -> FeatureTable:
        limits = {"thrift_string_size_limit": MOST_METADATA, "thrift_container_size_limit": MOST_LISTED}
        meta = (file := pq.ParquetFile(pa.BufferReader(data), **limits)).metadata
        need_size(meta.num_rows, meta.num_columns)
        names = file.schema_arrow.names
        wanted = _flat(file.schema_arrow, view)
        # One long text may stand in every row of a small file: as a dictionary it is unpacked once.
        texts = [name for name in wanted if _holds_texts(file.schema_arrow.field(name).type)]
        places = _places(meta, wanted, texts)
        if meta.num_rows == 0:  # a chunk of no rows has no page that could be walked over, and nothing in it is read
            return _arrow_table(file.schema_arrow.empty_table().select(wanted), names, 0, view)
        pages = Pages(data)
        size = sum(pages.size_of(meta.row_group(group).column(place)) for group in range(meta.num_row_groups) for place in places)
        if size > MOST_INFLATED:
            raise Problem("too_large", f"The columns take more than {MOST_INFLATED} bytes when they are unpacked.")
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts, **limits)
        table = file.read(columns=wanted, use_threads=False, use_pandas_metadata=False)
        return _arrow_table(table, names, meta.num_rows, view)

    return _guarded(read, "Parquet")


def _places(meta: Any, wanted: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Return where the wanted columns are; by the schema, since a column may call itself as it likes.

    Bytes that are no text are refused: decimals may be written so, each as a part of the one before and as long as all of it.
    """
    found = [place for place in range(meta.num_columns) if meta.schema.column(place).path in wanted]
    columns = [meta.schema.column(place) for place in found]
    if any(column.physical_type == "BYTE_ARRAY" and column.path not in texts for column in columns):
        raise _broken("Parquet")
    return found


def read_arrow(data: bytes, view: View, also: Sequence[str] = ()) -> tuple[FeatureTable, dict[str, Any]]:
    """Read an Arrow IPC stream; return the table, and the columns of ``also`` beside it."""

    def read() -> tuple[FeatureTable, dict[str, Any]]:
        buffer = pa.py_buffer(data)
        need_plain_stream(buffer)
        with pa.ipc.open_stream(buffer) as reader:
            schema = reader.schema
        names = schema.names
        need_size(0, len(names))
        wanted = [*_flat(schema, view), *(name for name in also if name in names)]
        options = pa.ipc.IpcReadOptions(included_fields=[schema.get_field_index(name) for name in wanted], use_threads=False)
        with pa.ipc.open_stream(buffer, options=options) as reader:
            table = reader.read_all()
        need_size(table.num_rows)
        table.validate(full=True)
        beside = {name: table.column(name) for name in also if name in names}
        told = [name for name in names if name not in also]
        return _arrow_table(table.drop_columns(list(beside)), told, table.num_rows, view), beside

    return _guarded(read, "Arrow")


def _arrow_table(table: Any, names: Sequence[str], rows: int, view: View) -> FeatureTable:
    table.validate(full=True)
    columns = {name: _column(table.column(name), _is_text(name, view)) for name in table.column_names}
    return table_of(columns, _told(names), rows, view)


def _column(column: Any, is_text: bool) -> Column:
    """Return a column as texts or as numbers; what is neither as its values, to be judged one by one."""
    if is_text or _holds_texts(column.type):
        values = _values(column)
        return values if is_text else _numbers_of(values)
    flat = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    numbers = pc.cast(column.cast(flat), pa.float64(), safe=False)
    return np.asarray(pc.fill_null(numbers, float("nan")).to_numpy(), dtype=np.float64)


def _values(column: Any) -> list[object]:
    """Return values; those of a dictionary are the same objects wherever they stand."""
    if not pa.types.is_dictionary(column.type):
        plain: list[object] = column.to_pylist()
        return plain
    values: list[object] = []
    last, words = None, []
    for chunk in column.chunks:
        if last is None or not chunk.dictionary.equals(last):
            last, words = chunk.dictionary, _words(chunk.dictionary)
        values += [None if place is None else words[place] for place in chunk.indices.to_pylist()]
    return values


def _words(dictionary: Any) -> list[object]:
    words: list[object] = dictionary.to_pylist()
    if any(isinstance(word, str) and len(word) > MOST_TEXT for word in words):
        raise Problem("invalid_request", f"A text is longer than {MOST_TEXT} characters.")
    return words


def _holds_texts(kind: Any) -> bool:
    flat = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(flat) or pa.types.is_large_string(flat))


def _flat(schema: Any, view: View) -> list[str]:
    """Return the names of the wanted columns; each must be of numbers, truth values or texts."""
    _need_different(schema.names)
    wanted = [name for name in schema.names if name in view.features.places or name == LEAD_ID]
    for name in wanted:
        kind = schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null, pa.types.is_string)
        if not any(test(kind) for test in (*tests, pa.types.is_large_string, pa.types.is_decimal)):
            raise Problem("invalid_request", f"The column {name} is neither of numbers nor of texts.")
    return wanted


def _numbers_of(column: Sequence[object]) -> Column:
    """Return numbers that are written as texts; what cannot be read at once stays, to be judged one by one."""
    try:
        read = pc.cast(pa.array(column, type=pa.string()), pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return column
    return np.asarray(pc.fill_null(read, float("nan")).to_numpy(zero_copy_only=False), dtype=np.float64)


def _is_text(name: str, view: View) -> bool:
    return name == LEAD_ID or (name in view.features.places and view.features[name].kind == "category")


def _told(names: Sequence[str]) -> list[str]:
    return [name for name in names if name not in PANDAS_INDEX]


def _need_different(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise Problem("invalid_request", "Two columns have the same name.")


def _guarded(read: Callable[[], T], form: str) -> T:
    try:
        return read()
    except (pa.ArrowException, OSError, struct.error, IndexError, ValueError, TypeError, OverflowError, KeyError):
        raise _broken(form) from None


def _broken(form: str) -> Problem:
    return Problem("invalid_request", f"The body cannot be read as {form}.")
