"""Conditions on the properties of an event: one function decides, for files and live alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from features.exact import number
from features.names import matches

Where = Mapping[str, Mapping[str, object]]
"""For each property, operator -> wanted value; all of them must hold."""


def text(value: object) -> str:
    """Return the text by which a value is compared with text: 9.0 is ``9``, True is ``true``, and a list is its JSON.

    >>> text(9.0), text(2.5), text(True), text("Pro"), text(["vip", 9])
    ('9', '2.5', 'true', 'Pro', '["vip", 9]')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (list, dict)):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    read = number(value)
    if isinstance(value, bool) or read is None:
        return str(value).lower()
    return str(int(read)) if read == int(read) and abs(read) < 2**53 else repr(read)


def _equal(value: object, wanted: object) -> bool:
    if isinstance(wanted, bool):
        return number(value) == float(wanted)
    if isinstance(wanted, str):
        return text(value) == wanted
    read = number(value)
    return read is not None and read == number(wanted)


def holds(value: object, operator: str, wanted: object) -> bool:
    """Tell whether one condition holds for one value; a missing value, or text where a number is needed, fulfils nothing.

    >>> holds("9", "ge", 9), holds(8.5, "ge", 9), holds("pro", "in", ["pro", "team"]), holds("/pricing/eu", "glob", "/pricing*")
    (True, False, True, True)
    """
    if not isinstance(value, (str, bool, int, float, Decimal, list, dict)) or value != value or value == "":
        return False
    if operator == "eq":
        return _equal(value, wanted)
    if operator == "in":
        return isinstance(wanted, (list, tuple)) and any(_equal(value, one) for one in wanted)
    if operator == "glob":
        return matches(str(wanted), text(value))
    left, right = number(value), number(wanted)
    if left is None or right is None:
        return False
    if operator == "ge":
        return left >= right
    if operator == "gt":
        return left > right
    if operator == "le":
        return left <= right
    if operator == "lt":
        return left < right
    raise ValueError(f"unknown operator {operator}")


def all_hold(properties: Mapping[str, object], where: Where) -> bool:
    """Tell whether every condition holds for the properties of one event."""
    return all(
        holds(properties.get(name), operator, wanted) for name, asked in where.items() for operator, wanted in asked.items()
    )
