"""Looking at the columns of a file: what kind of values they hold, and which one plays which part."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from features.clock import DAY_US, format_us
from features.errors import InputError
from features.names import fold
from features.reading.cells import plain, read_numbers, read_words
from features.reading.moments import EARLIEST, LATEST, MISSING, NAIVE, READ, read_moments
from features.reading.nested import CONTAINERS, opened
from features.reading.shaping import Shape
from features.reading.sources import Origin, Piece, open_file

SAMPLE_ROWS = 20_000
_MOSTLY = 0.95
_DEEPEST = 3
_MOST_INSIDE = 300
_SOONEST = 946_684_800
"""2000-01-01: smaller numbers are rather counts or ids than seconds since 1970."""


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
    unit: str | None = None
    """If these whole numbers may be times: in which unit they count from 1970 on. No two units fit the same numbers."""
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

    name: str
    columns: dict[str, Column]
    unnamed: int
    """How many columns have no name, or one that is too long: they cannot be used."""
    path: Path | None = None

    def pick(self, names: Sequence[str], kinds: Collection[str], taken: Iterable[str] = ()) -> str | None:
        """Return the column whose folded name stands earliest in a list, of one of these kinds and not taken yet."""
        taken = set(taken)
        by_name: dict[str, str] = {}
        for name in sorted(self.columns, key=lambda one: "." in one):  # what lies at the top comes first
            if self.columns[name].kind in kinds and name not in taken:
                by_name.setdefault(fold(name), name)
        return next((by_name[fold(name)] for name in names if fold(name) in by_name), None)


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
    found = sample_origin(origin, _json_names(path) if names is None else names, path.name)
    if found is None:
        raise InputError(f"{path.name} is empty", given="no rows", expected="a header and rows", do="export the file again")
    return replace(found, path=path)


def sample_origin(origin: Origin, names: Sequence[str], label: str) -> Sample | None:
    """Look at the first rows of an origin; None if it has none. What lies inside its columns is looked at too."""
    piece = next(iter(origin.pieces(names, frozenset())), None)
    if piece is None or piece.rows == 0:
        return None
    rows = min(piece.rows, SAMPLE_ROWS)
    found = {name: plain(column)[:rows] for name, column in piece.columns.items()}
    inner = [] if getattr(origin, "nested", False) else _inner_names(Piece(found, rows, 0))
    shaped = Shape((*found, *inner), {}).columns(found, rows)
    usable = [name for name in dict.fromkeys([*names, *inner]) if name.strip() and len(name) <= 500 and name in shaped]
    columns = {name: look(name, shaped[name]) for name in usable}
    return Sample(label, columns, len(names) + len(inner) - len(usable))


def _inner_names(piece: Piece) -> list[str]:
    """Return what lies in the objects of properties of a table, as its first rows show."""
    names: dict[str, None] = {}
    for outer in CONTAINERS:
        cells = piece.columns[outer][: SAMPLE_ROWS // 10].to_pylist() if outer in piece.columns else []
        for cell in cells:
            names.update((name, None) for name, value in opened(cell).items() if not isinstance(value, dict | list))
    return [name for name in names if name not in piece.columns][:_MOST_INSIDE]


def _json_names(path: Path) -> list[str]:
    """Return the keys in the first rows of a JSON file, with those inside its objects; its reader judges bad lines."""
    names: dict[str, None] = {}
    for row in _json_rows(path):
        for key in _json_keys(row):
            if key in row or len(names) < _MOST_INSIDE:
                names[key] = None
    return list(names)


def _json_rows(path: Path) -> Iterator[Any]:
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as file:
            if file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
                file.seek(0)
                yield from json.load(file)[: SAMPLE_ROWS // 10]
                return
            file.seek(0)
            for _, text in zip(range(SAMPLE_ROWS // 10), file, strict=False):
                if text.strip():
                    yield json.loads(text)
    except (OSError, EOFError, ValueError, RecursionError):
        pass


def _json_keys(row: Any, before: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the keys of a row that hold a value; what lies in containers is known by its own name, other objects by a path."""
    for key, value in row.items() if isinstance(row, dict) else ():
        if not before and key in CONTAINERS:
            yield from (name for name, inner in opened(value).items() if not isinstance(inner, dict | list))
        elif isinstance(value, dict) and depth < _DEEPEST:
            yield from _json_keys(value, f"{before}{key}.", depth + 1)
        elif not isinstance(value, dict | list):
            yield before + key


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
        whole = bool((real == np.floor(real)).all())
        return _counted(replace(text, kind="number", whole=whole), real)
    return _time(column, text) or text


def _counted(number: Column, real: Any) -> Column:
    """Note in which unit whole numbers may count from 1970 on: those of one unit lie far from those of the others."""
    for unit, us in (("seconds", 1e6), ("milliseconds", 1e3), ("microseconds", 1.0), ("nanoseconds", 1e-3)):
        if number.whole and len(real) and real.min() * us >= max(EARLIEST, _SOONEST * 1e6) and real.max() * us < LATEST:
            first, last = (format_us(int(one * us))[:10] for one in (real.min(), real.max()))
            return replace(number, unit=unit, first=first, last=last)
    return number


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
