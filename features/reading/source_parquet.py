"""Parquet files: columns keep their types; only those needed are read, and few-valued text stays a dictionary."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from features.errors import InputError
from features.reading.sources import I8, Piece

_ROWS = 1 << 22


class ParquetOrigin:
    """One Parquet file; its rows are numbered from 1."""

    unit = "row"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        with self._open(()) as file:
            self._columns = list(file.schema_arrow.names)

    def columns(self) -> Sequence[str]:
        """Return the names of the top-level columns."""
        return self._columns

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:
        """Yield the wanted columns, some million rows at a time."""
        include = [name for name in wanted if name in self._columns]
        first = 0
        with self._open([name for name in include if name in coded]) as file:
            try:
                for batch in file.iter_batches(batch_size=_ROWS, columns=include):
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
