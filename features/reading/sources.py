"""Sources: files, globs, lists of them, queries and the store, read piece by piece as named columns.

Every piece knows which rows of which origin it holds, so that a refused row can be named by its line.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.errors import InputError
from features.names import nearest
from features.reading.shaping import Shape
from features.reading.stored_columns import KNOWN, STORED, WholeStore
from features.workspaces.data import FileSource, SqlSource, StoreSource

I8 = npt.NDArray[np.int64]

StoreReader = Callable[[str, Sequence[str]], Iterator[Any]]
"""What reads the store: table name and columns -> Arrow tables that have columns of these names."""

SPARK = "spark"
"""The url of a query that a Spark session runs, which only `--engine spark` has."""

FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".pq")


EVERY = "*"
"""Stands among the wanted columns for all that an origin has."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of one origin: Arrow arrays by column name; `first` is the ordinal of the first row, from 0."""

    columns: dict[str, Any]
    rows: int
    first: int
    written: Mapping[str, Any] = field(default_factory=dict)
    """The columns as the origin has them, where every one was asked for."""

    def column(self, name: str) -> Any:
        """Return a column, of nulls where this origin has none of that name."""
        found = self.columns.get(name)
        return pa.nulls(self.rows, pa.string()) if found is None else found


class Origin(Protocol):
    """One file, query or store."""

    name: str
    unit: str
    """What its rows are called: line or row."""

    def columns(self) -> Sequence[str] | None:
        """Return the names of the columns; None while only reading can tell."""

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:
        """Yield the rows with those wanted columns that exist; those in `coded` have few distinct values."""

    def lines(self, rows: I8) -> I8:
        """Return the line, or the number from 1, of each row."""

    def spoilt(self) -> list[tuple[int, str]]:
        """Return the lines that could not be taken apart into columns, with the reason."""


@dataclass(slots=True)
class Reading:
    """One table of a workspace, about to be read.

    `required` and `optional` say which key of the workspace file names each column. An optional column may be absent from some
    files of a list but not from all; one in `maybe` may be absent everywhere. JSON lines have no header, so that there an
    optional key that no line has is only noted in `absent`.
    """

    table: str
    origins: list[Origin]
    required: Mapping[str, str]
    optional: Mapping[str, str] = field(default_factory=dict)
    maybe: Sequence[str] = ()
    coded: frozenset[str] = frozenset()
    every: bool = False
    """Whether all other columns are read as well, and handed on as they are written."""
    absent: dict[str, str] = field(default_factory=dict)
    shape: Shape = field(init=False)

    def __post_init__(self) -> None:
        self.shape = Shape.of({**self.optional, **self.required}, self.maybe)

    def __iter__(self) -> Iterator[tuple[Origin, Piece]]:
        """Yield every piece; a column that is nowhere is an error."""
        for origin in self.origins:
            self._check(origin)
        found: set[str] = set()
        inside: set[str] = set()
        loose = False
        for origin in self.origins:
            known, nested = origin.columns(), _nests(origin)
            checked = known is not None
            loose = loose or not checked
            ready = getattr(origin, "ready", False)
            asked = list(self.shape.names) if ready else self.shape.asked(known, nested=nested)
            for piece in origin.pieces([*asked, EVERY] if self.every else asked, self.coded):
                if not checked and origin.columns() is not None:
                    self._check(origin)
                    checked = True
                written = piece.columns if self.every else {}
                columns = piece.columns if ready else self.shape.columns(piece.columns, piece.rows)
                shaped = Piece(columns, piece.rows, piece.first, written)
                inside.update(name for name, column in shaped.columns.items() if column.null_count < piece.rows)
                yield origin, shaped
            if not checked:
                self._check(origin)
            found.update(origin.columns() or ())
        for column, key in self.optional.items():
            if column in found or column in inside or column.startswith(STORED):
                continue
            if not loose and not self.shape.has(column, found):
                raise _no_column(" and ".join(origin.name for origin in self.origins), column, key, sorted(found))
            self.absent[column] = key

    def _check(self, origin: Origin) -> None:
        known = origin.columns()
        if known is None:
            return
        for column, key in self.required.items():
            if not self.shape.has(column, known, nested=_nests(origin)):
                raise _no_column(origin.name, column, key, known)
        for column, key in (*self.required.items(), *self.optional.items()):
            if list(known).count(column) > 1:
                raise InputError(
                    f"{origin.name} has two columns of one name",
                    given=f"column '{column}' ({key}) twice",
                    expected="it once",
                    do="rename one of the two",
                )


def _nests(origin: Origin) -> bool:
    """Tell whether an origin itself looks into its values, as JSON lines and the store do."""
    return getattr(origin, "nested", False)


def _no_column(where: str, column: str, key: str, known: Sequence[str]) -> InputError:
    near = nearest(column, known)
    shown = ", ".join(known[:30]) + (", ..." if len(known) > 30 else "")
    return InputError(
        f"{where} has no column '{column}'",
        given=f"the columns {shown}" if known else "no columns",
        expected=f"'{column}', as {key} says",
        do=f"did you mean '{near}'? Correct {key}" if near else f"correct {key}",
    )


def open_sources(
    table: str,
    sources: Sequence[FileSource | SqlSource | StoreSource],
    folder: Path,
    *,
    cut: int | None = None,
    store: StoreReader | None = None,
    since: int | None = None,
) -> list[Origin]:
    """Find the origins of one table: globs are spelt out in sorted order, a file that is listed twice is read once.

    ``since`` is what queries that have ``:since`` are asked with; without it they are asked for everything.
    """
    origins: list[Origin] = []
    seen: set[Path] = set()
    for source in sources:
        if isinstance(source, SqlSource):
            from features.reading.source_sql import SqlOrigin

            if source.url == SPARK:
                raise InputError(
                    f"the query of data.{table} is for Spark",
                    given="url: spark without --engine spark",
                    expected="files, or the address of a database",
                    do="add --engine spark to features or score, or export the rows to a file",
                )
            origins.append(SqlOrigin(source.url, source.query, as_of=cut, since=since))
        elif isinstance(source, StoreSource):
            origins.append(_StoreOrigin(table, _needed(store, table)))
        else:
            for path in _files(source.path, folder, table):
                if path.resolve() not in seen:
                    seen.add(path.resolve())
                    origins.append(open_file(path))
    return origins


def open_file(path: Path) -> Origin:
    """Return the reader for one file, by its ending."""
    from features.reading.source_csv import CsvOrigin
    from features.reading.source_json import JsonOrigin
    from features.reading.source_json_list import JsonListOrigin
    from features.reading.source_parquet import ParquetOrigin

    name = path.name.lower().removesuffix(".gz")
    if not name.endswith(FORMATS):
        raise InputError(
            f"{path.name} is of no format that is read here",
            given=f"the ending of {path.name}",
            expected=", ".join(FORMATS) + ", each also with .gz",
            do="rename or convert the file",
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty", given="0 bytes", expected="a header and rows", do="export the file again")
    if name.endswith((".csv", ".tsv")):
        return CsvOrigin(path)
    if name.endswith((".parquet", ".pq")):
        return ParquetOrigin(path)
    return JsonListOrigin(path) if JsonListOrigin.fits(path) else JsonOrigin(path)


def _files(pattern: str, folder: Path, table: str) -> list[Path]:
    path = folder / Path(pattern).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        raise InputError(
            f"data.{table}.source is a folder",
            given=pattern,
            expected="a file, a glob or a list of them",
            do=f"write {pattern.rstrip('/')}/*.csv or the like",
        )
    # Only what the workspace file wrote is a pattern: its own folder may have brackets in its name.
    names = (folder / name for name in glob.glob(str(Path(pattern).expanduser()), root_dir=folder, recursive=True))
    found = sorted(path for path in names if path.is_file())
    if found:
        return found
    near = nearest(path.name, [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else [])
    is_glob = any(letter in pattern for letter in "*?[")
    raise InputError(
        f"no file fits data.{table}.source" if is_glob else f"the file of data.{table}.source does not exist",
        given=str(path),
        expected="an existing file",
        do=f"did you mean '{near}'?" if near else f"correct data.{table}.source or put the file there",
    )


def _needed(store: StoreReader | None, table: str) -> StoreReader:
    if store is None:
        raise InputError(
            f"data.{table}.source is the store, which this command does not read",
            given="source: store",
            expected="files or a query",
            do="name files, or use the command on the machine of the server",
        )
    return store


@dataclass(slots=True)
class _StoreOrigin:
    """What the server has collected, as Arrow tables."""

    table: str
    read: StoreReader
    name: str = "store"
    unit: str = "row"
    nested: bool = True

    @property
    def ready(self) -> bool:
        """Whether the columns come as the workspace names them, whatever those names are made of."""
        return isinstance(self.read, WholeStore)

    def columns(self) -> Sequence[str] | None:
        return None

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:  # noqa: ARG002 - the protocol's shape
        first = 0
        for table in self.read(self.table, wanted):
            columns = {name: table.column(name) for name in (*wanted, KNOWN) if name in table.column_names}
            yield Piece(columns, table.num_rows, first)
            first += table.num_rows

    def lines(self, rows: I8) -> I8:
        return rows + 1

    def spoilt(self) -> list[tuple[int, str]]:
        return []


def as_array(values: list[Any]) -> Any:
    """Return Python values as an Arrow array of one type; where they are of many, as text.

    >>> as_array([1, None, 2]).type, as_array([1, "x", True]).to_pylist()
    (DataType(int64), ['1', 'x', 'true'])
    """
    from features.reading.cells import cell_text

    kinds = {type(value) for value in values} - {type(None)}
    if len(kinds) <= 1 and kinds <= {str, bool, float, int}:
        try:
            return pa.array(values, pa.string() if kinds <= {str} else None)
        except (pa.ArrowInvalid, OverflowError):
            pass
    if kinds == {datetime} and all(value is None or value.tzinfo is not None for value in values):
        return pa.array(values, pa.timestamp("us", "UTC"))
    return pa.array([None if value is None else cell_text(value) for value in values], pa.string())
