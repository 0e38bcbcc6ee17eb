"""Plan: what events mean under a definition, remembered by name, so that many events cost little more than their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.calendar import Calendar, calendar
from features.definition import Definition
from features.names import fold
from features.selectors import MILLISECONDS, MINOR_UNITS, Use, selectors_of, use_of

_MOST_NAMES = 20_000
_MOST_LIVE_PAIRS = 8_000
_MOST_ANSWERS = 20_000


class Plan:
    """What events mean under a definition: a memory of event names, shared by every history of the definition."""

    def __init__(self, definition: Definition) -> None:
        self.selectors = selectors_of(definition)
        self.calendar: Calendar = calendar(definition.timezone, by_day=definition.resolution.events == "day")
        durations = [(one.duration, MILLISECONDS) for one in self.selectors if one.duration]
        amounts = [(one.amount, MINOR_UNITS) for one in self.selectors if one.amount]
        self.numbers: tuple[tuple[str, int], ...] = tuple(dict.fromkeys((*durations, *amounts)))
        """Property and digits of every row of History.numbers."""
        self._excluded = frozenset(fold(name) for name in definition.exclude)
        self._uses: dict[str, Use] = {}
        self._kinds = Kinds(self)

    def use(self, name: str) -> Use:
        """Return what an event name means, folded or not."""
        use = self._uses.get(name)
        if use is None:
            if len(self._uses) >= _MOST_NAMES:  # names come from outside: the memory must not grow for ever
                self._uses.clear()
            folded = fold(name)
            # An event name may stand under exclude: too. Nothing takes such an event, not even what looks at any.
            use = self._uses[name] = use_of(() if folded in self._excluded else self.selectors, folded)
        return use

    def column(self, prop: str | None, digits: int) -> int:
        """Return the row of History.numbers that holds a property, or -1."""
        return self.numbers.index((prop, digits)) if prop else -1

    def kinds(self) -> Kinds:
        """Return the kinds that live histories share."""
        if len(self._kinds) > _MOST_LIVE_PAIRS:  # whoever holds the old ones goes on with them
            self._kinds = Kinds(self)
        return self._kinds


class KindTables(NamedTuple):
    """What the kernel reads of kinds, and what is asked of the events of a name before it has its kind."""

    kind_at: NDArray[np.int64]
    pair_selector: NDArray[np.int32]
    pair_slot: NDArray[np.int32]
    usual: NDArray[np.uint8]
    asking: NDArray[np.bool_]
    """Whether the properties of the events of a name decide about its kind."""
    measured: NDArray[np.bool_]
    """[row of History.numbers, kind]: whether such an event is measured by that property."""


class Kinds:
    """Numbers the kinds of event: an event name together with the selectors that take it. Threads may share one."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._kinds: dict[tuple[str, tuple[int, ...]], int] = {}
        self._uses: list[Use] = []
        self._slots: dict[tuple[str, int], int] = {}
        self._ends = [0]
        self._pair_selector: list[int] = []
        self._pair_slot: list[int] = []
        self._usual: list[bool] = []
        self._tables: KindTables | None = None
        self._lock = Lock()
        self._answers: dict[tuple[object, ...], int] = {}
        self.of_name: dict[str, int] = {}
        """The kind of every event of a name; where properties decide, the kind of those that fit no condition."""

    def __len__(self) -> int:
        return len(self._kinds) + len(self._pair_slot)

    def add(self, names: Iterable[str]) -> None:
        """Get to know names."""
        for name in names:
            use = self._plan.use(name)
            self.of_name[name] = self.number(use, use.always)

    def number(self, use: Use, selectors: tuple[int, ...]) -> int:
        """Return the number of a kind."""
        kind = self._kinds.get((use.name, selectors))
        if kind is not None:
            return kind
        with self._lock:
            kind = len(self._ends) - 1
            for selector in selectors:
                slot = self._slots.get((use.name, selector))
                if slot is None:
                    slot = self._slots[use.name, selector] = len(self._slots)
                    self._usual.append(use.name in self._plan.selectors[selector].usual)
                self._pair_selector.append(selector)
                self._pair_slot.append(slot)
            self._uses.append(use)
            self._ends.append(len(self._pair_selector))
            self._tables = None
            return self._kinds.setdefault((use.name, selectors), kind)

    def asked(self, kind: int, properties: Mapping[str, object]) -> int:
        """Return the kind of an event whose properties decide, given that of its name."""
        use = self._uses[kind]
        key = (kind, *[(type(value := properties.get(name)), value) for name in use.asked])
        try:
            answer = self._answers.get(key)
        except TypeError:  # lists and objects cannot be remembered, nor do they fit
            return self.number(use, use.selectors(properties))
        if answer is None:
            if len(self._answers) >= _MOST_ANSWERS:
                self._answers.clear()
            answer = self._answers[key] = self.number(use, use.selectors(properties))
        return answer

    def tables(self) -> KindTables:
        """Return what is known of every kind numbered so far."""
        with self._lock:
            if self._tables is None:
                measured = [[prop in use.properties for use in self._uses] for prop, _ in self._plan.numbers]
                self._tables = KindTables(
                    kind_at=np.array(self._ends, dtype=np.int64),
                    pair_selector=np.array(self._pair_selector, dtype=np.int32),
                    pair_slot=np.array(self._pair_slot, dtype=np.int32),
                    usual=np.array(self._usual, dtype=np.uint8),
                    asking=np.array([bool(use.asking) for use in self._uses], dtype=np.bool_),
                    measured=np.array(measured, dtype=np.bool_).reshape(len(measured), len(self._uses)),
                )
            return self._tables
