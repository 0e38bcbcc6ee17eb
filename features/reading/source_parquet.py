"""Parquet files: columns keep their types; only those needed are read, and few-valued text stays a dictionary."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from features.errors import InputError
from features.reading.sources import EVERY, I8, Piece

_ROWS = 1 << 20
"""Rows of a piece: few enough that the memory of one piece serves the next, many enough that a piece costs little by itself."""


class ParquetOrigin:
    """One Parquet file, or some row groups of it that are read together; its rows are numbered from 1."""

    unit = "row"

    def __init__(self, path: Path, groups: Sequence[int] | None = None) -> None:
        self.path = path
        self._groups = groups
        self.name = path.name
        with self._open(()) as file:
            self._columns = list(file.schema_arrow.names)
            self.expected_rows: int = file.metadata.num_rows

    def columns(self) -> Sequence[str]:
        """Return the names of the top-level columns."""
        return self._columns

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:
        """Yield the wanted columns, some million rows at a time."""
        include = [name for name in (self._columns if EVERY in wanted else wanted) if name in self._columns]
        first = 0
        with self._open([name for name in include if name in coded]) as file:
            try:
                for groups in row_groups(file) if self._groups is None else [list(self._groups)]:
                    for batch in file.iter_batches(batch_size=_ROWS, row_groups=groups, columns=include):
                        yield Piece(dict(zip(batch.schema.names, batch.columns, strict=True)), batch.num_rows, first)
                        first += batch.num_rows
            except (pa.ArrowException, OSError) as error:
                raise self._unreadable(error) from None

    def lines(self, rows: I8) -> I8:
        """Number the rows from 1."""
        return rows + 1

    def spoilt(self) -> list[tuple[int, str]]:
        """Return nothing: every row of a Parquet file has its columns."""
        return []

    def _open(self, coded: Sequence[str]) -> parquet.ParquetFile:
        try:
            if self.name.lower().endswith(".gz"):
                source = pa.BufferReader(gzip.decompress(self.path.read_bytes()))
                return parquet.ParquetFile(source, read_dictionary=list(coded))
            return parquet.ParquetFile(self.path, read_dictionary=list(coded))
        except (pa.ArrowException, OSError, EOFError) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(
            f"{self.name} cannot be read as Parquet",
            given=str(error).splitlines()[0],
            expected="a whole Parquet file",
            do="export the file again",
        )


def row_groups(file: parquet.ParquetFile) -> Iterator[list[int]]:
    """Yield the row groups, small ones together: a piece that spans two of them would be cut in two and has two dictionaries."""
    together: list[int] = []
    rows = 0
    for group in range(file.num_row_groups):
        held = file.metadata.row_group(group).num_rows
        if together and rows + held > _ROWS:
            yield together
            together, rows = [], 0
        together.append(group)
        rows += held
    if together:
        yield together
