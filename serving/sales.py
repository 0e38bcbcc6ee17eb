"""What sales tells: who paid, and who was spoken to and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from features.reading.moments import day_begin, effective_event
from features.store import EventStore
from features.storing.lead_states import Message
from features.storing.rows import Contact, Outcome, contact_id, outcome_id
from serving.ingest import Door, answer_of, sort_out
from serving.items import MAX_NAME, Arrival, RefusedCall, lead_of, not_ahead, read_id, read_moment, received
from serving.metrics import Metrics
from serving.webhook_endpoints import Endpoint
from serving.webhook_messages import handed_over

MAX_NOTE = 1000
"""The longest need, budget or intent, in characters."""


def take_conversions(
    store: EventStore, metrics: Metrics, items: Sequence[Any], arrival: Arrival, resolution: str
) -> dict[str, Any]:
    """Store conversions and say what became of each."""
    door = _door("/v1/conversions", arrival)
    good, bad = sort_out(items, lambda item: read_outcome(item, arrival, resolution))
    told = store.add_outcomes([outcome for _, outcome in good], door.refused(items, bad))
    return answer_of(metrics, zip((index for index, _ in good), told, strict=True), bad)


def take_contacts(
    store: EventStore,
    metrics: Metrics,
    items: Sequence[Any],
    arrival: Arrival,
    endpoints: Sequence[Endpoint] = (),
    source: str = "",
) -> dict[str, Any]:
    """Store contacts, with what endpoints are told of those that hand a lead over, and say what became of each."""
    door = _door("/v1/contacts", arrival)
    good, bad = sort_out(items, lambda item: read_contact(item, arrival))
    contacts = [contact for _, contact in good]
    told = store.add_contacts(contacts, door.refused(items, bad), _notices(store, contacts, endpoints, source))
    return answer_of(metrics, zip((index for index, _ in good), told, strict=True), bad)


def _notices(
    store: EventStore, contacts: Sequence[Contact], endpoints: Sequence[Endpoint], source: str
) -> dict[int, list[Message]]:
    """Return what endpoints are told of the contacts that hand a lead over, by place."""
    over = {place: one for place, one in enumerate(contacts) if one.handed_to is not None}
    if not over or not endpoints:
        return {}
    enabled = store.outbox.enabled([one.name for one in endpoints])
    wanting = [one for one in endpoints if one.name in enabled]
    states = store.states.of([one.lead_id for one in over.values()])
    return {place: list(handed_over(one, states.get(one.lead_id), wanting, source)) for place, one in over.items()}


def _door(path: str, arrival: Arrival) -> Door:
    return Door(path, lambda item: item, lambda item: lead_of(item, ("lead_id",)), arrival.now)


def read_outcome(item: Any, arrival: Arrival, resolution: str) -> Outcome:
    """Turn one item into a conversion."""
    lead_id, stated, at = _who_and_when(item, arrival, "conversion", "the time of the payment")
    received_at = received(item.get("received_at"), arrival, "received_at")
    if resolution == "day":
        known_from = int(effective_event(np.array([at]), resolution, arrival.timezone)[0])
        at = int(day_begin(np.array([at]), arrival.timezone)[0])
    else:
        known_from = at
    return Outcome(stated or outcome_id(lead_id, at), lead_id, at, max(known_from, received_at))


def read_contact(item: Any, arrival: Arrival) -> Contact:
    """Turn one item into a contact."""
    lead_id, stated, at = _who_and_when(item, arrival, "contact", "the time at which the lead was spoken to")
    play, channel, result = (_word(item, key) for key in ("play", "channel", "result"))
    notes = {key: found for key in ("need", "budget", "intent") if (found := _note(item, key)) is not None}
    owner = _word(item, "owner")
    notes |= {} if owner is None else {"owner": owner}
    made = stated or contact_id(lead_id, at, play, channel, result, notes)
    return Contact(
        made, lead_id, at, max(at, received(item.get("received_at"), arrival, "received_at")), play, channel, result, notes
    )


def _who_and_when(item: Any, arrival: Arrival, what: str, meaning: str) -> tuple[str, str | None, int]:
    """Return of whom an item tells, under which id if it has one, and when that was."""
    if not isinstance(item, dict):
        raise RefusedCall("not_an_object", f"A {what} must be a JSON object.")
    lead_id, stated = read_id(item, "lead_id"), read_id(item, "id")
    if lead_id is None:
        raise RefusedCall("missing_lead_id", f"A {what} needs lead_id.")
    if "at" not in item:
        raise RefusedCall("missing_at", f"A {what} needs at, {meaning}.")
    return lead_id, stated, not_ahead(read_moment(item["at"], arrival.timezone), arrival)


def _word(item: dict[str, Any], key: str) -> str | None:
    """Return a short text such as the name of a play."""
    value = item.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise RefusedCall(f"invalid_{key}", f"{key} must be a text of at most {MAX_NAME} characters.")
    return value


def _note(item: dict[str, Any], key: str) -> str | float | bool | None:
    """Return what sales found out: a text, a number or yes and no."""
    value = item.get(key)
    if value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= MAX_NOTE):
        found: str | float | bool | None = value
        return found
    raise RefusedCall(f"invalid_{key}", f"{key} must be a text of at most {MAX_NOTE} characters, a number, true or false.")
