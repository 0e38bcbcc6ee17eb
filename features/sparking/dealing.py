"""From raw rows to parts: an origin's rows are read as on one machine and dealt out to the buckets of their leads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from features.errors import InputError, TrialwiseError
from features.reading.events_table import events_reading, read_events
from features.reading.source_parquet import ParquetOrigin, row_groups
from features.reading.sources import I8, Origin, Piece, Reading, open_file
from features.sparking.buckets import Buckets
from features.sparking.parts import EVENTS, IDS, TOLD, Part, objects, pack, pack_events
from features.sparking.told import Told
from features.workspaces.schema import Workspace

ROWS = 500_000
"""Rows of a source that are read at once."""

_PART_ROWS = 50_000
_TEXT_ROW = 60
"""Bytes of a usual row of text, to guess how many rows a file has."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker reads at once: a file, or some row groups of one."""

    path: Path
    groups: tuple[int, ...] | None
    rows: int
    """How many rows they have, for files of text a guess."""

    def open(self) -> Origin:
        """Return the reader of these rows."""
        return open_file(self.path) if self.groups is None else ParquetOrigin(self.path, self.groups)


def shares(path: Path) -> list[Share]:
    """Divide a file among workers: Parquet by the row groups that are read together, other files not at all."""
    if not path.name.lower().endswith((".parquet", ".pq")):
        return [Share(path, None, path.stat().st_size // _TEXT_ROW)]
    with parquet.ParquetFile(path) as file:
        rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        return [Share(path, tuple(groups), sum(rows[group] for group in groups)) for groups in row_groups(file)]


class _Rows:
    """Rows that have their columns already."""

    def lines(self, rows: I8) -> I8:
        """Number the rows from 1: nobody knows more of a row of a cluster."""
        return rows + 1

    def spoilt(self) -> list[tuple[int, str]]:
        """Return nothing."""
        return []


@dataclass
class GivenRows(_Rows):
    """Rows that somebody else has read, as an Arrow table."""

    table: Any
    name: str = "the Spark table"
    unit: str = "row"

    def columns(self) -> Sequence[str]:
        """Return the names of the columns."""
        return list(self.table.column_names)

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:  # noqa: ARG002 - the protocol's shape
        """Yield those that are wanted, in one piece."""
        there = [name for name in wanted if name in self.table.column_names]
        yield Piece({name: self.table.column(name) for name in there}, self.table.num_rows, 0)


@dataclass
class Header(_Rows):
    """What is known of an origin before its rows are read."""

    name: str
    known: Sequence[str] | None
    nested: bool = False
    unit: str = "row"

    def columns(self) -> Sequence[str] | None:
        """Return the names of the columns, None while only reading can tell."""
        return self.known

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:  # noqa: ARG002 - the protocol's shape
        """Yield nothing."""
        return iter(())


def check_columns(own: Workspace, headers: Sequence[Header], maybe: Set[str]) -> Reading:
    """Return the reading of all origins; raise where a column is in none of them, or a required one not in every one."""
    reading = events_reading(own, events_spec(own), list(headers), maybe)
    list(reading)
    return reading


@dataclass(slots=True)
class _Loose:
    """An origin some of whose optional columns may be in the other origins only: that they are somewhere was checked before."""

    origin: Origin
    known: Sequence[str] | None
    asked: Sequence[str]
    name: str = field(init=False)
    unit: str = field(init=False)
    nested: bool = field(init=False)

    def __post_init__(self) -> None:
        self.name, self.unit, self.nested = self.origin.name, self.origin.unit, nests(self.origin)

    def columns(self) -> None:
        return None

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:
        return self.origin.pieces(wanted if self.known is None else self.asked, coded)

    def lines(self, rows: I8) -> I8:
        return self.origin.lines(rows)

    def spoilt(self) -> list[tuple[int, str]]:
        return self.origin.spoilt()


def nests(origin: Origin) -> bool:
    """Tell whether an origin itself looks into its values."""
    return getattr(origin, "nested", False)


@dataclass(frozen=True, slots=True)
class Dealer:
    """Deals the events of origins out to buckets; `own` is the workspace as a model was trained."""

    own: Workspace
    maybe: frozenset[str]
    buckets: Buckets
    cut: int | None

    def deal(self, origin: Origin) -> Iterator[Part]:
        """Read an origin and yield its rows by bucket, after one account of them; of what stops the reading only that."""
        spec, index = events_spec(self.own), dict[str, int]()
        known = origin.columns()
        shape = events_reading(self.own, spec, [], self.maybe).shape
        part = _Loose(origin, known, shape.asked(known, nested=nests(origin)))
        try:
            events, report = read_events(self.own, spec, index, grow=True, cut=self.cut, store=None, part=part, maybe=self.maybe)
        except TrialwiseError as error:
            yield Part(0, TOLD, Told(error=error).packed())
            return
        mixed = {name for name, values in events.properties.items() if values.dtype == object}
        yield Part(0, TOLD, Told(Counter(read=report.read), report.reasons(), mixed).packed())
        ids = objects(list(index))
        bucket = self.buckets.of(ids)[events.lead]
        order = np.argsort(bucket, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(bucket[order])) + 1):
            for start in range(0, len(rows), _PART_ROWS):
                yield Part(int(bucket[rows[0]]), EVENTS, pack_events(events, ids, rows[start : start + _PART_ROWS]))
            if events.ids is not None and len(rows):
                yield Part(int(bucket[rows[0]]), IDS, pack({"first": events.ids[rows, 0]}))


def gathered(batches: Iterable[Any], rows: int = ROWS) -> Iterator[Any]:
    """Put batches together into tables of at least so many rows, but for the last."""
    held: list[Any] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= rows:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def events_spec(ws: Workspace) -> Any:
    if ws.data.events is None:
        raise InputError(
            "Spark is for events", given="a workspace without data.events", expected="events", do="leave out --engine spark"
        )
    return ws.data.events
