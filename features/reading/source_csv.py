"""CSV files: all columns as text, so that ids keep their leading zeros, and lines counted as an editor counts them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from features.errors import InputError
from features.reading.sources import EVERY, I8, Piece

_BLOCK = 1 << 24
_EXPECTED = "UTF-8 text, values separated by commas or semicolons, a header in the first line"


class CsvOrigin:
    """One CSV file, in UTF-8 with or without its mark, also compressed; a .tsv has tabs for commas.

    Where the comma parts decimals, spreadsheets write semicolons between values: a header with these and no comma says so.
    """

    unit = "line"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._delimiter = "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else ","
        self._skipped = 0
        self._spoilt: list[tuple[int, str]] | None = None
        header = next(self._records(), None)
        if header is None:
            raise InputError(f"{self.name} is empty", given="no header", expected="a header and rows", do="export the file again")
        if self._delimiter == "," and len(header[1]) == 1 and ";" in header[1][0]:
            self._delimiter = ";"
            header = next(self._records())
        self.header = header[1]

    def columns(self) -> Sequence[str]:
        """Return the header."""
        return self.header

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:
        """Yield the wanted columns as text, block by block."""
        include = [name for name in wanted if name in self.header]
        if EVERY in wanted:  # a second column of one name could not be told from the first
            include += [name for name in self.header if name not in include and self.header.count(name) == 1]
        types = {name: pa.dictionary(pa.int32(), pa.string()) if name in coded else pa.string() for name in include}
        convert = arrow_csv.ConvertOptions(include_columns=include, column_types=types, strings_can_be_null=False)
        self._skipped, self._spoilt, first = 0, None, 0
        try:
            compression = "gzip" if self.name.lower().endswith(".gz") else None
            with pa.input_stream(str(self.path), compression=compression) as stream:
                reader = arrow_csv.open_csv(
                    stream,
                    read_options=arrow_csv.ReadOptions(block_size=_BLOCK),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter=self._delimiter, newlines_in_values=True, invalid_row_handler=self._skip
                    ),
                    convert_options=convert,
                )
                for batch in reader:
                    yield Piece(dict(zip(batch.schema.names, batch.columns, strict=True)), batch.num_rows, first)
                    first += batch.num_rows
        except (pa.ArrowInvalid, OSError, EOFError) as error:
            raise InputError(
                f"{self.name} cannot be read as CSV",
                given=str(error).splitlines()[0],
                expected=_EXPECTED,
                do="export the file again",
            ) from None

    def _skip(self, row: Any) -> str:  # noqa: ARG002 - Arrow passes the row
        self._skipped += 1
        return "skip"

    def lines(self, rows: I8) -> I8:
        """Read the file once more to find on which line each row begins; only needed when rows are refused."""
        starts = np.array([line for line, cells in self._data() if len(cells) == len(self.header)], np.int64)
        return starts[rows]

    def spoilt(self) -> list[tuple[int, str]]:
        """Return the lines that have more or fewer values than the header."""
        if self._spoilt is None:
            data = self._data() if self._skipped else ()
            self._spoilt = [(line, "wrong_number_of_values") for line, cells in data if len(cells) != len(self.header)]
        return self._spoilt

    def _data(self) -> Iterator[tuple[int, list[str]]]:
        records = self._records()
        next(records, None)
        return records

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each record with the line on which it begins; blank lines are none."""
        limit = csv.field_size_limit(2**31 - 1)
        try:
            opened = gzip.open if self.name.lower().endswith(".gz") else open
            with opened(self.path, "rt", encoding="utf-8-sig", newline="") as text:
                reader = csv.reader(text, delimiter=self._delimiter)
                before = 0
                for cells in reader:
                    if cells:
                        yield before + 1, cells
                    before = reader.line_num
        except (UnicodeDecodeError, csv.Error, OSError, EOFError) as error:
            raise InputError(
                f"{self.name} cannot be read as CSV",
                given=str(error).splitlines()[0],
                expected=_EXPECTED,
                do="export the file again",
            ) from None
        finally:
            csv.field_size_limit(limit)
