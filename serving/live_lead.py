"""Stored rows become a lead as of an instant: when it started, what was known of it, what it had done, what had become of it.

Everything here asks one question of every row: was it known by then? What a lead is (which trait is the start, which events mean
a payment) the workspace says; what its features are the model's own definition says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.clock import DAY_US
from features.definition import Definition
from features.history import EventRow, Plan, Row
from features.matrix import LiveLead, LiveMate
from features.names import matches
from features.reading.inactivity import silent_since
from features.reading.moments import day_begin, effective_event
from features.storing.rows import Fact, Merged, StoredEvent, StoredLead
from features.storing.said import FactReader
from features.storing.sent_names import Names, folded
from features.workspace import Workspace
from features.workspaces.behaviours import EventPattern
from features.workspaces.conditions import all_hold

ALWAYS = 0
"""Since when what is stored under a lead's own id is its own."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A lead as it stood at an instant."""

    lead: LiveLead
    converted_at: int | None
    ended: bool
    ignored: bool
    account: str | None
    stored: StoredLead
    """What it was read from."""

    @property
    def is_open(self) -> bool:
        """Tell whether it can still pay."""
        return self.converted_at is None and not self.ended


class Part(NamedTuple):
    """What is stored under one id, and from when on it is known to be the lead's."""

    of: StoredLead
    since: int


class Reader:
    """Read leads by one workspace and the definition of one model."""

    def __init__(self, workspace: Workspace, definition: Definition, plan: Plan) -> None:
        self._spec = workspace.data.leads
        self._payments = workspace.data.conversions.events if workspace.data.conversions else ()
        self._definition = definition
        self.facts = FactReader(workspace, definition)
        patterns = [pattern for selector in plan.selectors for pattern in selector.patterns]
        own = [*self._payments, *(self._spec.start if self._spec is not None else ())]
        self._plan = plan
        self._asking = [pattern for pattern in own if pattern.where]
        self.properties = Names(
            [*(prop for prop, _ in plan.numbers), *(prop for pattern in (*patterns, *own) for prop in pattern.where)]
        )

    def standing(self, stored: StoredLead, as_of: int) -> Standing | None:
        """Return the lead as it stood at an instant, or None where it was no lead, or not yet."""
        if self._is_merged(stored, as_of):
            return None
        facts = self.facts.known_by(stored.facts, as_of)
        if not self.facts.is_inside(facts):
            return None
        sources = list(self._parts(stored, as_of))
        parts = [(part, self._events(part.of.events, as_of, part.since)) for part in sources]
        events = parts[0][1] if len(parts) == 1 else [event for _, found in parts for event in found]
        paid = [
            (outcome.at, part.since)
            for part, _ in parts
            for outcome in part.of.outcomes
            if max(outcome.known_at, part.since) <= as_of
        ]
        paid += [(event.at, part.since) for part, found in parts for event in self._fitting(self._payments, found)]
        started_at = stored.known_at if self._definition.undated else self._started_at(facts, parts)
        if started_at is None:
            started_at = _earliest(paid)
        if started_at is None or started_at > as_of:
            return None
        ends = [end for end, _ in self.facts.times(facts, "ended_at")]
        account = self._account(sources, facts, as_of)
        return Standing(
            lead=LiveLead(
                lead_id=stored.lead_id,
                started_at=started_at,
                trial_ends=self.facts.times(facts, "trial_ends_at"),
                attributes=self.facts.attributes(facts),
                events=events,
            ),
            converted_at=min((at for at, _ in paid), default=None),
            ended=(bool(ends) and ends[-1] <= as_of) or self._is_silent(started_at, events, as_of),
            ignored=self.facts.is_ignored(facts),
            account=None if account is None else account[0],
            stored=stored,
        )

    def mate(self, stored: StoredLead, account: str, as_of: int) -> LiveMate | None:
        """Return a lead as a mate of an account that it belongs to by then, whatever became of it; else None."""
        if self._is_merged(stored, as_of):
            return None
        parts, facts = list(self._parts(stored, as_of)), self.facts.known_by(stored.facts, as_of)
        found = self._account(parts, facts, as_of)
        if found is None or found[0] != account or not self.facts.is_inside(facts):
            return None
        return LiveMate(
            stored.lead_id, found[1], [row for part in parts for row in self._rows(part.of.events, as_of, part.since)]
        )

    def _account(self, parts: Sequence[Part], facts: Sequence[Fact], as_of: int) -> tuple[str, int] | None:
        """Return the first account that was known, with when: the lead's own, or one that an id brought along that it was.

        Nothing is brought to a lead before it started.
        """
        started_at = (self.facts.started_at(facts) or ALWAYS) if len(parts) > 1 else ALWAYS
        found = (
            (known_at if part.since == ALWAYS else max(known_at, part.since, started_at), part, account)
            for part in parts
            for account, known_at in part.of.accounts
            if account not in self.facts.missing
        )
        first = min(found, key=lambda one: (one[0], one[1].since != ALWAYS, one[1].of.lead_id), default=None)
        return None if first is None or first[0] > as_of else (first[2], first[0])

    def _parts(self, stored: StoredLead, as_of: int, since: int = ALWAYS) -> Iterator[Part]:
        """Return the lead itself and every id that is known by then to be this lead, with when that became known."""
        yield Part(stored, since)
        for source, merged in stored.sources:
            known_at = self._since(merged)
            # What a workspace's `where` leaves out is nobody's.
            if known_at <= as_of and self.facts.is_inside(self.facts.known_by(source.facts, as_of)):
                yield from self._parts(source, as_of, max(since, known_at))

    def _is_merged(self, stored: StoredLead, as_of: int) -> bool:
        """Tell whether an id is known by then to be another lead."""
        return stored.merged is not None and self._since(stored.merged) <= as_of

    def _since(self, merged: Merged) -> int:
        """Return from when a merge counts: by the day, once its day is over, as with events."""
        if self._definition.resolution.events != "day":
            return merged.known_at
        return max(merged.known_at, int(effective_event(np.array([merged.at]), "day", self._definition.timezone)[0]))

    def _is_silent(self, started_at: int, events: Sequence[EventRow], as_of: int) -> bool:
        """Tell whether a freemium lead was closed by its silence."""
        allowed = self._definition.inactive_days
        if self._definition.trial_days is not None or allowed is None or self._definition.undated:
            return False
        return silent_since(started_at, [event.at for event in events], round(allowed * DAY_US)) <= as_of

    def _events(self, stored: Sequence[StoredEvent], as_of: int, since: int) -> list[EventRow]:
        return [EventRow._make(row) for row in self._rows(stored, as_of, since)]

    def _rows(self, stored: Sequence[StoredEvent], as_of: int, since: int) -> list[Row]:
        """Return the events that were known, none before `since`, each at the instant from which it counts."""
        if not stored:
            return []
        resolution, timezone = self._definition.resolution.events, self._definition.timezone
        at = [event.at for event in stored]
        if resolution == "day":
            at = effective_event(np.array(at, dtype=np.int64), resolution, timezone).tolist()
        rows: list[Row] = []
        for instant, event in zip(at, stored, strict=True):
            known = max(instant, event.received_at, since)
            if known <= as_of:
                name = folded(event.name)
                asked = event.properties != "{}" and self._asks(name)
                properties = self.properties.of(json.loads(event.properties)) if asked else {}
                rows.append((name, instant, known, event.count, properties))
        return rows

    def _asks(self, name: str) -> bool:
        """Tell whether anybody asks for the properties of events of a name: reading them takes longer than all the rest."""
        use = self._plan.use(name)
        return bool(use.asked or use.properties) or any(matches(pattern.event, name) for pattern in self._asking)

    def _fitting(self, patterns: Sequence[EventPattern], events: Sequence[EventRow]) -> Iterator[EventRow]:
        return (event for event in events if patterns and _fits(patterns, event))

    def _started_at(self, facts: Sequence[Fact], parts: Sequence[tuple[Part, Sequence[EventRow]]]) -> int | None:
        """Return the first start that was stated, else createdAt, else the earliest event.

        What an id had done that became this lead starts it no earlier than when that became known: a start once known stays.
        """
        if self._spec is not None and self._spec.start:
            return _earliest((event.at, part.since) for part, found in parts for event in self._fitting(self._spec.start, found))
        stated = self.facts.started_at(facts)
        if stated is not None:
            return stated
        earliest = _earliest((event.at, part.since) for part, found in parts for event in found)
        return min((fact.known_at for fact in facts), default=None) if earliest is None else earliest


def counted_until(definition: Definition, as_of: int) -> int:
    """Return the latest time at which something may have happened that counts by an instant: by the day, its day must be over."""
    if definition.resolution.events != "day":
        return as_of
    return int(day_begin(np.array([as_of]), definition.timezone)[0]) - 1


def _earliest(times: Iterable[tuple[int, int]]) -> int | None:
    return min((max(at, since) for at, since in times), default=None)


def _fits(patterns: Sequence[EventPattern], event: EventRow) -> bool:
    return any(matches(pattern.event, event.name) and all_hold(event.properties, pattern.where) for pattern in patterns)
