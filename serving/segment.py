"""Segment's calls become messages: who, what, when, each checked on its own, so that one bad call never costs the good ones.

What a call says is taken as it is. The server adds only when it received it, and puts right clocks that are visibly wrong.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from features.reading.moments import EARLIEST, LATEST
from features.storing.canonical import scalar, size_of, to_json
from features.storing.rows import Message, fingerprint
from serving.guards import EVENT_LIMIT
from serving.items import MAX_NAME, Arrival, RefusedCall, not_ahead, read_id, read_moment, read_object, read_traits, received

KINDS = ("track", "page", "screen", "identify", "group", "alias")
LATENCY_US = 10_000_000
"""A difference between two clocks up to this is the time that the message travelled, not a wrong clock."""
FEW = 32
"""More than a number takes with all that stands around it."""


def clean(call: Any, arrival: Arrival, kind: str | None = None) -> Message:
    """Turn one call into a message; ``kind`` is what the address says, else the call says it as ``type``."""
    if not isinstance(call, dict):
        raise RefusedCall("not_an_object", "A call must be a JSON object.")
    try:
        message = _message_of(call, arrival, kind)
    except RefusedCall:
        _check_size(call)  # what is too large is refused for that, whatever else is wrong with it
        raise
    if _may_be_large(call, message):
        _check_size(call)
    return message


def _message_of(call: Mapping[str, Any], arrival: Arrival, kind: str | None) -> Message:
    said = kind or call.get("type")
    if said not in KINDS:
        raise RefusedCall("unknown_type", f"The type must be one of {', '.join(KINDS)}.")
    user, anonymous = read_id(call, "userId"), read_id(call, "anonymousId")
    lead = user or anonymous
    if lead is None:
        raise RefusedCall("missing_user", "A call needs userId or anonymousId.")
    context = read_object(call, "context")
    if arrival.context:
        context = {**arrival.context, **context}
    body = _said_of(said, call, context)
    previous = read_id(call, "previousId")
    if said == "alias" and previous is None:
        raise RefusedCall("missing_previous_id", "An alias needs previousId.")
    group = read_id(call, "groupId")
    if said == "group" and group is None:
        raise RefusedCall("missing_group_id", "A group call needs groupId.")
    name = _name(said, call, body, context)
    count = 1 if call.get("count") is None else call["count"]
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count < 2**31:
        raise RefusedCall("invalid_count", "The count must be a whole number of at least 1.")
    received_at = received(_stated_receipt(call), arrival, "receivedAt") if arrival.may_backdate else arrival.now
    at = not_ahead(_moment_of(call, arrival, received_at), arrival)
    written = to_json(body) if body else "{}"
    return Message(
        message_id=read_id(call, "messageId") or f"tw-{secrets.token_hex(16)}",
        kind=said,
        lead_id=lead,
        name=name,
        at=at,
        received_at=received_at,
        digest=fingerprint(  # of what the caller said, as digest_of writes it
            f'["{said}",{scalar(user)},{scalar(anonymous)},{scalar(name)},{written},{scalar(previous)},{scalar(group)},{count},'
            f"[{scalar(call.get('originalTimestamp'))},{scalar(call.get('timestamp'))}]]"
        ),
        anonymous_id=anonymous,
        count=count,
        properties=body,
        context=context or None,
        traits=read_traits(body) if said == "identify" else {},
        account_id=group if said == "group" else _account(context) if "groupId" in context else None,
        merged_from=previous if said == "alias" else anonymous if said == "identify" and user and anonymous else None,
        written=written,
        written_context=to_json(context) if context else None,
    )


def _may_be_large(call: Mapping[str, Any], message: Message) -> bool:
    """Tell whether a call could be over the limit, from what is at hand. A character takes at most six bytes."""
    size = len(message.written or "") + len(message.written_context or "")
    for key, value in call.items():
        size += len(key) + FEW
        if type(value) is str:
            size += len(value)
        elif value and isinstance(value, dict | list) and value is not message.properties and value is not message.context:
            return True
    return size * 6 > EVENT_LIMIT


def _check_size(call: Mapping[str, Any]) -> None:
    if size_of(call) > EVENT_LIMIT:
        raise RefusedCall("event_too_large", f"A call may be at most {EVENT_LIMIT} bytes.")


def _said_of(kind: str, call: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the traits or properties of a call; RudderStack's clients put the traits of an identify into its context."""
    if kind != "identify":
        return read_object(call, "traits" if kind == "group" else "properties")
    return {**read_object(context, "traits"), **read_object(call, "traits")}


def _account(context: Mapping[str, Any]) -> str | None:
    try:
        return read_id(context, "groupId")
    except RefusedCall:
        return None  # a hint of the tool, not what the call is about


def _name(kind: str, call: Mapping[str, Any], properties: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """Return the event's name; a page's is its path, a screen's what it is called."""
    if kind in ("identify", "group", "alias"):
        return ""
    if kind == "track":
        name = call.get("event")
    else:
        name = (_path(properties, context) if kind == "page" else None) or call.get("name") or properties.get("name")
    if isinstance(name, str) and len(name) <= MAX_NAME and name.strip():
        return name if kind == "track" else f"{kind}:{name}"
    if kind == "track":
        raise RefusedCall("missing_event", f"A track call needs event, a text of 1 to {MAX_NAME} characters.")
    raise RefusedCall("missing_name", f"A {kind} call needs a name or a path of at most {MAX_NAME} characters.")


def _path(properties: Mapping[str, Any], context: Mapping[str, Any]) -> str | None:
    page = context.get("page")
    for place in (properties, page if isinstance(page, dict) else {}):
        path, url = place.get("path"), place.get("url")
        if isinstance(path, str) and path:
            return path
        if (found := path_of(url)) is not None:
            return found
    return None


def path_of(url: Any) -> str | None:
    """Return the path of an address, or None if it is none.

    >>> path_of("https://acme.com/pricing?plan=pro"), path_of("https://acme.com"), path_of(7)
    ('/pricing', '/', None)
    """
    if not isinstance(url, str) or not url:
        return None
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return None


def _stated_receipt(call: Mapping[str, Any]) -> Any:
    """Return the receivedAt of a call; Segment's client libraries can only put it into the context."""
    context = call.get("context")
    return call.get("receivedAt") or (context.get("receivedAt") if isinstance(context, dict) else None)


def _moment_of(call: Mapping[str, Any], arrival: Arrival, received_at: int) -> int:
    """Return when it happened, by Segment's rule: what the sender's clock is off by when sending, it was off by before.

    A call that carries both timestamp and originalTimestamp was put right by whoever forwarded it; one that fills in the past was
    sent long after it happened, which says nothing about clocks.
    """
    stated, original = call.get("timestamp"), call.get("originalTimestamp")
    if stated is None and original is None:
        return received_at
    written = read_moment(original if stated is None else stated, arrival.timezone)
    sent_at = call.get("sentAt", arrival.sent_at)
    if sent_at is None or received_at != arrival.now or (stated is not None and original is not None):
        return written
    return put_right(written, read_moment(sent_at, arrival.timezone), received_at)


def put_right(written: int, sent_at: int, received_at: int) -> int:
    """Return a time by our clock that was written by the clock which said ``sent_at`` when it sent."""
    off = received_at - sent_at
    at = written if abs(off) <= LATENCY_US else written + off
    if not EARLIEST <= at < LATEST:
        raise RefusedCall("invalid_timestamp", "The time, put right by the time of sending, is out of range.")
    return at
