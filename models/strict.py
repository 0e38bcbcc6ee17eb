"""Strict JSON: what a model folder is written in, and how it is read without trusting it.

Writing is canonical: keys sorted, no blanks, floats by repr, so equal models are equal bytes. Reading refuses what JSON readers
usually let pass: a key given twice, NaN and Infinity, numbers beyond a double, unknown or missing keys, and the wrong type.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from models.errors import damaged

_LONGEST_INTEGER = 18
HUGE = 1.7e308


def write_json(value: object) -> str:
    """Return the one canonical text of a value.

    >>> write_json({"b": 0.1, "a": [1, None]})
    '{"a":[1,null],"b":0.1}\\n'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False) + "\n"


def read_json(text: str, where: str) -> object:
    """Parse a JSON text, refusing duplicate keys, NaN, Infinity and numbers that no double holds."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            names = [name for name, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            raise damaged(f"{where} has a key twice", given=repr(twice)[:80], expected="each key once")
        return found

    def constant(word: str) -> NoReturn:
        raise damaged(f"{where} holds a number that is not finite", given=word, expected="finite numbers")

    def real(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            constant(digits[:40])
        return value

    def whole(digits: str) -> int:
        if len(digits) > _LONGEST_INTEGER:
            raise damaged(
                f"{where} holds an integer that is too long", given=digits[:40], expected=f"at most {_LONGEST_INTEGER} digits"
            )
        return int(digits)

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_float=real, parse_int=whole)
    except json.JSONDecodeError as error:
        raise damaged(
            f"{where} is not JSON", given=f"line {error.lineno}, column {error.colno}", expected="one JSON value"
        ) from None
    except RecursionError:
        raise damaged(f"{where} is nested too deeply", given="too many brackets", expected="a flat description") from None


class Fields:
    """One JSON object with exactly the keys that are expected, read key by key.

    >>> Fields({"age": 3}, "reference.json", ["age"]).number("age")
    3.0
    """

    def __init__(self, value: object, where: str, keys: Collection[str]) -> None:
        if not isinstance(value, dict):
            raise damaged(f"{where} is not an object", given=type(value).__name__, expected="an object")
        unknown = sorted(set(value) - set(keys))
        if unknown:
            raise damaged(f"{where} has an unknown key", given=repr(unknown[0])[:80], expected=", ".join(sorted(keys)))
        absent = sorted(set(keys) - set(value))
        if absent:
            raise damaged(f"{where} lacks a key", given="nothing", expected=repr(absent[0]))
        self._values: dict[str, object] = value
        self.where = where

    def wrong(self, key: str, expected: str) -> NoReturn:
        """Refuse the value of a key."""
        raise damaged(f"{self.where} has a wrong {key}", given=repr(self._values[key])[:80], expected=expected)

    def get(self, key: str) -> object:
        """Return the value of a key as it was read."""
        return self._values[key]

    def number(self, key: str, low: float = -HUGE, high: float = HUGE) -> float:
        """Return a number between two bounds, both included."""
        value = self._values[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.wrong(key, f"a number from {low} to {high}")
        return float(value)

    def integer(self, key: str, low: int, high: int) -> int:
        """Return an integer between two bounds, both included."""
        value = self._values[key]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.wrong(key, f"an integer from {low} to {high}")
        return value

    def text(self, key: str, choices: Collection[str] = ()) -> str:
        """Return a text, one of the choices if there are any."""
        value = self._values[key]
        if not isinstance(value, str) or (choices and value not in choices):
            self.wrong(key, f"one of {', '.join(choices)}" if choices else "a text")
        return value

    def items(self, key: str, least: int = 0, most: int = 1_000_000) -> list[object]:
        """Return a list of a bounded length."""
        value = self._values[key]
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise damaged(
                f"{self.where} has a wrong {key}",
                given=f"{len(value)} items" if isinstance(value, list) else type(value).__name__,
                expected=f"a list of {least} to {most} items",
            )
        return value

    def numbers(self, key: str, length: int, largest: float = HUGE) -> NDArray[np.float64]:
        """Return a list of finite numbers of a known length, none larger than a bound on either side."""
        value = self.items(key, length, length)
        if not all(type(item) in (int, float) for item in value):
            raise damaged(f"{self.where} has a wrong {key}", given="something else", expected="numbers only")
        numbers = np.array(value, dtype=np.float64)
        if np.any(np.abs(numbers) > largest):
            raise damaged(f"{self.where} has a wrong {key}", given="a value outside", expected=f"numbers up to {largest}")
        return numbers

    def integers(self, key: str, length: int, low: int, high: int) -> NDArray[np.int64]:
        """Return a list of integers of a known length, each between two bounds."""
        value = self.items(key, length, length)
        if not all(type(item) is int and low <= item <= high for item in value):
            raise damaged(f"{self.where} has a wrong {key}", given="a value outside", expected=f"integers from {low} to {high}")
        return np.array(value, dtype=np.int64)

    def mapping(self, key: str) -> dict[str, object]:
        """Return an object of any keys."""
        value = self._values[key]
        if not isinstance(value, dict):
            self.wrong(key, "an object")
        return value
