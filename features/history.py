"""History: the events of many leads, or of one, as the sorted integer columns that the kernel walks over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.arrays import History
from features.calendar import local_days, moments
from features.exact import MISSING, number, scaled_numbers
from features.plan import Kinds, Plan
from features.selectors import Use

if TYPE_CHECKING:
    from features.tables import Events

__all__ = ["EventRow", "History", "Plan", "Row", "build_history", "history_of_leads", "history_of_rows"]

LARGEST_COUNT = 10**9
_PLAIN_NUMBERS = frozenset({float, int, bool, type(None)})
_NAME, _AT, _KNOWN, _COUNT, _PROPERTIES = map(itemgetter, range(5))

Row = tuple[str, int, int, int, Mapping[str, object]]
"""What an EventRow is: name, at, known, count, properties. A plain tuple of these, as a query gives them, serves as well, and is
made in a third of the time."""


class EventRow(NamedTuple):
    """One stored event of a lead.

    `at` is the instant from which it counts (with day resolution the end of its day), `known` when it became known, never before.
    It is a tuple: wherever a Row is asked for, either is taken.
    """

    name: str
    at: int
    known: int
    count: int  # type: ignore[assignment]  # a row is read by its names, never searched as a tuple
    properties: Mapping[str, object]


def build_history(plan: Plan, events: Events, n_leads: int) -> History:
    """Turn a table of events, sorted by lead and time, into a history."""
    return history_of_leads(plan, events, event_offsets(events, n_leads), np.arange(n_leads, dtype=np.int64))


def event_offsets(events: Events, n_leads: int) -> NDArray[np.int64]:
    """Return where the events of each lead begin, and where they end."""
    return np.searchsorted(events.lead, np.arange(n_leads + 1, dtype=events.lead.dtype)).astype(np.int64)


def history_of_leads(plan: Plan, events: Events, offsets: NDArray[np.int64], leads: NDArray[np.int64]) -> History:
    """Turn the events of some leads, in ascending order, into a history in which they have the places 0, 1, 2..."""
    counts = offsets[leads + 1] - offsets[leads]
    own = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    if len(leads) == 0 or leads[-1] - leads[0] == len(leads) - 1:
        first = int(offsets[leads[0]]) if len(leads) else 0
        rows: slice | NDArray[np.int64] = slice(first, first + int(own[-1]))
    else:
        rows = np.repeat(offsets[leads] - own[:-1], counts) + np.arange(own[-1])
    name = events.name[rows]
    used = np.flatnonzero(np.bincount(name, minlength=len(events.names)))
    properties = {prop: _taken(column, rows) for prop, column in events.properties.items()}

    kinds = Kinds(plan)
    by_name = np.zeros(len(events.names), dtype=np.int32)
    uses = {index: plan.use(events.names[index]) for index in used.tolist()}
    for index, use in uses.items():
        by_name[index] = kinds.number(use, use.always)
    kind = by_name[name]
    for index, use in uses.items():
        if use.asking:
            places = np.flatnonzero(name == index)
            kind[places] = _asked(kinds, use, properties, places)
    numbers = np.empty((len(plan.numbers), len(name)), dtype=np.int64)
    for row, (prop, digits) in enumerate(plan.numbers):
        numbers[row] = scaled_numbers(_floats(properties[prop]), digits) if prop in properties else MISSING
    at, known, times = (_plain_column(one[rows]) for one in (events.at, events.known, events.count))
    return _history(plan, kinds, own, kind, numbers, at, known, times)


def _history(
    plan: Plan,
    kinds: Kinds,
    offsets: NDArray[np.int64],
    kind: NDArray[np.int32],
    numbers: NDArray[np.int64],
    at: NDArray[np.int64],
    known: NDArray[np.int64],
    times: NDArray[np.int64],
) -> History:
    """Put the columns together, with the calendar of the plan."""
    day, bits = np.empty(len(at), dtype=np.int32), np.empty(len(at), dtype=np.uint8)
    local_days(plan.calendar, at, day)
    moments(plan.calendar, at, bits)
    tables = kinds.tables()
    return History(
        offsets=offsets,
        at=at,
        known=known,
        kind=kind,
        times=np.minimum(times, LARGEST_COUNT),
        day=day,
        bits=bits,
        numbers=numbers,
        kind_at=tables.kind_at,
        pair_selector=tables.pair_selector,
        pair_slot=tables.pair_slot,
        usual=tables.usual,
    )


def _asked(kinds: Kinds, use: Use, properties: Mapping[str, Any], rows: NDArray[np.intp]) -> NDArray[np.int32]:
    """Return the kinds of the rows of a name whose selectors ask for properties: each different value is asked once."""
    code = np.zeros(len(rows), dtype=np.int64)
    values: list[dict[str, object]] = [{}]
    for name in use.asked:
        if name not in properties:
            continue
        codes, distinct = _distinct(properties[name], rows)
        pairs, code = np.unique(code * len(distinct) + codes, return_inverse=True)
        values = [{**values[pair // len(distinct)], name: distinct[pair % len(distinct)]} for pair in pairs]
    numbers = [kinds.number(use, use.selectors(one)) for one in values]
    return np.array(numbers, dtype=np.int32)[code]


def _distinct(column: Any, rows: NDArray[np.intp]) -> tuple[NDArray[np.int64], list[object]]:
    """Number the different values of some rows; True, 1 and "1" are different."""
    taken = _plain(column, rows)
    codes: dict[tuple[type, object], int] = {}
    numbered = [codes.setdefault((type(value), value), len(codes)) for value in (None if v != v else v for v in taken)]
    return np.array(numbered, dtype=np.int64), [value for _, value in codes]


def _plain(column: Any, rows: NDArray[np.intp]) -> list[Any]:
    """Return rows of a NumPy or Arrow column as Python values."""
    if isinstance(column, np.ndarray):
        return list(column[rows].tolist())
    return list(column.take(rows).to_pylist())


def _floats(column: Any) -> NDArray[np.float64]:
    """Read a column of properties as numbers, NaN where there is none."""
    if not isinstance(column, np.ndarray):
        column = column.to_numpy(zero_copy_only=False)
    if column.dtype.kind in "fiub":
        floats: NDArray[np.float64] = column.astype(np.float64, copy=False)
        return floats
    return _read_numbers(column)


def _read_numbers(values: Iterable[object]) -> NDArray[np.float64]:
    """Read values as numbers."""
    values = list(values)
    if set(map(type, values)) <= _PLAIN_NUMBERS:
        try:
            plain = np.array(values, dtype=np.float64)
        except OverflowError:  # an integer beyond every double is no number, the others are
            pass
        else:
            plain[np.isinf(plain)] = np.nan
            return plain
    return np.array([np.nan if value is None or (read := number(value)) is None else read for value in values], dtype=np.float64)


def _plain_column(column: NDArray[Any]) -> NDArray[np.int64]:
    """Return a plain array: compiled code counts read-only and strided arrays as other types, and would compile once more."""
    return np.require(column, dtype=np.int64, requirements=["C", "W"])


def _taken(column: Any, rows: slice | NDArray[np.int64]) -> Any:
    """Return rows of a NumPy or Arrow column."""
    if isinstance(column, np.ndarray):
        return column[rows]
    return column.slice(rows.start, rows.stop - rows.start) if isinstance(rows, slice) else column.take(rows)


def history_of_rows(plan: Plan, rows: Sequence[Row]) -> History:
    """Turn the stored events of one lead, in any order, into a history."""
    return sorted_history(plan, rows)[0]


def sorted_history(plan: Plan, rows: Sequence[Row]) -> tuple[History, NDArray[np.intp] | None]:
    """Do the same, and return the order in which the rows were taken, if it is another; rows of one instant keep theirs."""
    # One column after the other: zip(*rows) holds an iterator over each row, and the rows of an account are too many for that.
    size = len(rows)
    kinds = plan.kinds()
    try:
        kind = np.fromiter(map(kinds.of_name.__getitem__, map(_NAME, rows)), np.int32, size)
    except KeyError:
        kinds.add(set(map(_NAME, rows)) - kinds.of_name.keys())
        kind = np.fromiter(map(kinds.of_name.__getitem__, map(_NAME, rows)), np.int32, size)
    tables = kinds.tables()
    numbers = np.full((len(plan.numbers), size), MISSING, dtype=np.int64)
    for row, (prop, digits) in enumerate(plan.numbers):
        places = tables.measured[row][kind].nonzero()[0]
        if len(places):
            numbers[row, places] = scaled_numbers(
                _read_numbers([_PROPERTIES(rows[place]).get(prop) for place in places.tolist()]), digits
            )
    places = tables.asking[kind].nonzero()[0]
    if len(places):
        pairs = zip(kind[places].tolist(), places.tolist(), strict=True)
        kind[places] = [kinds.asked(one, _PROPERTIES(rows[place])) for one, place in pairs]
    when, heard, counts = (np.fromiter(map(one, rows), np.int64, size) for one in (_AT, _KNOWN, _COUNT))
    order = None
    if (when[1:] < when[:-1]).any():
        order = np.argsort(when, kind="stable")
        when, heard, counts, kind = when[order], heard[order], counts[order], kind[order]
        numbers = np.ascontiguousarray(numbers[:, order])
    return _history(plan, kinds, np.array([0, size], dtype=np.int64), kind, numbers, when, heard, counts), order
