"""PostHog's events become messages: who, what, when, by PostHog's own names.

``$identify`` and aliases merge, ``$set`` says what a lead is, ``$groups`` whose account it belongs to, ``$pageview`` and
``$screen`` are views, and everything else is an event under its own name.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.storing.canonical import size_of, to_json
from features.storing.rows import Message, digest_around
from serving.api_keys import is_well_formed
from serving.guards import EVENT_LIMIT
from serving.ingest import Door
from serving.items import MAX_NAME, Arrival, RefusedCall, not_ahead, read_id, read_moment, read_object, read_traits
from serving.segment import path_of, put_right

MERGES = {"$identify": "$anon_distinct_id", "$create_alias": "alias", "$merge_dangerously": "alias"}
"""The events that merge an id into ``distinct_id``, and the property that holds this id."""

ALIASES = ("$create_alias", "$merge_dangerously")
ABOUT_A_PERSON = ("$identify", "$set", "$set_once")

ACCOUNTS = ("company", "organization", "organisation", "org", "account", "customer", "tenant", "workspace", "team", "instance")
"""The types of groups that are accounts, the first of them first. Other groups, such as projects, are not."""

_KEYS = ("api_key", "token")


@dataclass(frozen=True, slots=True)
class Sent:
    """How events came in: what the envelope says of all of them."""

    arrival: Arrival
    sent_at: int | None = None
    is_history: bool = False
    """The events are told long after they happened, by somebody who may say so: they were known when they happened."""
    account: str | None = None
    """The type of group that the workspace calls the account."""


def door(path: str, sent: Sent) -> Door:
    """Return a door for PostHog's events."""
    return Door(path, lambda event: clean(event, sent), lead_of, sent.arrival.now)


def without_keys(event: Any, key: str | None) -> Any:
    """Leave out of an event the key of its project, which the client for browsers puts among its properties."""
    if not isinstance(event, dict):
        return event
    kept = {name: value for name, value in event.items() if name not in _KEYS}
    properties = kept.get("properties")
    if isinstance(properties, dict):
        kept["properties"] = {name: value for name, value in properties.items() if not _is_key(name, value, key)}
    return kept


def _is_key(name: str, value: Any, key: str | None) -> bool:
    return name in _KEYS and isinstance(value, str) and (value == key or is_well_formed(value))


def clean(event: Any, sent: Sent) -> Message:
    """Turn one event into a message."""
    if not isinstance(event, dict):
        raise RefusedCall("not_an_object", "An event must be a JSON object.")
    if size_of(event) > EVENT_LIMIT:
        raise RefusedCall("event_too_large", f"An event may be at most {EVENT_LIMIT} bytes.")
    properties = read_object(event, "properties")
    lead = read_id(event, "distinct_id") or read_id(properties, "distinct_id")
    if lead is None:
        raise RefusedCall("missing_user", "An event needs distinct_id.")
    said = event.get("event")
    if not isinstance(said, str) or not said.strip() or len(said) > MAX_NAME:
        raise RefusedCall("missing_event", f"An event needs event, its name: a text of 1 to {MAX_NAME} characters.")
    kind, name = _kind(said, properties)
    merged_from = read_id(properties, MERGES[said]) if said in MERGES else None
    if said in ALIASES and merged_from is None:
        raise RefusedCall("missing_previous_id", f"{said} needs the property alias.")
    traits = _traits(event, properties)
    account = _account(said, lead, properties, sent.account)
    at, received_at = _moments(event, properties, sent)
    written = to_json(properties)
    return Message(
        message_id=read_id(event, "uuid") or read_id(properties, "$insert_id") or f"tw-{secrets.token_hex(16)}",
        kind=kind,
        lead_id=lead,
        name=name,
        at=at,
        received_at=received_at,
        digest=digest_around((said, lead, name), written, (traits, event.get("timestamp"))),
        properties=properties,
        traits=traits,
        account_id=account,
        merged_from=merged_from,
        written=written,
    )


def lead_of(event: Any) -> str | None:
    """Return whom an event is about; one that was refused may not say."""
    for place in (event, event.get("properties")) if isinstance(event, dict) else ():
        try:
            if isinstance(place, dict) and (found := read_id(place, "distinct_id")):
                return found
        except RefusedCall:
            continue
    return None


def _kind(said: str, properties: Mapping[str, Any]) -> tuple[str, str]:
    """Return what kind of message an event is, and its name as it is stored."""
    if said in ABOUT_A_PERSON:
        return "identify", ""
    if said in ALIASES:
        return "alias", ""
    if said == "$groupidentify":
        return "group", ""
    if said == "$pageview":
        return "page", f"page:{_viewed(said, properties, '$pathname', path_of(properties.get('$current_url')))}"
    if said == "$screen":
        return "screen", f"screen:{_viewed(said, properties, '$screen_name', None)}"
    return "track", said


def _viewed(said: str, properties: Mapping[str, Any], key: str, otherwise: str | None) -> str:
    stated = properties.get(key)
    found = stated if isinstance(stated, str) and stated.strip() else otherwise
    if found is None or len(found) > MAX_NAME:
        also = " or $current_url" if key == "$pathname" else ""
        raise RefusedCall("missing_name", f"{said} needs the property {key}{also}, of at most {MAX_NAME} characters.")
    return found


def _traits(event: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said about the person: set once first, since of a trait the first value that is not null counts."""
    found: dict[str, Any] = {}
    for key in ("$set", "$set_once"):
        for place in (properties, event):
            found |= read_object(place, key)
    return read_traits(found)


def _account(said: str, lead: str, properties: Mapping[str, Any], named: str | None) -> str | None:
    """Return the account that an event names, if one of its groups is one."""
    groups = properties.get("$groups")
    if said == "$groupidentify":
        key = read_id(properties, "$group_key")
        if key is None:
            raise RefusedCall("missing_group_id", "$groupidentify needs the property $group_key.")
        told = properties.get("$group_type")
        if lead == f"${told}_{key}":
            return None  # a client that was told of no person makes one up
        groups = {told: key} if isinstance(told, str) else None
    if not isinstance(groups, dict):
        return None
    folded = {kind.lower(): kind for kind in groups}
    for kind in (*([named.lower()] if named else []), *ACCOUNTS):
        if kind in folded:
            return _hint(groups, folded[kind])
    return None


def _hint(groups: Mapping[str, Any], kind: str) -> str | None:
    try:
        return read_id(groups, kind)
    except RefusedCall:
        return None  # not what the event is about


def _moments(event: Mapping[str, Any], properties: Mapping[str, Any], sent: Sent) -> tuple[int, int]:
    """Return when an event happened and when it was received."""
    arrival = sent.arrival
    written = event.get("timestamp")
    if written is None:
        offset = event.get("offset")
        ago = round(offset * 1000) if isinstance(offset, int | float) and 0 <= offset < 1e12 else 0
        return arrival.now - ago, arrival.now
    at = read_moment(written, arrival.timezone)
    if sent.is_history:
        return not_ahead(at, arrival), min(at, arrival.now)
    sent_at = _sent_at(event, arrival) or sent.sent_at
    if sent_at is not None and properties.get("$ignore_sent_at") is not True:
        at = put_right(at, sent_at, arrival.now)
    return not_ahead(at, arrival), arrival.now


def _sent_at(event: Mapping[str, Any], arrival: Arrival) -> int | None:
    stated = event.get("sent_at")
    return None if stated is None else read_moment(stated, arrival.timezone)
