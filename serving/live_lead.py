"""Stored rows become a lead as of an instant: when it started, what was known of it, what it had done, what had become of it.

Everything here asks one question of every row: was it known by then? What a lead is (which trait is the start, which events mean
a payment) the workspace says; what its features are the model's own definition says.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from features.clock import DAY_US
from features.definition import Definition
from features.exact import number
from features.history import EventRow, Plan
from features.matrix import LiveLead
from features.names import fold, matches
from features.reading.cells import cell_text
from features.reading.inactivity import silent_since
from features.reading.moments import TimeError, effective_event, parse_moment
from features.storing.rows import Fact, StoredEvent, StoredLead
from features.workspace import Workspace
from features.workspaces.behaviours import EventPattern
from features.workspaces.conditions import all_hold, holds
from features.workspaces.data import LeadsSpec

folded = lru_cache(maxsize=20_000)(fold)


@dataclass(frozen=True, slots=True)
class Standing:
    """A lead as it stood at an instant."""

    lead: LiveLead
    converted_at: int | None
    ended: bool
    ignored: bool
    account: str | None

    @property
    def is_open(self) -> bool:
        """Tell whether it can still pay."""
        return self.converted_at is None and not self.ended


class Reader:
    """Read leads by one workspace and the definition of one model."""

    def __init__(self, workspace: Workspace, definition: Definition, plan: Plan) -> None:
        self._workspace = workspace
        self._spec = workspace.data.leads
        self._payments = workspace.data.conversions.events if workspace.data.conversions else ()
        self._definition = definition
        self._missing = missing_words(workspace)
        asked = (pattern.where for selector in plan.selectors for pattern in selector.patterns)
        self._reads_properties = bool(plan.numbers) or any(asked)

    def standing(self, stored: StoredLead, as_of: int) -> Standing | None:
        """Return the lead as it stood at an instant, or None where it was no lead, or not yet."""
        facts = [fact for fact in stored.facts if fact.known_at <= as_of]
        events = self._events(stored.events, as_of)
        if not self._is_inside(facts):
            return None
        payments = [outcome.at for outcome in stored.outcomes if outcome.known_at <= as_of]
        payments += [event.at for event in self._fitting(self._payments, events)]
        started_at = stored.known_at if self._definition.undated else self._started_at(facts, events)
        if started_at is None and payments:
            started_at = min(payments)
        if started_at is None or started_at > as_of:
            return None
        ends = [end for end, _ in self._times(facts, "ended_at")]
        accounts = [account for account, known_at in stored.accounts if known_at <= as_of and account not in self._missing]
        return Standing(
            lead=LiveLead(
                lead_id=stored.lead_id,
                started_at=started_at,
                trial_ends=self._times(facts, "trial_ends_at"),
                attributes=self._attributes(facts),
                events=events,
            ),
            converted_at=min(payments, default=None),
            ended=(bool(ends) and ends[-1] <= as_of) or self._is_silent(started_at, events, as_of),
            ignored=self._is_ignored(facts),
            account=accounts[0] if accounts else None,
        )

    def _is_silent(self, started_at: int, events: Sequence[EventRow], as_of: int) -> bool:
        """Tell whether a freemium lead was closed by its silence."""
        allowed = self._definition.inactive_days
        if self._definition.trial_days is not None or allowed is None or self._definition.undated:
            return False
        return silent_since(started_at, [event.at for event in events], round(allowed * DAY_US)) <= as_of

    def _events(self, stored: Sequence[StoredEvent], as_of: int) -> list[EventRow]:
        """Return the events that were known, each at the instant from which it counts."""
        if not stored:
            return []
        resolution, timezone = self._definition.resolution.events, self._definition.timezone
        at = [event.at for event in stored]
        if resolution == "day":
            at = effective_event(np.array(at, dtype=np.int64), resolution, timezone).tolist()
        rows = []
        for instant, event in zip(at, stored, strict=True):
            known = max(instant, event.received_at)
            if known <= as_of:
                properties = _properties(event) if self._reads_properties else {}
                rows.append(EventRow(folded(event.name), instant, known, event.count, properties))
        return rows

    def _fitting(self, patterns: Sequence[EventPattern], events: Sequence[EventRow]) -> Iterator[EventRow]:
        return (event for event in events if patterns and _fits(patterns, event))

    def _started_at(self, facts: Sequence[Fact], events: Sequence[EventRow]) -> int | None:
        """Return the first start that was stated, else createdAt, else the earliest event."""
        if self._spec is not None and self._spec.start:
            return min((event.at for event in self._fitting(self._spec.start, events)), default=None)
        for stated in (self._times(facts, "started_at"), self._parsed(facts, "trait", "createdAt")):
            if stated:
                return stated[0][0]
        earliest = [event.at for event in events] or [fact.known_at for fact in facts]
        return min(earliest, default=None)

    def _times(self, facts: Sequence[Fact], name: str) -> list[tuple[int, int]]:
        """Return what was said of a time of the lead, by a table or by the trait of that column, with when it was known."""
        column = _column(self._spec, name) or name
        found = [(int(fact.value), fact.known_at) for fact in facts if fact.kind == "fact" and fact.name == name]
        found += self._parsed(facts, "trait", column)
        found.sort(key=lambda pair: pair[1])
        return found

    def _parsed(self, facts: Sequence[Fact], kind: str, name: str) -> list[tuple[int, int]]:
        """Return the values of a trait that are times; whatever else was sent under that name is not accepted."""
        zone = self._spec.zone if self._spec is not None else None
        found = []
        for fact in facts:
            if fact.kind == kind and fact.name == name and isinstance(fact.value, str):
                try:
                    found.append((parse_moment(fact.value, timezone=self._workspace.timezone, zone=zone), fact.known_at))
                except TimeError:
                    continue
        return found

    def _attributes(self, facts: Sequence[Fact]) -> dict[str, tuple[object, int]]:
        """Return the first value of each attribute and trait that says something, with when it was known."""
        kinds = self._definition.attributes
        found: dict[str, tuple[object, int]] = {}
        for fact in facts:
            if fact.kind == "fact" or fact.name in found:
                continue
            if not says_something(fact.value, self._missing):
                continue
            if kinds.get(fact.name) == "number" and number(fact.value) is None:
                continue
            found[fact.name] = (fact.value, fact.known_at)
        return found

    def _is_inside(self, facts: Sequence[Fact]) -> bool:
        """Tell whether the lead is one of those that `where` asks for; what nobody said excludes nobody."""
        where = self._spec.where if self._spec is not None else {}
        first = {fact.name: fact.value for fact in reversed(facts) if fact.name in where}
        return all(holds(value, operator, wanted) for name, value in first.items() for operator, wanted in where[name].items())

    def _is_ignored(self, facts: Sequence[Fact]) -> bool:
        columns: dict[str, str] = {str(name): column for name, column in self._workspace.contact.items()}
        ignore = {columns.get(name, name): patterns for name, patterns in self._workspace.ignore.items()}
        return any(
            (fact.kind == "fact" and fact.name == "ignored")
            or any(matches(pattern.lower(), cell_text(fact.value).lower()) for pattern in ignore.get(fact.name, ()))
            for fact in facts
        )


def missing_words(workspace: Workspace) -> frozenset[str]:
    """Return the values that mean, by the workspace file, that nothing is known."""
    spec = workspace.data.leads
    return frozenset(cell_text(value) for value in spec.missing) if spec is not None else frozenset()


def says_something(value: object, missing: Collection[str]) -> bool:
    """Tell whether a value says anything about a lead, by the rule by which the tables are read.

    >>> says_something("DE", {"Select"}), says_something("Select", {"Select"}), says_something("", ()), says_something(0, ())
    (True, False, False, True)
    """
    return value is not None and value != "" and cell_text(value) not in missing


def _column(spec: LeadsSpec | None, name: str) -> str | None:
    found = getattr(spec, name) if spec is not None else None
    return None if found is None else str(found)


def _properties(event: StoredEvent) -> Mapping[str, Any]:
    if event.properties == "{}":
        return {}
    found: dict[str, Any] = json.loads(event.properties)
    return found


def _fits(patterns: Sequence[EventPattern], event: EventRow) -> bool:
    return any(matches(pattern.event, event.name) and all_hold(event.properties, pattern.where) for pattern in patterns)
