"""From features to the integer arrays of the kernel: which cells there are, and which of them every quotient divides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features import kernel
from features.clock import DAY_US, MINUTE_US, NEVER
from features.feature import AGE, HAS_END, LEFT, ONE, Cell, Feature, Quotient
from features.history import Plan
from features.kernel import FIRST_SINGLE, TRACKS, Layout, Quotients
from features.selectors import MILLISECONDS, MINOR_UNITS

FILLED = "filled"
"""The given number that says how many of a behaviour's traits are known."""

TRACK = {
    name.lower(): getattr(kernel, name)
    for name in (
        "COUNT", "DAYS", "NAMES", "USUAL", "DURATION", "DURATIONS", "AMOUNT", "AMOUNTS", "NIGHT", "WEEKEND", "BUSINESS",
        "SESSIONS", "ACTIVE", "HAS", "LAST", "FIRST", "CURRENT", "LONGEST",
    )
}  # fmt: skip

_TOGETHER = (
    ("names", "usual"),
    ("duration", "durations"),
    ("amount", "amounts"),
    ("night", "weekend", "business"),
    ("sessions", "active"),
    ("has", "last", "first"),
    ("current", "longest", "days"),
)
"""Tracks that the kernel writes side by side: who needs one of them gets all."""

_LARGEST_FACTOR = DAY_US * 10_000
"""Factors stay below, so that a factor times a duration of the trial stays far below 2**63."""


class Program(NamedTuple):
    """Features as arrays: what the kernel needs to compute them."""

    layout: Layout
    quotients: Quotients
    given: tuple[Cell, ...]
    """The first cells, which are not counted from events: one, the age, the time left, the traits known."""


def program(features: Sequence[Feature], plan: Plan, gap_minutes: float) -> Program:
    """Lay out the cells that some features need, and no others."""
    quotients = [feature.quotient for feature in features if feature.quotient is not None]
    needed = dict.fromkeys(cell for one in quotients for _, cell in (one.above, one.also, one.below))
    given = tuple(dict.fromkeys((ONE, AGE, LEFT, HAS_END, *(cell for cell in needed if cell.track == FILLED))))
    counted = [cell for cell in needed if cell not in given]
    windows = sorted({cell.window for cell in counted} | {NEVER})
    place = {selector.key: index for index, selector in enumerate(plan.selectors)}

    tracks = np.full((len(plan.selectors), TRACKS), -1, dtype=np.int32)
    running: list[int] = []
    size = len(given)
    for selector, track in sorted({(place[cell.selector], track) for cell in counted for track in _group(cell.track)}):
        tracks[selector, track] = size
        if track < FIRST_SINGLE:
            running.append(size)
        size += len(windows) if track < FIRST_SINGLE else 1

    columns = [[plan.column(one.duration, MILLISECONDS), plan.column(one.amount, MINOR_UNITS)] for one in plan.selectors]
    layout = Layout(
        windows=np.array(windows, dtype=np.int64),
        tracks=tracks,
        columns=np.array(columns, dtype=np.int32),
        running=np.array(running, dtype=np.int32),
        cells=size,
        gap=round(gap_minutes * MINUTE_US),
    )
    at = {cell: index for index, cell in enumerate(given)}
    for cell in counted:
        track = TRACK[cell.track]
        at[cell] = int(tracks[place[cell.selector], track]) + (windows.index(cell.window) if track < FIRST_SINGLE else 0)
    return Program(layout, _quotients(quotients, [feature.min_age_us for feature in features if feature.quotient], at), given)


def _group(track: str) -> tuple[int, ...]:
    return tuple(TRACK[name] for group in (*_TOGETHER, (track,)) if track in group for name in group)


def _quotients(quotients: Sequence[Quotient], min_age: Sequence[int], at: dict[Cell, int]) -> Quotients:
    factors = np.zeros((len(quotients), 3), dtype=np.int64)
    places = np.zeros((len(quotients), 3), dtype=np.int32)
    for row, one in enumerate(quotients):
        for column, (factor, cell) in enumerate((one.above, one.also, one.below)):
            if abs(factor) > _LARGEST_FACTOR or not one.low <= one.high:
                raise ValueError(f"a quotient that is not safe in 64 bits: {one}")
            factors[row, column], places[row, column] = factor, at[cell]
    return Quotients(factors, places, np.array(min_age, dtype=np.int64), _floats(quotients, "low"), _floats(quotients, "high"))


def _floats(quotients: Sequence[Quotient], name: str) -> NDArray[np.float64]:
    return np.array([getattr(one, name) for one in quotients], dtype=np.float64)
