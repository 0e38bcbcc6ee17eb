"""Decimals as integers: money in minor units and durations in milliseconds, rounded half to even on their decimal text.

Sums of integers do not depend on the order of events, so that the same history gives the same bits everywhere.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
from numpy.typing import NDArray

LIMIT = 10**12
"""What lies beyond this many small units is no duration or amount of one event: it counts as missing."""

MISSING = -(2**63)
"""Stands for a missing value among the integers."""

_TRUTH = {"true": 1.0, "false": 0.0}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def number(value: object) -> float | None:
    """Read a property or an attribute as a number: numbers, truth values, and texts that are either; everything else is none.

    A file may hold as text what a server hears as a number or a truth value, so both are read alike.

    >>> number("12.50"), number(7), number(True), number("False"), number("twelve"), number(float("nan"))
    (12.5, 7.0, 1.0, 0.0, None, None)
    """
    if type(value) is float:
        return value if abs(value) < float("inf") else None
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in _TRUTH:
            return _TRUTH[text.lower()]
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text)
    if isinstance(value, (bool, int, float, np.number, np.bool_, Decimal)):
        try:
            read = float(value)
        except OverflowError:
            return None
        return read if abs(read) < float("inf") else None
    return None


def scaled(value: object, digits: int) -> int:
    """Return a decimal as a whole number of units of 10**-digits, rounded half to even on its decimal text.

    >>> scaled(2.675, 2), scaled("0.125", 2), scaled(None, 2) == MISSING
    (268, 12, True)
    """
    read = number(value)
    if read is None or abs(read) > LIMIT:
        return MISSING
    units = int(Decimal(repr(read)).scaleb(digits).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    return units if abs(units) <= LIMIT else MISSING


def scaled_numbers(values: NDArray[np.float64], digits: int) -> NDArray[np.int64]:
    """Do the same for many numbers: by binary arithmetic where it cannot differ, by decimal text near a half.

    >>> scaled_numbers(np.array([2.675, 1.5, np.nan]), 2).tolist() == [268, 150, MISSING]
    True
    """
    with np.errstate(invalid="ignore", over="ignore"):
        units = values * 10.0**digits
        usable = np.abs(units) <= LIMIT + 1
        units = np.where(usable, units, 0.0)
        # Below 1e12 the product is off by less than 1e-3, so only values that near a half need their decimal text.
        doubtful = usable & (np.abs(np.abs(units - np.floor(units)) - 0.5) < 1e-3)
    doubtful |= usable & (np.abs(units) > LIMIT - 1)
    whole = np.rint(units).astype(np.int64)
    whole[~usable] = MISSING
    rows = np.flatnonzero(doubtful)
    if len(rows):
        distinct, place = np.unique(values[rows], return_inverse=True)
        whole[rows] = np.array([scaled(float(value), digits) for value in distinct], dtype=np.int64)[place]
    return whole
