"""Events as they were written: names unfolded, and all that a row says, so that a later mapping may ask for more than this."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.reading.cells import cell_text, plain, read_words
from features.reading.nested import CONTAINERS, opened
from features.reading.sources import I8, Piece
from features.workspaces.data import EventsSpec


class WrittenEvent(NamedTuple):
    """What one row says beside who and when."""

    name: str
    message_id: str | None
    properties: dict[str, Any]


@dataclass(slots=True)
class Written:
    """The rows that were kept, in the order in which they were read."""

    spec: EventsSpec
    _names: list[npt.NDArray[np.object_]] = field(default_factory=list)
    _ids: list[npt.NDArray[np.object_] | None] = field(default_factory=list)
    _columns: list[pa.Table] = field(default_factory=list)
    _ends: list[int] = field(default_factory=lambda: [0])

    def add(self, piece: Piece, keep: npt.NDArray[np.bool_] | None) -> None:
        """Keep rows of a piece, all of them if nothing says which."""
        spec, rows = self.spec, np.arange(piece.rows) if keep is None else np.flatnonzero(keep)
        mapped = {spec.lead, spec.name, spec.at, spec.id, spec.received_at, spec.count}
        others = {name: plain(column) for name, column in piece.written.items() if name not in mapped}
        self._names.append(read_words(piece.column(spec.name)).objects()[rows])
        self._ids.append(None if spec.id is None else read_words(piece.column(spec.id)).objects()[rows])
        # A table without columns has no rows either, so that one column is always there.
        self._columns.append(pa.table({"": pa.nulls(piece.rows), **others}).take(pa.array(rows)))
        self._ends.append(self._ends[-1] + len(rows))

    def events(self, rows: I8) -> list[WrittenEvent]:
        """Return some rows, by their places, in this order."""
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        found: list[WrittenEvent] = []
        for place, (first, last) in enumerate(pairwise(np.searchsorted(ordered, self._ends).tolist())):
            if first < last:
                found += self._of(place, ordered[first:last] - self._ends[place])
        back = np.empty(len(rows), np.int64)
        back[order] = np.arange(len(rows))
        return [found[place] for place in back.tolist()]

    def _of(self, place: int, rows: I8) -> Iterator[WrittenEvent]:
        names, ids = self._names[place][rows].tolist(), self._ids[place]
        message_ids = [None] * len(rows) if ids is None else ids[rows].tolist()
        table = self._columns[place].take(pa.array(rows)).drop_columns([""])
        properties = _properties(table.column_names, [column.to_pylist() for column in table.columns], len(rows))
        return map(WrittenEvent._make, zip(names, message_ids, properties, strict=True))


def _properties(names: Sequence[str], columns: Sequence[list[Any]], rows: int) -> Iterator[dict[str, Any]]:
    """Return what each row says: what lies in a container as well, where the top does not say it."""
    inner = [names.index(name) for name in CONTAINERS if name in names]
    for row in range(rows):
        found: dict[str, Any] = {}
        for name, column in zip(names, columns, strict=True):
            value = _said(column[row])
            if value is not None and not (name in CONTAINERS and opened(value)):
                found[name] = value
        for place in inner:
            for key, value in opened(columns[place][row]).items():
                if key not in found and (said := _said(value)) is not None:
                    found[key] = said
        yield found


def _said(value: Any) -> Any:
    """Return a value as JSON can hold it, None where it says nothing.

    >>> _said(7), _said(float("nan")), _said(""), _said(b"x"), _said({"a": [1, None]})
    (7, None, None, None, {'a': [1, None]})
    """
    if value is None or isinstance(value, bytes) or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): _said(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_said(inner) for inner in value]
    return cell_text(value)
