"""Hypotheses: the question what if as it is posted, read as the kernel takes it; what cannot happen is refused, all at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.history import EventRow
from features.matrix import LiveLead
from features.reading.moments import effective_event
from features.storing.said import missing_words, says_something
from features.storing.sent_names import folded
from features.workspace import Workspace
from models.possible import Impossible, impossible
from models.what_if import Hypothesis
from serving.change_schemas import ImaginedEvent, WhatIfBody
from serving.items import RefusedCall, read_moment
from serving.live_lead import counted_until
from serving.problems import Problem
from serving.view import View


def read_hypothesis(body: WhatIfBody, workspace: Workspace, view: View, lead: LiveLead, as_of: int) -> Hypothesis:
    """Return what is imagined of a lead, or raise the problem that names everything about it that cannot happen."""
    if not body.events and not body.attributes and body.trial_ends_at is None:
        raise Problem("invalid_request", "Imagine something: events, attributes or trial_ends_at.")
    wrong: list[Impossible] = []
    attributes = _attributes(body.attributes, workspace, view, wrong)
    column = workspace.data.leads.trial_ends_at if workspace.data.leads is not None else None
    told_end = attributes.pop(column, None) if column is not None else None
    end = _end(told_end if body.trial_ends_at is None else body.trial_ends_at, workspace, wrong)
    rows = _rows(body.events, workspace, view, as_of, wrong)
    hypothesis = Hypothesis([row for row in rows if row is not None], attributes, end)
    places = [place for place, row in enumerate(rows) if row is not None]
    payments = workspace.data.conversions.events if workspace.data.conversions is not None else ()
    for one in impossible(view.definition, view.plan, lead, as_of, hypothesis, payments=payments):
        kind, _, index = one.place.partition("/")
        wrong.append(one._replace(place=f"{kind}/{places[int(index)]}") if index else one)
    if wrong:
        raise cannot_happen(wrong)
    return hypothesis


def cannot_happen(wrong: list[Impossible]) -> Problem:
    """Return the problem that names everything that cannot happen."""
    wrong = sorted(wrong, key=lambda one: (one.place.partition("/")[0], int(one.place.partition("/")[2] or 0)))
    problem = Problem("cannot_happen", wrong[0].detail)
    problem.members["errors"] = [{"pointer": f"#/{one.place}", "code": one.code, "detail": one.detail} for one in wrong]
    return problem


def _rows(
    events: list[ImaginedEvent], workspace: Workspace, view: View, as_of: int, wrong: list[Impossible]
) -> list[EventRow | None]:
    """Return the events as rows; None for one whose time cannot be read, and for one that repeats the id of another."""
    definition = view.definition
    rows: list[EventRow | None] = []
    ids: set[str] = set()
    for index, event in enumerate(events):
        rows.append(None)
        if event.id in ids:
            continue
        if event.id is not None:
            ids.add(event.id)
        try:
            # By the day, the latest day that is over is the nearest to now.
            at = counted_until(definition, as_of) if event.timestamp is None else read_moment(event.timestamp, workspace.timezone)
            heard = at if event.received_at is None else read_moment(event.received_at, workspace.timezone)
        except RefusedCall as refusal:
            wrong.append(Impossible(f"events/{index}", refusal.code, refusal.detail))
            continue
        instant = int(effective_event(np.array([at], dtype=np.int64), definition.resolution.events, definition.timezone)[0])
        properties = view.reader.properties.of(event.properties)
        rows[-1] = EventRow(folded(event.event), instant, max(instant, heard), event.count, properties)
    return rows


def _attributes(told: dict[str, Any], workspace: Workspace, view: View, wrong: list[Impossible]) -> dict[str, Any]:
    """Return what is told under the names that are asked for; a name that nobody asks for keeps its own, to be refused."""
    missing = missing_words(workspace)
    found: dict[str, Any] = {}
    for key, value in told.items():
        if says_something(value, missing):
            found[view.reader.facts.names.find(key) or key] = value
        else:
            wrong.append(Impossible("attributes", "invalid_attribute", "An attribute has a value that says nothing."))
    return found


def _end(told: Any, workspace: Workspace, wrong: list[Impossible]) -> int | None:
    try:
        return None if told is None else read_moment(told, workspace.timezone)
    except RefusedCall as refusal:
        wrong.append(Impossible("trial_ends_at", refusal.code, refusal.detail))
        return None
