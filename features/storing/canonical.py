"""JSON in the one form that the store keeps: what is digested and compared later must always be written alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from json import encoder
from typing import Any

_Pieces = Callable[[Any, int], Iterable[str]]


def _writer(*, sort: bool) -> _Pieces:
    """Return what the standard library's encoder makes anew for every value: making it took half the time of a small one."""
    plain = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=sort, separators=(",", ":"))
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the compiled one
        return lambda value, _level: plain.iterencode(value)
    made: _Pieces = make(None, plain.default, encoder.encode_basestring, None, ":", ",", sort, False, False)
    return made


_quoted: Callable[[str], str] = encoder.encode_basestring
_SORTED, _AS_IT_COMES = _writer(sort=True), _writer(sort=False)


def to_json(value: object) -> str:
    """Write JSON in the store's form: keys sorted, no blanks, letters as they are.

    >>> to_json({"b": 1, "a": "é"})
    '{"a":"é","b":1}'
    """
    return "".join(_SORTED(value, 0))


def scalar(value: object) -> str:
    """Write one value as `to_json` does, at once if it is a text or nothing.

    >>> scalar("a"), scalar(None), scalar(1.5)
    ('"a"', 'null', '1.5')
    """
    if type(value) is str:
        return _quoted(value)
    return "null" if value is None else to_json(value)


def size_of(value: object) -> int:
    """Return how many bytes of UTF-8 the store's form of a value takes; the order of keys changes nothing of it.

    >>> size_of({"b": 1, "a": "é"}) == len(to_json({"b": 1, "a": "é"}).encode())
    True
    """
    text = "".join(_AS_IT_COMES(value, 0))
    return len(text) if text.isascii() else len(text.encode())
