"""Usual events: what a play would bring about, told in the events of the workspace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from features.definition import Definition
from features.history import EventRow
from features.matrix import LiveLead
from features.names import matches
from features.reading.moments import day_begin
from features.workspaces.conditions import all_hold
from models.what_if import Hypothesis

Told = tuple[str, dict[str, object]]
"""The name of an event and its properties."""


def doing(lead: LiveLead, definition: Definition, behaviours: Iterable[str], times: int, as_of: int) -> Hypothesis | None:
    """Return the hypothesis that a lead does some behaviours now, so many times each; None where no event means them."""
    done = {event.name if isinstance(event, EventRow) else event[0] for event in lead.events}
    told = [found for name in behaviours if (found := usual_event(definition, name, done)) is not None]
    if not told:
        return None
    at = now_at(definition, lead, as_of)
    return Hypothesis([EventRow(name, at, at, times, properties) for name, properties in told])


def now_at(definition: Definition, lead: LiveLead, as_of: int) -> int:
    """Return the latest instant that counts: by the day, the end of the last day that is over; never before the lead began."""
    if definition.resolution.events != "day":
        return as_of
    return max(int(day_begin(np.array([as_of]), definition.timezone)[0]), lead.started_at)


def usual_event(definition: Definition, behaviour: str, done: Iterable[str] = ()) -> Told | None:
    """Return an event that means a behaviour: a usual one that the lead has not done yet, else one as the workspace writes it."""
    found = definition.behaviours.get(behaviour)
    if found is None:
        return None
    known, usual = set(done), definition.vocabulary.get(behaviour, ())
    for pattern in found.events:
        names = [name for name in usual if matches(pattern.event, name)]
        fresh = [name for name in names if name not in known] or names or [pattern.event.replace("*", "x").replace("?", "x")]
        properties = {name: _fitting(wanted) for name, wanted in pattern.where.items()}
        if all_hold(properties, pattern.where):
            return fresh[0], properties
    return None


def _fitting(wanted: Mapping[str, object]) -> object:
    """Return a value that fulfils conditions, if any of the plain ones does."""
    candidates: list[object] = []
    for operator, value in wanted.items():
        if operator == "in" and isinstance(value, Sequence):
            candidates += value
        elif operator == "glob":
            candidates.append(str(value).replace("*", "x").replace("?", "x"))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            candidates += [value, value + 1, value - 1]
        else:
            candidates.append(value)
    return next((one for one in candidates if all_hold({"x": one}, {"x": wanted})), None)
