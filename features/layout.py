"""From features to the integer arrays of the kernel: which cells there are, and which of them every quotient divides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features import kernel
from features.arrays import Layout, Quotients
from features.clock import DAY_US, MINUTE_US, NEVER
from features.feature import AGE, HAS_END, LEFT, ONE, Cell, Feature, FeatureSet, Quotient
from features.history import Plan
from features.kernel import TRACKS
from features.selectors import MILLISECONDS, MINOR_UNITS

if TYPE_CHECKING:
    from features.definition import Definition

FILLED = "filled"
"""The given number that says how many of a behaviour's traits are known."""

TRACK = {
    name.lower(): getattr(kernel, name)
    for name in (
        "COUNT", "DAYS", "NAMES", "USUAL", "DURATION", "DURATIONS", "AMOUNT", "AMOUNTS", "NIGHT", "WEEKEND", "BUSINESS",
        "SESSIONS", "ACTIVE", "PEOPLE", "HAS", "LAST", "FIRST", "CURRENT", "LONGEST",
    )
}  # fmt: skip

_NEEDS = {"usual": "names", "durations": "duration", "amounts": "amount", "weekend": "night", "business": "night",
          "active": "sessions", "current": "days", "longest": "days"}  # fmt: skip
"""Tracks that the kernel counts where it counts another one."""

_WRITTEN = {
    "count": ("count",),
    "days": ("days",),
    "names": ("names",),
    "duration": ("duration", "durations"),
    "amount": ("amount", "amounts"),
    "night": ("night", "weekend", "business"),
    "sessions": ("sessions", "active"),
    "people": ("people",),
}
"""What the kernel writes on the trail for each track that it counts."""

_LARGEST_FACTOR = DAY_US * 10_000
"""Factors stay below, so that a factor times a duration of the trial stays far below 2**63."""


class Program(NamedTuple):
    """Features as arrays: what the kernel needs to compute them."""

    layout: Layout
    quotients: Quotients
    given: tuple[Cell, ...]
    """The first cells, which are not counted from events: one, the age, the time left, the traits known."""


def laid_out(definition: Definition, features: Sequence[Feature], plan: Plan) -> FeatureSet:
    """Return features as a set that can be computed."""
    gap = definition.gap_minutes
    return FeatureSet(
        definition=definition,
        features=tuple(features),
        plan=plan,
        program=program(features, plan, gap),
        mates_program=program(features, plan, gap, over="mates"),
        places={feature.name: place for place, feature in enumerate(features)},
    )


def program(features: Sequence[Feature], plan: Plan, gap_minutes: float, *, over: Literal["lead", "mates"] = "lead") -> Program:
    """Lay out the cells that the features over a lead's own events need, or those over its mates', and no others."""
    columns = [place for place, feature in enumerate(features) if feature.quotient is not None and feature.over == over]
    asked = [features[place] for place in columns]
    quotients = [feature.quotient for feature in asked if feature.quotient is not None]
    needed = dict.fromkeys(cell for one in quotients for _, cell in (one.above, one.also, one.below))
    given = tuple(dict.fromkeys((ONE, AGE, LEFT, HAS_END, *(cell for cell in needed if cell.track == FILLED))))
    counted = [cell for cell in needed if cell not in given]
    at = {cell: index for index, cell in enumerate((*given, *counted))}
    layout = _layout(counted, at, plan, round(gap_minutes * MINUTE_US))
    return Program(layout, _quotients(quotients, [feature.min_age_us for feature in asked], columns, at), given)


def _layout(counted: Sequence[Cell], at: Mapping[Cell, int], plan: Plan, gap: int) -> Layout:
    place = {selector.key: index for index, selector in enumerate(plan.selectors)}
    columns = np.zeros((len(place), TRACKS), dtype=np.uint32)
    size = np.ones(len(place), dtype=np.int64)
    for selector, track in sorted({(place[cell.selector], _NEEDS.get(cell.track, cell.track)) for cell in counted}):
        for written in _WRITTEN.get(track, ()):
            columns[selector, TRACK[written]] = size[selector]
            size[selector] += 1
    windows = sorted({(place[cell.selector], -cell.window) for cell in counted if cell.window != NEVER})
    parts: list[list[tuple[int, ...]]] = [[] for _ in windows]
    for cell in counted:
        if cell.window != NEVER:
            parts[windows.index((place[cell.selector], -cell.window))].append((TRACK[cell.track], at[cell]))
    selectors = np.array([selector for selector, _ in windows], dtype=np.int32)
    asked = np.isin(np.arange(len(place)), selectors)
    return Layout(
        columns=columns,
        step=np.where(asked, size, 0),
        room=np.where(asked, 0, size),
        numbers=np.array(
            [[plan.column(one.duration, MILLISECONDS), plan.column(one.amount, MINOR_UNITS)] for one in plan.selectors],
            dtype=np.int32,
        ),
        whole=_rows([(place[cell.selector], TRACK[cell.track], at[cell]) for cell in counted if cell.window == NEVER], 3),
        window_at=np.searchsorted(selectors, np.arange(len(place) + 1)).astype(np.int64),
        window_selector=selectors,
        window_us=np.array([-length for _, length in windows], dtype=np.int64),
        part_at=np.cumsum([0, *map(len, parts)], dtype=np.int64),
        parts=_rows([part for group in parts for part in group], 2),
        cells=len(at),
        gap=gap,
    )


def _rows(rows: Sequence[tuple[int, ...]], width: int) -> NDArray[np.int32]:
    return np.array(rows, dtype=np.int32).reshape(-1, width)


def _quotients(quotients: Sequence[Quotient], min_age: Sequence[int], columns: Sequence[int], at: dict[Cell, int]) -> Quotients:
    factors = np.zeros((len(quotients), 3), dtype=np.int64)
    places = np.zeros((len(quotients), 3), dtype=np.int32)
    for row, one in enumerate(quotients):
        for column, (factor, cell) in enumerate((one.above, one.also, one.below)):
            if abs(factor) > _LARGEST_FACTOR or not one.low <= one.high:
                raise ValueError(f"a quotient that is not safe in 64 bits: {one}")
            factors[row, column], places[row, column] = factor, at[cell]
    return Quotients(
        columns=np.array(columns, dtype=np.int32),
        factors=factors,
        places=places,
        min_age=np.array(min_age, dtype=np.int64),
        low=_floats(quotients, "low"),
        high=_floats(quotients, "high"),
    )


def _floats(quotients: Sequence[Quotient], name: str) -> NDArray[np.float64]:
    return np.array([getattr(one, name) for one in quotients], dtype=np.float64)
