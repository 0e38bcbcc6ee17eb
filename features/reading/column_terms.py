"""Column terms: what a key of the workspace file may name beside a plain column, where a tool's export is shaped otherwise.

=====================================  ==========================================================================
``properties.plan``                    what lies inside a column (see ``nested.py``)
``time in seconds``                    numbers that count from 1970 on, in seconds, milliseconds, microseconds or nanoseconds
``user_id or anonymous_id``            the first of them that has a value
``page:{path}``                        a text with a value in it; nothing where the value is missing
``page:{path} if event = page_view``   only in the rows where another column has this value, or one of several: ``= a, b``
``event unless event = identify``      only in the others
=====================================  ==========================================================================

A column that has the very name always comes first, and numbers without a unit are never read as times: the unit would be a guess.
Terms are for the keys that say who, what and when. What is no term is a plain name, so that a misspelt one is missed by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.reading.cells import Words, plain, read_words

UNITS = {
    "seconds": Decimal(1_000_000),
    "milliseconds": Decimal(1_000),
    "microseconds": Decimal(1),
    "nanoseconds": Decimal("0.001"),
}
_KEYS = ("lead", "name", "at", "id", "received_at", "started_at", "ended_at", "trial_ends_at", "account", "from", "to")
_UNIT = re.compile(rf"(.+) in ({'|'.join(UNITS)})")
_CONDITION = re.compile(r"(.+?) (if|unless) (.+?) = (.+)")
_TEMPLATE = re.compile(r"([^{}]*)\{([^{}]+)\}([^{}]*)")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a term may take."""

    column: str
    unit: str | None = None
    before: str = ""
    after: str = ""
    where: tuple[str, tuple[str, ...]] | None = None
    """Column and values of which a row must have one."""
    unless: bool = False
    """Whether it must have none of them."""

    @property
    def plain(self) -> bool:
        """Whether it is no more than a column."""
        return self == Choice(self.column)

    @property
    def columns(self) -> list[str]:
        """What it reads."""
        return [self.column, *([self.where[0]] if self.where else [])]


def parse_term(text: str) -> tuple[Choice, ...]:
    """Take a term apart; a plain name is its only choice.

    >>> parse_term("page:{path} if type = page or event")[0].where, parse_term("at")[0].plain
    (('type', ('page',)), True)
    """
    return tuple(_choice(part) for part in text.split(" or "))


def _choice(text: str) -> Choice:
    condition = _CONDITION.fullmatch(text)
    where = (condition[3], tuple(condition[4].split(", "))) if condition else None
    value, unless = (condition[1], condition[2] == "unless") if condition else (text, False)
    template, unit = _TEMPLATE.fullmatch(value), _UNIT.fullmatch(value)
    if template:
        return Choice(template[2], before=template[1], after=template[3], where=where, unless=unless)
    return Choice(unit[1] if unit else value, unit=unit[2] if unit else None, where=where, unless=unless)


def terms_of(keys: Mapping[str, str]) -> dict[str, tuple[Choice, ...]]:
    """Return the terms among the columns that a workspace names, by their text; ``keys`` says which key names each."""
    found = {}
    for column, key in keys.items():
        section, _, last = key.rpartition(".")
        if section.startswith("data.") and section.count(".") == 1 and last in _KEYS:
            choices = parse_term(column)
            if len(choices) > 1 or not choices[0].plain:
                found[column] = choices
    return found


def columns_of(names: Iterable[str], terms: Mapping[str, Sequence[Choice]]) -> list[str]:
    """Return every column that some names and terms may read."""
    names = list(names)
    read = [column for name in names for choice in terms.get(name, ()) for column in choice.columns]
    return list(dict.fromkeys([*names, *read]))


def choose(choices: Sequence[Choice], columns: Mapping[str, Any], rows: int) -> Any:
    """Return the values of a term as one Arrow column."""
    usable = [choice for choice in choices if all(name in columns for name in choice.columns)]
    values = [_value(choice, plain(columns[choice.column])) for choice in usable]
    if len(usable) == 1 and usable[0].where is None:
        return values[0]
    codes = np.full(rows, -1, np.int32)
    texts: list[str] = []
    for choice, value in zip(usable, values, strict=True):
        words = read_words(value)
        take = (codes < 0) & (words.codes >= 0)
        if choice.where is not None:
            asked = read_words(columns[choice.where[0]])
            take &= np.array([*((one in choice.where[1]) != choice.unless for one in asked.values), choice.unless], bool)[
                asked.codes
            ]
        codes[take] = words.codes[take] + len(texts)
        texts += words.values
    # Only what is used may stay: whoever reads the column takes each of its words for one that somebody wrote.
    used, places = np.unique(codes[codes >= 0], return_inverse=True)
    codes[codes >= 0] = places
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array([texts[one] for one in used], pa.string()))


def passes_over(term: str) -> bool:
    """Tell whether a term means to leave rows without a value, since each of its choices has a condition.

    >>> passes_over("event if type = track"), passes_over("page:{path} if type = page or event")
    (True, False)
    """
    return all(choice.where is not None for choice in parse_term(term))


def _value(choice: Choice, column: Any) -> Any:
    if choice.unit is not None:
        return instants(column, choice.unit)
    if not choice.before and not choice.after:
        return column
    words = read_words(column)
    return _by_words(words, [f"{choice.before}{one}{choice.after}" for one in words.values])


def instants(column: Any, unit: str) -> Any:
    """Turn numbers that count from 1970 on into instants; a text that is no number stays, to be refused with its line.

    >>> instants(pa.array([1778144400, None]), "seconds").cast(pa.int64()).to_pylist()
    [1778144400000000, None]
    >>> instants(pa.array(["1778144400.5", "soon"]), "seconds").to_pylist()
    ['2026-05-07T09:00:00.500000Z', 'soon']
    """
    column = plain(column)
    if pa.types.is_integer(column.type) and unit != "nanoseconds":
        try:
            return pc.multiply_checked(column.cast(pa.int64()), int(UNITS[unit])).cast(pa.timestamp("us", "UTC"))
        except pa.ArrowInvalid:
            pass  # some number is far out of range: each is read on its own
    words = read_words(column)
    counted = [_count(one, unit) for one in words.values]
    if all(one is not None for code, one in enumerate(counted) if words.values[code]):
        table = np.array([0 if one is None else one for one in counted] + [0], np.int64)
        us = pa.array(table[words.codes], mask=words.codes < 0)
        return us.cast(pa.timestamp("us", "UTC"))
    shown = [text if us is None else f"{np.datetime64(us, 'us')}Z" for text, us in zip(words.values, counted, strict=True)]
    return _by_words(words, shown)


def _count(text: str, unit: str) -> int | None:
    try:
        us = Decimal(text) * UNITS[unit]
    except InvalidOperation:
        return None
    return int(us) if us.is_finite() and abs(us) < 2**62 else None


def _by_words(words: Words, values: list[str]) -> Any:
    codes = pa.array(words.codes, mask=words.codes < 0)
    return pa.DictionaryArray.from_arrays(codes, pa.array(values, pa.string())).cast(pa.string())
