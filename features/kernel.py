"""The one interpreter: a lead's events, looked at from one instant, become integers, and each feature is one quotient of them.

Training over millions of leads, the live server and any cluster run this source. It walks a lead's events backward from the
instant, so that the windows ``(as_of - w, as_of]`` nest: an event is written into the bucket of the shortest window that holds
it, and a running sum over the buckets gives every window. What is seen first going backward is the most recent, so distinct days
and names need no more than that either. Ties in time do not matter: no number depends on the order of events of one instant.

Everything that varies is an argument, because the disk cache of compiled code does not see globals that come from configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from features.compiled import compiled

P = ParamSpec("P")
R = TypeVar("R")

# The tracks of a selector: what is counted for it. Those below FIRST_SINGLE have a cell for every window, the others one cell.
COUNT, DAYS, NAMES, USUAL, DURATION, DURATIONS, AMOUNT, AMOUNTS, NIGHT, WEEKEND, BUSINESS, SESSIONS, ACTIVE = range(13)
HAS, LAST, FIRST, CURRENT, LONGEST = range(13, 18)
FIRST_SINGLE, TRACKS = 13, 18

_LARGEST = 2**53 - 1  # integers up to here are exact as floating point
_NO_NUMBER = -(2**63)  # features.exact.MISSING
_NIGHT_BIT, _WEEKEND_BIT, _BUSINESS_BIT = 1, 2, 4  # features.calendar


class History(NamedTuple):
    """The events of many leads as integer columns, those of one lead together and in the order of time."""

    offsets: NDArray[np.int64]
    """The events of lead i are those from offsets[i] to offsets[i + 1]."""
    at: NDArray[np.int64]
    known: NDArray[np.int64]
    kind: NDArray[np.int32]
    times: NDArray[np.int64]
    day: NDArray[np.int32]
    bits: NDArray[np.uint8]
    numbers: NDArray[np.int64]
    """One row for each mapped property: milliseconds or minor units."""
    kind_at: NDArray[np.int64]
    """The pairs of kind k are those from kind_at[k] to kind_at[k + 1]: one for each selector that takes events of the kind."""
    pair_selector: NDArray[np.int32]
    pair_slot: NDArray[np.int32]
    """One number for each pair of an event name and a selector."""
    usual: NDArray[np.uint8]
    """Whether the name of a slot is one of the usual names of its selector."""


class Layout(NamedTuple):
    """Where the cells are."""

    windows: NDArray[np.int64]
    """Lengths of the windows, shortest first; the last one holds everything."""
    tracks: NDArray[np.int32]
    """[selector, track]: the first cell, or -1 where nothing needs it."""
    columns: NDArray[np.int32]
    """[selector, 0 or 1]: the row of History.numbers that holds its durations and its amounts, or -1."""
    running: NDArray[np.int32]
    """First cells of the tracks that have a cell for every window."""
    cells: int
    gap: int
    """Microseconds without an event after which a session is over."""


class Quotients(NamedTuple):
    """One feature a row: (k1 * cell1 + k2 * cell2) / (k3 * cell3), missing below an age, kept within limits."""

    factors: NDArray[np.int64]
    places: NDArray[np.int32]
    min_age: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@compiled
def scan(
    history: History,
    layout: Layout,
    lead: int,
    as_of: int,
    start: int,
    today: int,
    cells: NDArray[np.int64],
    seen: NDArray[np.int64],
    stamp: int,
    state: NDArray[np.int64],
) -> int:
    """Write what a lead did as of an instant into the cells; return when the newest event that counts became known.

    `seen` holds for every slot the stamp of the scan that met it last; `state` holds for every selector the age of the event met
    before, its day, the length of the run of days, and whether that run is still going on.
    """
    tracks, windows = layout.tracks, layout.windows
    first = history.offsets[lead]
    low, high = first, history.offsets[lead + 1]
    while low < high:
        middle = (low + high) // 2
        if history.at[middle] <= as_of:
            low = middle + 1
        else:
            high = middle
    newest = start
    bucket = 0
    for event in range(low - 1, first - 1, -1):
        if history.known[event] > as_of:
            continue
        newest = max(newest, history.known[event])
        at = history.at[event]
        while as_of - at >= windows[bucket]:
            bucket += 1
        times = history.times[event]
        kind = history.kind[event]
        for pair in range(history.kind_at[kind], history.kind_at[kind + 1]):
            selector = history.pair_selector[pair]
            track = tracks[selector]
            if track[COUNT] >= 0:
                cells[track[COUNT] + bucket] += times
            if track[HAS] >= 0:
                if cells[track[HAS]] == 0:
                    cells[track[HAS]] = 1
                    cells[track[LAST]] = as_of - at
                cells[track[FIRST]] = max(0, at - start)
            if track[DAYS] >= 0:
                day = history.day[event]
                before = state[selector, 1]
                if day != before:
                    cells[track[DAYS] + bucket] += 1
                    # A run that ends today is still going on, and so is one that ended yesterday: today is not over.
                    if before < 0:
                        state[selector, 2] = 1
                        state[selector, 3] = 1 if today - day <= 1 else 0
                    elif before - day == 1:
                        state[selector, 2] += 1
                    else:
                        state[selector, 2] = 1
                        state[selector, 3] = 0
                    state[selector, 1] = day
                    cells[track[LONGEST]] = max(cells[track[LONGEST]], state[selector, 2])
                    if state[selector, 3] == 1:
                        cells[track[CURRENT]] = state[selector, 2]
            if track[NAMES] >= 0:
                slot = history.pair_slot[pair]
                if seen[slot] != stamp:
                    seen[slot] = stamp
                    cells[track[NAMES] + bucket] += 1
                    cells[track[USUAL] + bucket] += history.usual[slot]
            if track[DURATION] >= 0:
                value = history.numbers[layout.columns[selector, 0], event]
                if value != _NO_NUMBER:
                    cells[track[DURATION] + bucket] += value
                    cells[track[DURATIONS] + bucket] += 1
            if track[AMOUNT] >= 0:
                value = history.numbers[layout.columns[selector, 1], event]
                if value != _NO_NUMBER:
                    cells[track[AMOUNT] + bucket] += value
                    cells[track[AMOUNTS] + bucket] += 1
            if track[NIGHT] >= 0:
                bits = history.bits[event]
                if bits & _NIGHT_BIT:
                    cells[track[NIGHT] + bucket] += times
                if bits & _WEEKEND_BIT:
                    cells[track[WEEKEND] + bucket] += times
                if bits & _BUSINESS_BIT:
                    cells[track[BUSINESS] + bucket] += times
            if track[SESSIONS] >= 0:
                if state[selector, 0] < 0 or as_of - at - state[selector, 0] >= layout.gap:
                    cells[track[SESSIONS] + bucket] += 1
                else:
                    cells[track[ACTIVE] + bucket] += as_of - at - state[selector, 0]
                state[selector, 0] = as_of - at
    for cell in layout.running:
        for place in range(cell + 1, cell + len(windows)):
            cells[place] += cells[place - 1]
    return newest


@compiled
def divide(quotients: Quotients, cells: NDArray[np.int64], age: int, row: NDArray[np.float64]) -> None:
    """Write the features of one look: one rounding each, and missing where the denominator is nought or the age too low."""
    for i in range(len(quotients.min_age)):
        factor, place = quotients.factors[i], quotients.places[i]
        above = factor[0] * cells[place[0]] + factor[1] * cells[place[1]]
        below = factor[2] * cells[place[2]]
        if below == 0 or age < quotients.min_age[i]:
            row[i] = np.nan
        else:
            above = min(max(above, -_LARGEST), _LARGEST)
            row[i] = min(max(above / min(below, _LARGEST), quotients.low[i]), quotients.high[i])


def uncompiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return the plain Python source of a compiled function: its slow twin, which checks bounds."""
    return cast("Callable[P, R]", getattr(function, "py_func", function))


def look_uncompiled(
    history: History,
    layout: Layout,
    quotients: Quotients,
    lead: NDArray[np.int64],
    as_of: NDArray[np.int64],
    start: NDArray[np.int64],
    today: NDArray[np.int32],
    given: NDArray[np.int64],
    values: NDArray[np.float64],
    newest: NDArray[np.int64],
) -> None:
    """Do the same as `look` without any compiled code: what the compiled code must equal to the bit."""
    scan_slowly, divide_slowly = uncompiled(scan), uncompiled(divide)
    for i in range(len(lead)):
        cells = np.zeros(layout.cells, dtype=np.int64)
        cells[: given.shape[1]] = given[i]
        state = np.full((len(layout.tracks), 4), -1, dtype=np.int64)
        seen = np.full(len(history.usual), -1, dtype=np.int64)
        newest[i] = scan_slowly(history, layout, lead[i], as_of[i], start[i], today[i], cells, seen, 0, state)
        divide_slowly(quotients, cells, as_of[i] - start[i], values[i])


@compiled
def look(
    history: History,
    layout: Layout,
    quotients: Quotients,
    lead: NDArray[np.int64],
    as_of: NDArray[np.int64],
    start: NDArray[np.int64],
    today: NDArray[np.int32],
    given: NDArray[np.int64],
    values: NDArray[np.float64],
    newest: NDArray[np.int64],
) -> None:
    """Compute one row of features for each look at a lead; `given` holds the first cells of each look: what is no event."""
    cells = np.zeros(layout.cells, dtype=np.int64)
    seen = np.full(len(history.usual), -1, dtype=np.int64)
    state = np.zeros((len(layout.tracks), 4), dtype=np.int64)
    for i in range(len(lead)):
        cells[:] = 0
        cells[: given.shape[1]] = given[i]
        state[:] = -1
        newest[i] = scan(history, layout, lead[i], as_of[i], start[i], today[i], cells, seen, i, state)
        divide(quotients, cells, as_of[i] - start[i], values[i])
