"""Strict JSON: what two readers could understand differently, or what a database cannot hold, is refused.

The standard library's reader takes NaN, numbers beyond infinity, the last of two equal keys, lone surrogates, NUL, and nesting
until it gives up. Here none of these gets in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from serving.problems import Problem

MAX_DEPTH = 32


class _Refused(ValueError):
    """A part of the text that strict JSON does not allow."""


def read(data: bytes) -> Any:
    """Return the value of a JSON body.

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
        value = _DECODER.decode(text)
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


def _pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused("The body gives the same key twice in one object.")
    return made


def _constant(_text: str) -> Any:
    raise _Refused("The body holds NaN or Infinity, which are not JSON.")


def _float(text: str) -> float:
    number = float(text)
    if number - number != 0.0:
        raise _Refused("The body holds a number beyond the range of a double.")
    return number


def _int(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise _Refused("The body holds an integer beyond 64 bits.")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_int)


def _check(value: Any, *, look_at_text: bool) -> None:
    """Walk the value level by level. Bad characters can only come from escapes, so without any only containers are walked."""
    level: list[Any] = [value]
    depth = 0
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values() if not look_at_text else [*item.keys(), *item.values()])
            elif isinstance(item, list):
                below.extend(item)
            elif look_at_text and isinstance(item, str):
                _check_text(item)
        if any(isinstance(item, dict | list) for item in level):
            depth += 1
            if depth > MAX_DEPTH:
                raise _Refused(f"The body nests deeper than {MAX_DEPTH} levels.")
        level = below if look_at_text else [item for item in below if isinstance(item, dict | list)]


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise _Refused("The body holds the character NUL.")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _Refused("The body holds half of a surrogate pair.")
