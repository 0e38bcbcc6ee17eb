"""What is usual: the event names that leads use and the values of attributes, learnt once and frozen into the definition."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.definition import Definition
from features.history import Plan, build_history
from features.parts import parts
from features.selectors import OWN

if TYPE_CHECKING:
    from features.tables import Tables
    from features.workspace import Workspace

FEWEST_LEADS = 20
FEWEST_SHARE = 0.02
MOST_NAMES = 200
MOST_VALUES = 500

Words = dict[str, tuple[str, ...]]


def learn_vocabulary(ws: Workspace, tables: Tables, cut: int | None = None) -> tuple[Words, Words]:
    """Return the usual event names of each behaviour and the known values of each category, sorted.

    A name is usual when at least 20 leads, and 2 % of the leads that show the behaviour at all, have used it; a value is known
    from 20 leads up. Nothing known later than `cut` is looked at, and test accounts do not count.
    """
    usage, definition = Usage(), ws.definition()
    for _, part in parts(tables):
        usage.add(count_usage(definition, part, cut))
    return usage.words()


@dataclass(slots=True)
class Usage:
    """How many leads use what. Of leads apart, the sum of their usages is that of them all."""

    users: dict[str, Counter[str]] = field(default_factory=dict)
    """Of each behaviour, how many leads have used each event name."""
    leads: Counter[str] = field(default_factory=Counter)
    """How many leads show each behaviour at all."""
    values: dict[str, Counter[str]] = field(default_factory=dict)
    """Of each category, how many leads have each value."""

    def add(self, other: Usage) -> None:
        """Add the usage of other leads."""
        self.leads.update(other.leads)
        for mine, theirs in ((self.users, other.users), (self.values, other.values)):
            for key, counts in theirs.items():
                mine.setdefault(key, Counter()).update(counts)

    def words(self) -> tuple[Words, Words]:
        """Return the usual event names and the known values."""
        vocabulary = {}
        for key, users in self.users.items():
            fewest = max(FEWEST_LEADS, math.ceil(FEWEST_SHARE * self.leads[key]))
            vocabulary[key] = _most(users, fewest, MOST_NAMES)
        return vocabulary, {name: _most(values, FEWEST_LEADS, MOST_VALUES) for name, values in self.values.items()}


def count_usage(definition: Definition, tables: Tables, cut: int | None) -> Usage:
    """Count who uses what, as it was known at `cut`; test accounts do not count."""
    usage, counted = Usage(), ~tables.leads.ignored
    if not definition.undated:
        if cut is not None:
            counted = counted & (tables.leads.started_at <= cut)
        _count_names(usage, definition, tables, counted, cut)
    for name, kind in definition.attributes.items():
        if kind == "category":
            usage.values[name] = Counter(value for value in tables.leads.attributes[name][counted] if value is not None)
    return usage


def _count_names(usage: Usage, definition: Definition, tables: Tables, counted: NDArray[np.bool_], cut: int | None) -> None:
    plan, events = Plan(definition), tables.events
    history = build_history(plan, events, len(tables.leads.ids))
    kinds, names = len(history.kind_at) - 1, max(1, len(events.names))
    name_of = np.zeros(kinds, dtype=np.int64)
    name_of[history.kind] = events.name
    rows = counted[events.lead]
    if cut is not None:
        rows &= events.known <= cut
    used = np.unique(events.lead[rows].astype(np.int64) * max(1, kinds) + history.kind[rows])
    lead, kind = used // max(1, kinds), used % max(1, kinds)
    for index, selector in enumerate(plan.selectors):
        taken = np.zeros(max(1, kinds), dtype=bool)
        taken[np.repeat(np.arange(kinds), np.diff(history.kind_at))[history.pair_selector == index]] = True
        mine = taken[kind]
        # Conditions can split one name into several kinds: a lead still counts once for it.
        pairs = np.unique(lead[mine] * names + name_of[kind[mine]])
        counts = np.bincount(pairs % names, minlength=names)
        key = selector.key.removeprefix(OWN)
        usage.leads[key] = len(np.unique(pairs // names))
        usage.users[key] = Counter({name: int(counts[place]) for place, name in enumerate(events.names) if counts[place]})


def _most(counts: Counter[str], fewest: int, most: int) -> tuple[str, ...]:
    """Return what is frequent enough; among too many, the most frequent."""
    ranked = sorted((-count, name) for name, count in counts.items() if count >= fewest)
    return tuple(sorted(name for _, name in ranked[:most]))
