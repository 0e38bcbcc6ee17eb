"""Parts: rows of one bucket as bytes, so that a shuffle moves a few large values instead of many small rows.

A part is an Arrow stream. Columns keep their types: integers, doubles with their NaN, truth values and texts as objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.reading.events_table import EventRows
from features.reading.growing import constant, is_constant

TOLD, IDS, LEADS, PAYMENTS, MERGES, EVENTS = range(6)
"""The kinds of part: `TOLD` is the account of a piece, as JSON; `IDS` are the message ids of events, by themselves."""

TABLES = f"kind >= {LEADS}"
"""Which parts the tables of a bucket are made of, in the words of SQL."""

SCHEMA = pa.schema([("bucket", pa.int32()), ("kind", pa.int32()), ("part", pa.binary())])
DDL = "bucket int, kind int, part binary"

_PROPERTY = "."
"""Before the name of a property, so that none can be taken for another column."""


class Part(NamedTuple):
    """Some rows of one kind and one bucket."""

    bucket: int
    kind: int
    packed: bytes

    def batch(self) -> Any:
        """Return the part as the one row of an Arrow batch."""
        return pa.record_batch([[self.bucket], [self.kind], [self.packed]], schema=SCHEMA)


def pack(columns: Mapping[str, Any]) -> bytes:
    """Write columns of one length as bytes.

    >>> unpack(pack({"a": np.array([1, 2]), "b": np.array(["x", None], object)}))["b"].tolist()
    ['x', None]
    """
    table = pa.table({name: pa.array(column) for name, column in columns.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def unpack(packed: bytes) -> dict[str, npt.NDArray[Any]]:
    """Read the columns of a part; texts and truth values are objects."""
    table = pa.ipc.open_stream(pa.py_buffer(packed)).read_all().combine_chunks()
    return {name: _numpy(table.column(name)) for name in table.column_names}


def _numpy(column: Any) -> npt.NDArray[Any]:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.array(column.to_numpy())  # Arrow's own memory is read-only
    return objects(column.to_pylist())


def objects(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    """Return Python values as an array of objects."""
    found = np.empty(len(values), object)
    found[:] = values
    return found


def pack_events(events: EventRows, ids: npt.NDArray[np.object_], rows: npt.NDArray[Any]) -> bytes:
    """Write some events; `ids` are those of the leads by place."""
    columns: dict[str, Any] = {
        "lead": _coded(events.lead[rows], ids),
        "name": _coded(events.name[rows], objects(events.names)),
        "at": events.at[rows],
    }
    if not is_constant(events.count):
        columns["count"] = events.count[rows]
    if events.known is not events.at:
        columns["known"] = events.known[rows]
    if events.ids is not None:
        columns["first"], columns["second"] = events.ids[rows, 0], events.ids[rows, 1]
    columns |= {_PROPERTY + name: column[rows] for name, column in events.properties.items()}
    return pack(columns)


def _coded(codes: npt.NDArray[Any], texts: npt.NDArray[np.object_]) -> Any:
    used, places = np.unique(codes, return_inverse=True)
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(texts[used], pa.string()))


def join_events(parts: Sequence[bytes], mixed: frozenset[str]) -> tuple[EventRows, list[str]]:
    """Put parts of events together and return them with the ids of their leads by place.

    Properties in `mixed` are objects somewhere in the data, and so they are here: what is compared as text in one bucket must be
    compared as text in all of them.
    """
    tables = [pa.ipc.open_stream(pa.py_buffer(packed)).read_all() for packed in parts]
    lead, ids = _together(tables, "lead")
    name, names = _together(tables, "name")
    ranked = sorted(names)
    place = {one: new for new, one in enumerate(ranked)}
    order = np.array([place[one] for one in names], np.int32)
    at = _joined(tables, "at", "at")
    digests = None
    if "first" in tables[0].column_names:
        digests = np.stack([_joined(tables, half, half) for half in ("first", "second")], axis=1)
    known = _joined(tables, "known", "at") if _any_has(tables, "known") else at
    count = _joined(tables, "count", None) if _any_has(tables, "count") else constant(1, len(at))
    properties = {
        column.removeprefix(_PROPERTY): _property(tables, column, as_objects=column.removeprefix(_PROPERTY) in mixed)
        for column in tables[0].column_names
        if column.startswith(_PROPERTY)
    }
    return EventRows(ranked, lead, order[name], at, known, count, digests, properties), ids


def _any_has(tables: Sequence[Any], column: str) -> bool:
    return any(column in table.column_names for table in tables)


def _joined(tables: Sequence[Any], column: str, otherwise: str | None) -> npt.NDArray[Any]:
    """Join a column; a part that lacks it has another in its place, or says 1 throughout."""

    def of(table: Any) -> npt.NDArray[Any]:
        name = column if column in table.column_names else otherwise
        return np.ones(table.num_rows, np.int64) if name is None else _numpy(table.column(name))

    return np.concatenate([of(table) for table in tables])


def _together(tables: Sequence[Any], column: str) -> tuple[npt.NDArray[np.int32], list[str]]:
    """Number the texts of a coded column over all parts."""
    index: dict[str, int] = {}
    codes = []
    for table in tables:
        coded = table.column(column).combine_chunks()
        mine = np.array([index.setdefault(one, len(index)) for one in coded.dictionary.to_pylist()], np.int32)
        codes.append(mine[coded.indices.to_numpy(zero_copy_only=False)])
    return np.concatenate(codes), list(index)


def _property(tables: Sequence[Any], column: str, *, as_objects: bool) -> npt.NDArray[Any]:
    parts = [_numpy(table.column(column)) for table in tables]
    if not as_objects:
        return np.concatenate(parts)
    values = []
    for part in parts:
        objects_ = part.astype(object)
        if part.dtype != object:
            objects_[np.isnan(part)] = None
        values.append(objects_)
    return np.concatenate(values)
