"""Strict JSON: what two readers could understand differently, or what a database cannot hold, is refused.

The standard library's reader takes NaN, numbers beyond infinity, the last of two equal keys, lone surrogates, NUL, and nesting
until it gives up. Here none of these gets in, and neither does an object of more keys than anything that people send: reading
200,000 different keys takes a fifth of a second, so they are counted before they are read.

Nearly every body is good, and is read by pydantic's reader, which is fast but keeps only the last of equal keys. Whether one was
lost is seen by counting: every colon of the text stands behind a key that was read, or within a text that was read. What is not
plainly good is read again by the standard library's reader, slowly and with a look at every pair; that one decides and says why.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json

from serving.problems import Problem

MAX_DEPTH = 32
MAX_KEYS = 10_000
"""An object may have at most so many keys; an event of 32 kB has room for fewer."""

TOO_MANY = f"The body holds an object of more than {MAX_KEYS:,} keys."

MAX_VALUES = 1_000_000
"""A body may hold about so many values where no other bound is given."""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?\s*(:?)|[{}]', re.DOTALL)
"""A text with the colon behind it, or a brace. A text without an end goes to the end, so that no character is looked at twice."""

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


class _Refused(ValueError):
    """A part of the text that strict JSON does not allow."""


def read(data: bytes, most_values: int = MAX_VALUES, *, nan_is_missing: bool = False) -> Any:
    """Return the value of a JSON body of about so many values at most.

    ``nan_is_missing`` takes NaN, as pandas and NumPy write what is missing, for null. Infinity stays refused.

    Raises
    ------
    Problem
        ``bad_json``, with a sentence that names the rule and never the text.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("bad_json", "The body must be UTF-8.") from None
    try:
        _count_values(data, most_values)
        _count_keys(data)
        if not nan_is_missing and b"\\u" not in data:  # an escape may stand for a colon
            try:
                value = from_json(data, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                pass  # the other reader says why, in our words
            else:
                if _check(value, look_at_text=False) == data.count(b":"):
                    return value
        value = (_LENIENT if nan_is_missing else _DECODER).decode(text)
        _check(value, look_at_text="\\u" in text)
    except RecursionError:
        raise Problem("bad_json", f"The body nests deeper than {MAX_DEPTH} levels.") from None
    except _Refused as refusal:
        raise Problem("bad_json", str(refusal)) from None
    except json.JSONDecodeError as error:
        raise Problem("bad_json", f"The body is not JSON: it cannot be read from byte {_offset(text, error.pos)} on.") from None
    except ValueError:
        raise Problem("bad_json", "The body holds a number with too many digits.") from None
    return value


def _offset(text: str, position: int) -> int:
    return len(text[:position].encode("utf-8", "surrogatepass"))


def _count_values(data: bytes, most: int) -> None:
    """Refuse too many values before they are read: a comma or an opening bracket goes before each of them, or nearly.

    Those within texts count too. Leaving them out would take as long as reading, and nobody's texts consist of commas.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > most:
        raise _Refused(f"The body holds more than {most:,} commas and opening brackets.")


def _count_keys(data: bytes) -> None:
    """Refuse an object of too many keys before it is read; most bodies are seen at a glance to have none."""
    if data.count(b":") <= MAX_KEYS or all(part.count(b":") <= MAX_KEYS for part in data.split(b"}")):
        return
    open_objects = [0]
    for token in _TOKEN.finditer(data):
        if token[1]:
            open_objects[-1] += 1
            if open_objects[-1] > MAX_KEYS:
                raise _Refused(TOO_MANY)
        elif token[0] == b"{":
            open_objects.append(0)
        elif token[0] == b"}" and len(open_objects) > 1:
            open_objects.pop()


def _pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused("The body gives the same key twice in one object.")
    if len(made) > MAX_KEYS:
        raise _Refused(TOO_MANY)
    return made


def _constant(_text: str) -> Any:
    raise _Refused("The body holds NaN or Infinity, which are not JSON.")


def _missing(text: str) -> Any:
    return None if text == "NaN" else _constant(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)
_LENIENT = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_missing)


def _check(value: Any, *, look_at_text: bool) -> int:
    """Walk the value level by level and check what it holds; return how many colons its text has, if nothing of it was lost.

    Bad characters can only come from escapes.
    """
    keys: list[str] = []
    texts: list[str] = []
    integers: list[int] = []
    floats: list[float] = []
    level: list[Any] = [value]
    depth = 0
    while level:
        if depth == MAX_DEPTH and any(type(item) is dict or type(item) is list for item in level):
            raise _Refused(f"The body nests deeper than {MAX_DEPTH} levels.")
        below: list[Any] = []
        for item in level:  # the kinds that are most come first
            kind = type(item)
            if kind is str:
                texts.append(item)
            elif kind is dict:
                if len(item) > MAX_KEYS:
                    raise _Refused(TOO_MANY)
                keys += item
                below += item.values()
            elif kind is list:
                below += item
            elif kind is int:
                integers.append(item)
            elif kind is float:
                floats.append(item)
        level = below
        depth += 1
    _check_numbers(integers, floats)
    text = "".join(texts) + "".join(keys)
    if look_at_text:
        _check_text("".join(texts))
        _check_text("".join(keys))
    return len(keys) + text.count(":")


def _check_numbers(integers: Sequence[int], floats: Sequence[float]) -> None:
    if integers and (min(integers) < -(2**63) or max(integers) >= 2**63):
        raise _Refused("The body holds an integer beyond 64 bits.")
    if any(map(math.isinf, floats)):
        raise _Refused("The body holds a number beyond the range of a double.")


def _check_text(text: str) -> None:
    found = _NO_TEXT.search(text)
    if found is not None:
        raise _Refused("The body holds the character NUL." if found[0] == "\x00" else "The body holds half of a surrogate pair.")
