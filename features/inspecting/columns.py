"""Looking at the columns of a file: what kind of values they hold, and which one plays which part."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.clock import DAY_US, format_us
from features.errors import InputError
from features.names import fold
from features.reading.cells import plain, read_numbers, read_words
from features.reading.moments import MISSING, NAIVE, READ, read_moments
from features.reading.sources import open_file

SAMPLE_ROWS = 20_000
_MOSTLY = 0.95


@dataclass(frozen=True, slots=True)
class Column:
    """What a sample of a column's values looks like."""

    name: str
    kind: str
    """time, number, text or empty."""
    filled: float
    distinct: int
    rows: int
    bare_dates: bool = False
    naive: bool = False
    midnights: bool = False
    whole: bool = False
    first: str = ""
    last: str = ""
    longest: int = 0
    values: frozenset[str] = frozenset()

    @property
    def words(self) -> frozenset[str]:
        """The words of the name, folded."""
        return frozenset(fold(self.name).split("_"))

    @property
    def evidence(self) -> str:
        """What a person wants to know before believing a guess."""
        filled = "every row" if self.filled == 1 else "nearly every row" if self.filled >= 0.995 else f"{self.filled:.0%} of rows"
        if self.kind == "time":
            return f"{'dates' if self.bare_dates else 'times'} in {filled}, {self.first} to {self.last}"
        if self.kind == "empty":
            return "empty"
        return f"{'numbers' if self.kind == 'number' else 'text'} in {filled}, {self.distinct:,} different"


@dataclass(frozen=True, slots=True)
class Sample:
    """The columns of a file by its first rows."""

    path: Path
    columns: dict[str, Column]
    unnamed: int
    """How many columns have no name, or one that is too long: they cannot be used."""

    def pick(self, names: Sequence[str], kinds: Collection[str], taken: Iterable[str] = ()) -> str | None:
        """Return the column whose folded name stands earliest in a list, of one of these kinds and not taken yet."""
        taken = set(taken)
        by_name = {fold(name): name for name, column in self.columns.items() if column.kind in kinds and name not in taken}
        return next((by_name[name] for name in names if name in by_name), None)


def sample(path: Path) -> Sample:
    """Look at the first rows of a file; one that is missing, empty or unreadable is an error in a sentence."""
    if not path.is_file():
        raise InputError(
            f"{path} cannot be read",
            given="a folder" if path.is_dir() else "no such file",
            expected="an existing file",
            do="check the path",
        )
    origin = open_file(path)
    names = origin.columns()
    names = _json_names(path) if names is None else names
    piece = next(iter(origin.pieces(names, frozenset())), None)
    if piece is None or piece.rows == 0:
        raise InputError(f"{path.name} is empty", given="no rows", expected="a header and rows", do="export the file again")
    usable = [name for name in dict.fromkeys(names) if name.strip() and len(name) <= 500 and name in piece.columns]
    rows = min(piece.rows, SAMPLE_ROWS)
    columns = {name: look(name, plain(piece.columns[name])[:rows]) for name in usable}
    return Sample(path, columns, len(names) - len(usable))


def _json_names(path: Path) -> list[str]:
    """Return the keys in the first lines of a JSON file, with those under properties and traits; its reader judges bad lines."""
    names: dict[str, None] = {}
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as file:
            for _, text in zip(range(SAMPLE_ROWS // 10), file, strict=False):
                row = json.loads(text) if text.strip() else None
                names.update(dict.fromkeys(_json_keys(row)))
    except (OSError, EOFError, ValueError, RecursionError):
        pass
    return list(names)


def _json_keys(row: Any) -> list[str]:
    if not isinstance(row, dict):
        return []
    inside = [value for key, value in row.items() if key in ("properties", "traits") and isinstance(value, dict)]
    return [key for part in (row, *inside) for key, value in part.items() if not isinstance(value, dict | list)]


def look(name: str, column: Any) -> Column:
    """Tell what the values of one column look like."""
    words = read_words(column)
    known = words.codes[words.codes >= 0]
    times = np.bincount(known, minlength=len(words.values)).tolist()
    values = frozenset(value for value, count in zip(words.values, times, strict=True) if count)
    rows = len(column)
    empty = Column(name, "empty", filled=len(known) / rows, distinct=len(values), rows=rows)
    if not values:
        return empty
    text = replace(empty, kind="text", values=values, longest=max(len(value) for value in values))
    numbers, bad = read_numbers(column)
    if not pa.types.is_boolean(column.type) and sum(count for _, count in bad) <= (1 - _MOSTLY) * len(known):
        real = numbers[np.isfinite(numbers)]
        return replace(text, kind="number", whole=bool((real == np.floor(real)).all()))
    return _time(column, text) or text


def _time(column: Any, text: Column) -> Column | None:
    """Tell whether a column holds times; the first rows decide whether it is worth reading the others."""
    for part in (column[:200], column):
        try:
            read = read_moments(part, timezone="UTC", zone="UTC")
        except TypeError:
            return None
        given = (read.state != MISSING).sum()
        us = read.us[read.state == READ]
        if len(us) < _MOSTLY * given:
            return None
    naive = bool((read_moments(column, timezone="UTC", zone=None).state == NAIVE).any())
    return replace(
        text,
        kind="time",
        naive=naive,
        bare_dates=not naive and (pa.types.is_date(column.type) or {len(value) for value in text.values} == {10}),
        midnights=bool((us % DAY_US == 0).all()),
        first=format_us(int(us.min()))[:10],
        last=format_us(int(us.max()))[:10],
    )
