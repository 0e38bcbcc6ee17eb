"""Drawn worlds for the laws: a few leads in accounts, with late, equal and edge-case events, told as tables and as a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, HOUR_US, NEVER
from features.exact import number
from features.feature import FeatureSet, window_us
from features.history import EventRow
from features.matrix import LiveAccount, LiveLead, LiveMate
from features.names import fold
from features.reading.event_ids import later_copies
from features.reading.event_order import order_of
from features.tables import Events, Leads, Tables

START = 20_500 * DAY_US
_SPAN = 20 * DAY_US
_MOST_EVENTS = 40


@dataclass(frozen=True, slots=True)
class Person:
    """One lead as it happened."""

    lead_id: str
    started_at: int
    trial_ends: int | None
    attributes: Mapping[str, object]
    account: str | None
    joined: int
    """From when its account is known."""
    rows: tuple[EventRow, ...]


@dataclass(frozen=True, slots=True)
class DrawnWorld:
    """Some leads, and when each of them is looked at."""

    features: FeatureSet
    people: tuple[Person, ...]
    lead: NDArray[np.int64]
    as_of: NDArray[np.int64]

    def live(self, look: int) -> LiveLead:
        """Return what a store holds of the lead of a look, later things too; only its own account is decided as of then.

        A moment after the look the trial was prolonged, and what had not been known of the lead was told.
        """
        one, as_of = self.people[self.lead[look]], int(self.as_of[look])
        account = None
        if one.account is not None and one.joined <= as_of:
            members = [member for member in self.people if member.account == one.account]
            account = LiveAccount(LiveMate(member.lead_id, member.joined, member.rows) for member in members)
        ends = [(as_of + DAY_US, as_of + 1)] + ([] if one.trial_ends is None else [(one.trial_ends, one.started_at)])
        attributes = {
            name: ("later", as_of + 1) if value is None else (value, one.started_at) for name, value in one.attributes.items()
        }
        return LiveLead(one.lead_id, one.started_at, ends, attributes, one.rows, account)

    def household(self, leads: NDArray[np.int64]) -> DrawnWorld:
        """Return the same leads, but those that share no account with some of them did nothing and are nobody's colleagues."""
        needed = {self.people[lead].account for lead in leads} - {None}
        alone = [
            one if place in leads or one.account in needed else replace(one, rows=(), account=None)
            for place, one in enumerate(self.people)
        ]
        return replace(self, people=tuple(alone))

    def tables(self, *, twice: Random | None = None) -> Tables:
        """Return the world as the tables that files are read into.

        With `twice`, every message came twice with its id, in an order drawn from it; the reader's own functions count it once.
        """
        flat = [(place, row) for place, one in enumerate(self.people) for row in one.rows]
        ids = np.array([[1 + index, 1] for index in range(len(flat))], dtype=np.int64).reshape(-1, 2)
        if twice is not None:
            order = twice.sample([*range(len(flat))] * 2, 2 * len(flat))
            flat, ids = [flat[place] for place in order], ids[order]
        names = sorted({fold(row.name) for _, row in flat})
        lead = np.array([place for place, _ in flat], dtype=np.int32)
        name = np.array([names.index(fold(row.name)) for _, row in flat], dtype=np.int32)
        at, known, count = (
            np.array([getattr(row, column) for _, row in flat], dtype=np.int64) for column in ("at", "known", "count")
        )
        properties = {prop: _objects(row.properties.get(prop) for _, row in flat) for prop in properties_of(self.features)}
        keep = np.ones(len(flat), dtype=bool)
        keep[later_copies(ids, [known, at, lead])] = False
        content: list[NDArray[Any]] = [known, name, count, ids[:, 0]]
        placed = order_of(lead[keep], at[keep], len(self.people), [column[keep] for column in content])
        rows = np.flatnonzero(keep) if placed is None else np.flatnonzero(keep)[placed]
        events = Events(
            lead=lead[rows], name=name[rows], names=names, at=at[rows], known=known[rows], count=count[rows],
            properties={prop: values[rows] for prop, values in properties.items()},
        )  # fmt: skip
        return Tables(self._leads(), events, {}, {}, int(known.max(initial=0)))

    def _leads(self) -> Leads:
        people, never = self.people, np.full(len(self.people), NEVER, dtype=np.int64)
        definition = self.features.definition
        told = {name: [one.attributes.get(name) for one in people] for name in _traits_and_attributes(self.features)}
        numbers = {name for name, kind in definition.attributes.items() if kind == "number"}
        columns: dict[str, NDArray[Any]] = {
            name: _numbers(values) if name in numbers else _objects(values) for name, values in told.items()
        }
        return Leads(
            ids=[one.lead_id for one in people],
            started_at=np.array([one.started_at for one in people], dtype=np.int64),
            ended_at=never,
            trial_ends_at=np.array([NEVER if one.trial_ends is None else one.trial_ends for one in people], dtype=np.int64),
            converted_at=never,
            conversion_known=never,
            account=_objects(one.account for one in people),
            account_known=np.array([NEVER if one.account is None else one.joined for one in people], dtype=np.int64),
            attributes={name: columns[name] for name in definition.attributes},
            traits={name: column for name, column in columns.items() if name not in definition.attributes},
            contact={},
            ignored=np.zeros(len(people), dtype=bool),
            converted_flag=np.full(len(people), -1, dtype=np.int8),
        )


def draw_world(features: FeatureSet, random: Random, looks: int) -> DrawnWorld:
    """Draw leads of one large account, of a small one and of none, one of them without any event, and looks at all of them."""
    accounts = ("one", "one", "one", "two", "two", None)
    starts = [START + random.randrange(0, 3 * DAY_US, HOUR_US) for _ in accounts]
    lead = np.array([random.randrange(len(accounts)) for _ in range(looks)], dtype=np.int64)
    as_of = np.array([starts[place] + random.choice((0, random.randrange(_SPAN))) for place in lead], dtype=np.int64)
    windows = sorted({window_us(one.window) for one in features.features if one.window not in (None, "all")}) or [DAY_US]
    edges = [int(moment) - random.choice((0, *windows)) + random.choice((0, 1)) for moment in as_of] or [START]
    palette = _Palette(features, edges)
    people = []
    for place, account in enumerate(accounts):
        joined = starts[place] + random.choice((0, 0, random.randrange(_SPAN)))
        rows = () if place == 1 else tuple(palette.event(random) for _ in range(random.randrange(_MOST_EVENTS)))
        attributes = {name: random.choice((None, "7", "DE", "x")) for name in _traits_and_attributes(features)}
        ends = random.choice((None, starts[place] + random.randrange(_SPAN)))
        people.append(Person(f"lead {place}", starts[place], ends, attributes, account, joined, rows))
    return DrawnWorld(features, tuple(people), lead, as_of)


class _Palette:
    """What events may be: names and properties that a definition asks for, and others."""

    def __init__(self, features: FeatureSet, edges: Sequence[int]) -> None:
        patterns = {pattern.event for selector in features.plan.selectors for pattern in selector.patterns}
        usual = {name for names in features.definition.vocabulary.values() for name in names}
        fitting = {pattern.replace("*", letter).replace("?", letter) for pattern in patterns for letter in "ab"}
        self._names = (*sorted(fitting | usual), "something_else")
        self._asked = properties_of(features)
        self._edges = edges

    def event(self, random: Random) -> EventRow:
        """Draw an event, at any time or at the edge of a window of some look, sometimes known later."""
        at = random.choice(
            (random.choice(self._edges), START + random.randrange(-2 * DAY_US, _SPAN, random.choice((1, HOUR_US))))
        )
        late = random.choice((0, 0, 0, random.randrange(3 * DAY_US)))
        values = {
            prop: random.choice((None, random.randrange(12), random.random() * 99, *asked)) for prop, asked in self._asked.items()
        }
        return EventRow(random.choice(self._names), at, at + late, random.choice((1, 1, 3)), values)


def properties_of(features: FeatureSet) -> dict[str, list[object]]:
    """Return every property that a definition reads, with the values that its conditions ask for."""
    found: dict[str, list[object]] = {prop: [] for prop, _ in features.plan.numbers}
    for selector in features.plan.selectors:
        for pattern in selector.patterns:
            for prop, conditions in pattern.where.items():
                for wanted in conditions.values():
                    values = wanted if isinstance(wanted, tuple) else (wanted,)
                    texts = [value.replace("*", "a").replace("?", "a") if isinstance(value, str) else value for value in values]
                    found.setdefault(prop, []).extend(texts)
    return dict(sorted(found.items()))


def _traits_and_attributes(features: FeatureSet) -> list[str]:
    definition = features.definition
    traits = {trait for behaviour in definition.behaviours.values() for trait in behaviour.traits}
    return sorted(traits | definition.attributes.keys())


def _numbers(values: Sequence[object]) -> NDArray[np.float64]:
    return np.array([np.nan if (read := number(value)) is None else read for value in values], dtype=np.float64)


def _objects(values: Any) -> NDArray[np.object_]:
    listed = list(values)
    column = np.empty(len(listed), dtype=object)
    column[:] = listed
    return column
