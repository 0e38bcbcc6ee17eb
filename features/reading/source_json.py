"""JSON lines: one object a line; a name is found at the top, or inside as tools export it (see ``nested.py``)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import numpy as np

from features.errors import InputError
from features.reading.nested import find
from features.reading.sources import EVERY, I8, Piece, as_array

_ROWS = 50_000


class JsonOrigin:
    """One file of JSON lines, also compressed. Blank lines are passed over."""

    unit = "line"
    nested = True
    """A wanted name may also lie inside an object of the line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._blank: list[int] = []
        self._seen: dict[str, None] = {}
        self._whole = False

    def columns(self) -> Sequence[str] | None:
        """Return the keys that any line has, once all were read; None before, or if there was no line."""
        return list(self._seen) if self._whole and self._seen else None

    def pieces(self, wanted: Sequence[str], coded: frozenset[str]) -> Iterator[Piece]:  # noqa: ARG002 - the protocol's shape
        """Yield the wanted keys as columns."""
        self._blank, first = [], 0
        decode = json.JSONDecoder(parse_constant=_no_constant).decode
        for numbers, lines in self._chunks():
            rows: list[dict[str, Any]] = []
            for number, line in zip(numbers, lines, strict=True):
                try:
                    row = decode(line)
                except (ValueError, RecursionError) as error:
                    raise self._unreadable(number, str(error).splitlines()[0]) from None
                if not isinstance(row, dict):
                    raise self._unreadable(number, "a line that is no object")
                rows.append(row)
                self._seen.update(dict.fromkeys(row))
            columns = {}
            others = dict.fromkeys(key for row in rows for key in row if key not in wanted) if EVERY in wanted else {}
            for name in (*wanted, *others):
                values = [row[name] if name in row else self._inside(row, name) for row in rows]
                try:
                    columns[name] = as_array(values)
                except UnicodeEncodeError:
                    if name in others:  # nobody asked for it by its name
                        columns[name] = as_array([None if _is_broken(value) else value for value in values])
                        continue
                    bad = next(number for number, value in zip(numbers, values, strict=True) if _is_broken(value))
                    raise self._unreadable(bad, "half of a pair of surrogates, which is no letter") from None
            yield Piece(columns, len(rows), first)
            first += len(rows)
        self._whole = True

    def lines(self, rows: I8) -> I8:
        """Count the blank lines before each row back in."""
        blank = np.array(self._blank, np.int64)
        rows_before = blank - 1 - np.arange(len(blank))
        return rows + 1 + np.searchsorted(rows_before, rows, side="right")

    def spoilt(self) -> list[tuple[int, str]]:
        """Return nothing: a line that is not JSON stops the reading."""
        return []

    def _inside(self, row: dict[str, Any], name: str) -> Any:
        there, value = find(row, name)
        if there:
            self._seen[name] = None
        return value

    def _chunks(self) -> Iterator[tuple[list[int], list[str]]]:
        numbers: list[int] = []
        lines: list[str] = []
        number = 0
        try:
            with self._open() as file:
                for number, raw in enumerate(file, 1):
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                    if not line:
                        self._blank.append(number)
                        continue
                    numbers.append(number)
                    lines.append(line)
                    if len(lines) == _ROWS:
                        yield numbers, lines
                        numbers, lines = [], []
        except UnicodeDecodeError as error:
            raise self._unreadable(number, str(error)) from None
        except (OSError, EOFError) as error:
            raise self._unreadable(number + 1, str(error)) from None
        if lines:
            yield numbers, lines

    def _open(self) -> IO[bytes]:
        if self.name.lower().endswith(".gz"):
            return cast("IO[bytes]", gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def _unreadable(self, line: int, given: str) -> InputError:
        return InputError(
            f"line {line} of {self.name} cannot be read as JSON",
            given=given,
            expected="one JSON object a line, in UTF-8",
            do="correct or delete the line",
        )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is not JSON")


def _is_broken(value: Any) -> bool:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return True
    return False
