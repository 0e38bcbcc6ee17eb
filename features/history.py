"""History: the events of many leads, or of one, as the sorted integer columns that the kernel walks over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.calendar import Calendar, calendar, local_days, moments
from features.definition import Definition
from features.exact import MISSING, number, scaled_numbers
from features.kernel import History
from features.names import fold
from features.selectors import MILLISECONDS, MINOR_UNITS, Use, selectors_of, use_of

if TYPE_CHECKING:
    from features.tables import Events

__all__ = ["EventRow", "History", "Plan", "build_history", "history_of_rows"]

LARGEST_COUNT = 10**9
_MOST_NAMES = 20_000
_SCALARS = frozenset({str, int, float, bool, type(None)})


@dataclass(slots=True)
class EventRow:
    """One stored event of a lead.

    `at` is the instant from which it counts (with day resolution the end of its day), `known` when it became known, never before.
    """

    name: str
    at: int
    known: int
    count: int
    properties: Mapping[str, object]


class Plan:
    """What events mean under a definition: a memory of event names, shared by every history of the definition."""

    def __init__(self, definition: Definition) -> None:
        self.selectors = selectors_of(definition)
        self.calendar: Calendar = calendar(definition.timezone, by_day=definition.resolution.events == "day")
        durations = [(one.duration, MILLISECONDS) for one in self.selectors if one.duration]
        amounts = [(one.amount, MINOR_UNITS) for one in self.selectors if one.amount]
        self.numbers: tuple[tuple[str, int], ...] = tuple(dict.fromkeys((*durations, *amounts)))
        """Property and digits of every row of History.numbers."""
        self._uses: dict[str, Use] = {}
        self._answers: dict[tuple[object, ...], tuple[int, ...]] = {}

    def use(self, name: str) -> Use:
        """Return what an event name means, folded or not."""
        use = self._uses.get(name)
        if use is None:
            if len(self._uses) >= _MOST_NAMES:  # names come from outside: the memory must not grow for ever
                self._uses.clear()
            use = self._uses[name] = use_of(self.selectors, fold(name))
        return use

    def selectors_of(self, use: Use, properties: Mapping[str, object]) -> tuple[int, ...]:
        """Return the selectors that take an event of a name with such properties."""
        values = [properties.get(name) for name in use.asked]
        if not all(type(value) in _SCALARS for value in values):  # lists and objects cannot be remembered, nor do they fit
            return use.selectors(properties)
        key = (use.name, *((type(value), value) for value in values))
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= _MOST_NAMES:
                self._answers.clear()
            answer = self._answers[key] = use.selectors(properties)
        return answer

    def column(self, prop: str | None, digits: int) -> int:
        """Return the row of History.numbers that holds a property, or -1."""
        return self.numbers.index((prop, digits)) if prop else -1


class _Kinds:
    """Numbers the kinds of event: an event name together with the selectors that take it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._kinds: dict[tuple[str, tuple[int, ...]], int] = {}
        self._slots: dict[tuple[str, int], int] = {}
        self._ends = [0]
        self._pair_selector: list[int] = []
        self._pair_slot: list[int] = []
        self._usual: list[bool] = []

    def number(self, name: str, selectors: tuple[int, ...]) -> int:
        """Return the number of a kind."""
        kind = self._kinds.get((name, selectors))
        if kind is None:
            kind = self._kinds[name, selectors] = len(self._kinds)
            for selector in selectors:
                slot = self._slots.get((name, selector))
                if slot is None:
                    slot = self._slots[name, selector] = len(self._slots)
                    self._usual.append(name in self._plan.selectors[selector].usual)
                self._pair_selector.append(selector)
                self._pair_slot.append(slot)
            self._ends.append(len(self._pair_selector))
        return kind

    def history(
        self,
        offsets: NDArray[np.int64],
        at: NDArray[np.int64],
        known: NDArray[np.int64],
        kind: NDArray[np.int32],
        times: NDArray[np.int64],
        numbers: NDArray[np.int64],
    ) -> History:
        """Put the columns together, with the calendar of the plan."""
        day, bits = np.empty(len(at), dtype=np.int32), np.empty(len(at), dtype=np.uint8)
        local_days(self._plan.calendar, at, day)
        moments(self._plan.calendar, at, bits)
        return History(
            offsets=offsets,
            at=at,
            known=known,
            kind=kind,
            times=np.minimum(times, LARGEST_COUNT),
            day=day,
            bits=bits,
            numbers=numbers,
            kind_at=np.array(self._ends, dtype=np.int64),
            pair_selector=np.array(self._pair_selector, dtype=np.int32),
            pair_slot=np.array(self._pair_slot, dtype=np.int32),
            usual=np.array(self._usual, dtype=np.uint8),
        )


def build_history(plan: Plan, events: Events, n_leads: int) -> History:
    """Turn a table of events, sorted by lead and time, into a history."""
    kinds = _Kinds(plan)
    uses = [plan.use(name) for name in events.names]
    by_name = np.array([kinds.number(use.name, use.always) for use in uses], dtype=np.int32)
    kind = by_name[events.name] if len(by_name) else np.zeros(0, dtype=np.int32)
    for index, use in enumerate(uses):
        if use.asking:
            rows = np.flatnonzero(events.name == index)
            kind[rows] = _asked(kinds, use, events.properties, rows)
    numbers = np.empty((len(plan.numbers), len(events.at)), dtype=np.int64)
    for row, (prop, digits) in enumerate(plan.numbers):
        column = events.properties.get(prop)
        numbers[row] = MISSING if column is None else scaled_numbers(_floats(column), digits)
    offsets = np.searchsorted(events.lead, np.arange(n_leads + 1, dtype=events.lead.dtype)).astype(np.int64)
    return kinds.history(offsets, _writeable(events.at), _writeable(events.known), kind, _writeable(events.count), numbers)


def _asked(kinds: _Kinds, use: Use, properties: Mapping[str, Any], rows: NDArray[np.intp]) -> NDArray[np.int32]:
    """Return the kinds of the rows of a name whose selectors ask for properties: each different value is asked once."""
    code = np.zeros(len(rows), dtype=np.int64)
    values: list[dict[str, object]] = [{}]
    for name in use.asked:
        if name not in properties:
            continue
        codes, distinct = _distinct(properties[name], rows)
        pairs, code = np.unique(code * len(distinct) + codes, return_inverse=True)
        values = [{**values[pair // len(distinct)], name: distinct[pair % len(distinct)]} for pair in pairs]
    numbers = [kinds.number(use.name, use.selectors(one)) for one in values]
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
    return np.array([np.nan if value is None or (read := number(value)) is None else read for value in values], dtype=np.float64)


def _writeable(column: NDArray[Any]) -> NDArray[np.int64]:
    """Return a plain array: compiled code counts read-only and strided arrays as other types, and would compile once more."""
    return np.require(column, dtype=np.int64, requirements=["C", "W"])


def history_of_rows(plan: Plan, rows: Sequence[EventRow]) -> History:
    """Turn the stored events of one lead, in any order, into a history."""
    kinds = _Kinds(plan)
    names = [row.name for row in rows]
    at = np.array([row.at for row in rows], dtype=np.int64)
    known = np.array([row.known for row in rows], dtype=np.int64)
    times = np.array([row.count for row in rows], dtype=np.int64)
    uses = {name: plan.use(name) for name in set(names)}
    simple = {name: kinds.number(use.name, use.always) for name, use in uses.items()}
    kind = np.array([simple[name] for name in names], dtype=np.int32)
    if any(use.asking for use in uses.values()):
        for index, row in enumerate(rows):
            use = uses[row.name]
            if use.asking:
                kind[index] = kinds.number(use.name, plan.selectors_of(use, row.properties))
    numbers = np.full((len(plan.numbers), len(rows)), MISSING, dtype=np.int64)
    for index, (prop, digits) in enumerate(plan.numbers):
        having = {name for name, use in uses.items() if prop in use.properties}
        places = [place for place, name in enumerate(names) if name in having] if having else []
        if places:
            values = [rows[place].properties.get(prop) for place in places]
            numbers[index, places] = scaled_numbers(_read_numbers(values), digits)
    if np.any(at[1:] < at[:-1]):
        order = np.argsort(at)
        at, known, kind, times = at[order], known[order], kind[order], times[order]
        numbers = np.ascontiguousarray(numbers[:, order])
    return kinds.history(np.array([0, len(rows)], dtype=np.int64), at, known, kind, times, numbers)
