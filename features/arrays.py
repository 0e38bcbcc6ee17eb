"""The integer arrays between events and features: plain tuples of NumPy arrays, ready for compiled loops."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


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


class Pool(NamedTuple):
    """Whose events a history of accounts holds; empty where a history is one of leads."""

    offsets: NDArray[np.int64]
    """The members of account i are those from offsets[i] to offsets[i + 1], in the order of their ids."""
    joined: NDArray[np.int64]
    """When the membership of each became known."""
    member: NDArray[np.int64]
    """Of each event, the member. Events of one instant are in the reverse order of members."""


class Layout(NamedTuple):
    """What is counted, and which cells it goes to."""

    columns: NDArray[np.uint32]
    """[selector, track]: its place in a row of the trail, or 0 where nothing needs it: there stands the time of the event."""
    step: NDArray[np.int64]
    """Length of a row of each selector's trail; 0 where no window is asked for: then all rows are written over one another."""
    room: NDArray[np.int64]
    """Numbers that a selector without a trail writes over."""
    numbers: NDArray[np.int32]
    """[selector, 0 or 1]: the row of History.numbers that holds its durations and its amounts, or -1."""
    whole: NDArray[np.int32]
    """Selector, track and cell of everything that is asked for without a window."""
    window_at: NDArray[np.int64]
    """The windows of selector i are those from window_at[i] to window_at[i + 1], the longest first."""
    window_selector: NDArray[np.int32]
    window_us: NDArray[np.int64]
    part_at: NDArray[np.int64]
    """What is asked for in window i are the parts from part_at[i] to part_at[i + 1]."""
    parts: NDArray[np.int32]
    """Track and cell."""
    cells: int
    gap: int
    """Microseconds without an event after which a session is over."""


class Quotients(NamedTuple):
    """One feature a row: (k1 * cell1 + k2 * cell2) / (k3 * cell3), missing below an age, kept within limits."""

    columns: NDArray[np.int32]
    """The place of each feature in the row."""
    factors: NDArray[np.int64]
    places: NDArray[np.int32]
    min_age: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class Looks(NamedTuple):
    """From when to look at whom. Looks at one lead that follow one another in time are taken in one walk."""

    row: NDArray[np.int64]
    """The row of the matrix that each look writes."""
    place: NDArray[np.int64]
    """The place in the history: of the lead, or of its account; -1 where there is none, and the row is left as it is."""
    lead: NDArray[np.int64]
    """The lead itself: among the members of the pool, where there is one."""
    as_of: NDArray[np.int64]
    start: NDArray[np.int64]
    today: NDArray[np.int32]
    given: NDArray[np.int64]
    """The first cells of each look: what is not counted from events."""


class Memory(NamedTuple):
    """What a walk remembers."""

    now: NDArray[np.int64]
    """[selector, track]: the running totals."""
    begin: NDArray[np.int64]
    """Where the trail of each selector begins."""
    head: NDArray[np.int64]
    """Of each window, the row of the first event inside, or the end of the trail."""
    names: NDArray[np.int64]
    """Of each window, different names inside."""
    usual: NDArray[np.int64]
    slot_walk: NDArray[np.int64]
    """Of each slot, the walk that met it last, and the row of its newest event there."""
    slot_row: NDArray[np.int64]
    person: NDArray[np.int64]
    """The number of each member of the pool among the chosen mates, or -1."""
    people: NDArray[np.int64]
    """[selector, person]: the time of the newest event."""
