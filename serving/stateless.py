"""Scores of leads that are posted and not stored: with their events, or as a whole vector of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError
from pydantic_core import to_json

from features.clock import DAY_US
from features.exact import number
from features.feature import TRIAL_AGE
from features.history import EventRow
from features.matrix import FeatureMatrix, LiveLead, compute_one
from features.reading.moments import effective_event
from features.storing.said import missing_words, says_something
from features.storing.sent_names import folded
from features.workspace import Workspace
from serving.items import RefusedCall, read_moment
from serving.proving import Loaded
from serving.schemas import PostedEvent, PostedLead
from serving.shapes import where_wrong
from serving.view import View


@dataclass(frozen=True, slots=True)
class Posted:
    """One posted lead as a row of features."""

    lead_id: str
    row: FeatureMatrix
    started_at: int
    inputs: str
    unknown: int
    """How many of its features the model does not know."""


def read_posted(item: Any, workspace: Workspace, loaded: Loaded, as_of: int) -> Posted:
    """Turn one posted lead into a row, or refuse it with a reason of its own."""
    try:
        lead = PostedLead.model_validate(item)
    except ValidationError as error:
        raise RefusedCall("invalid_lead", where_wrong(error, "The lead")) from None
    if lead.features is not None and (lead.events or lead.attributes):
        raise RefusedCall("invalid_lead", "A lead has events and attributes, or features, not both.")
    started_at = None if lead.started_at is None else read_moment(lead.started_at, workspace.timezone)
    view = loaded.view
    if lead.features is not None:
        started_at = _start_of(started_at, lead.features, view, as_of)
        row = vector(view, lead.features, as_of, started_at)
        unknown = len(lead.features.keys() - view.features.places.keys())
    else:
        if started_at is None:
            started_at = _undated(view, as_of)
        row = compute_one(view.features, view.plan, _lead(lead, workspace, view, started_at), as_of)
        unknown = 0
    if started_at > as_of:
        raise RefusedCall("not_started", "The lead starts after as_of.")
    return Posted(lead.lead_id, row, started_at, to_json(item).decode(), unknown)


def _undated(view: View, as_of: int) -> int:
    if not view.definition.undated:
        raise RefusedCall("missing_started_at", "A lead needs started_at.")
    return as_of


def _start_of(started_at: int | None, features: Mapping[str, float | str | None], view: View, as_of: int) -> int:
    """Return when a lead that is posted as features started: as it says, or by the age among its features."""
    if started_at is not None:
        return started_at
    age = features.get(f"{TRIAL_AGE}_d")
    if isinstance(age, float | int) and 0 <= age <= 36_500:
        return as_of - round(age * DAY_US)
    return _undated(view, as_of)


def vector(view: View, features: Mapping[str, float | str | None], as_of: int, started_at: int) -> FeatureMatrix:
    """Return a posted vector as a row; what is not in it is missing, and names that the model does not know are left out."""
    values = np.full((1, len(view.features)), np.nan)
    row, places = values[0], view.features.places
    for name, given in features.items():
        place = places.get(name)
        if place is None or given is None or name in view.codes:
            continue
        if isinstance(given, str):
            raise RefusedCall("invalid_feature", f"The feature {name} is a number.")
        row[place] = given
    labels: dict[str, Any] = {}
    for name, codes in view.codes.items():
        told = features.get(name)
        if told is not None and not isinstance(told, str):
            raise RefusedCall("invalid_feature", f"The feature {name} is a category: send a text.")
        labels[name] = np.array([told or None], dtype=object)
        if told:
            row[places[name]] = codes.get(told, 0.0)
    return FeatureMatrix(
        features=view.features,
        values=values,
        labels=labels,
        lead_index=np.zeros(1, dtype=np.int64),
        as_of=np.array([as_of], dtype=np.int64),
        features_as_of=np.array([max(started_at, 0)], dtype=np.int64),
    )


def _lead(lead: PostedLead, workspace: Workspace, view: View, started_at: int) -> LiveLead:
    """Return a posted lead as the kernel takes it; its attributes are known from the start, its account mates are not known."""
    ends: list[tuple[int, int]] = []
    spec = workspace.data.leads
    column = spec.trial_ends_at if spec is not None else None
    missing = missing_words(workspace)
    attributes: dict[str, tuple[object, int]] = {}
    for name, value in view.reader.facts.names.of(lead.attributes).items():
        if not says_something(value, missing):
            continue
        if name == column:
            ends.append((read_moment(value, workspace.timezone), started_at))
        elif view.definition.attributes.get(name) == "number" and number(value) is None:
            raise RefusedCall("invalid_attribute", f"The attribute {name} is a number.")
        else:
            attributes[name] = (value, started_at)
    return LiveLead(lead.lead_id, started_at, ends, attributes, _events(lead.events, workspace, view))


def _events(posted: Sequence[PostedEvent], workspace: Workspace, view: View) -> list[EventRow]:
    """Return the posted events; an id counts once, and of several with one id the one that was known first."""
    resolution = view.definition.resolution.events
    at = np.array([read_moment(event.timestamp, workspace.timezone) for event in posted], dtype=np.int64)
    counted = effective_event(at, resolution, view.definition.timezone).tolist() if len(at) else []
    rows: list[EventRow] = []
    first: dict[str, int] = {}
    for instant, event in zip(counted, posted, strict=True):
        received = instant if event.received_at is None else read_moment(event.received_at, workspace.timezone)
        properties = view.reader.properties.of(event.properties)
        row = EventRow(folded(event.event), instant, max(instant, received), event.count, properties)
        place = len(rows) if event.id is None else first.setdefault(event.id, len(rows))
        if place == len(rows):
            rows.append(row)
        elif (row.known, row.at) < (rows[place].known, rows[place].at):
            rows[place] = row
    return rows
