"""Items: what calls, conversions, contacts and posted leads are made of, whoever sends them: ids, objects, names and times.

Each part is read strictly, or its item refused by a code and a sentence that repeats nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.clock import DAY_US
from features.reading.moments import NAIVE, TimeError, parse_moment

MAX_NAME = 256
"""The longest id or name, in characters: an index of the database has to hold it."""


class RefusedCall(Exception):
    """One call that is not taken: a code that never changes and a sentence without the caller's data."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a call came in: when by our clock, what its envelope says, and whether its sender may say when it was received."""

    now: int
    timezone: str = "UTC"
    sent_at: Any = None
    context: Mapping[str, Any] | None = None
    may_backdate: bool = False


def lead_of(item: Any, named: Sequence[str]) -> str | None:
    """Return whom an item is about by the first of some keys that holds an id; an item that was refused may hold none."""
    for key in named if isinstance(item, dict) else ():
        try:
            if found := read_id(item, key):
                return found
        except RefusedCall:
            continue
    return None


def read_id(call: Mapping[str, Any], key: str) -> str | None:
    """Return an id as text. Some tools send numbers: 7 and "7" are one id."""
    value = call.get(key)
    if type(value) is str and 0 < len(value) <= MAX_NAME:  # nearly always
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise RefusedCall("invalid_id", f"{key} must be a text of at most {MAX_NAME} characters.")
    return value


def read_object(call: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a part of a call that has to be an object if it is there."""
    value = call.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RefusedCall(f"invalid_{key.lstrip('$')}", f"{key} must be a JSON object.")
    return value


def read_traits(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return traits whose names a database can hold."""
    if any(not 0 < len(name) <= MAX_NAME for name in body):
        raise RefusedCall("invalid_traits", f"The name of a trait must have 1 to {MAX_NAME} characters.")
    return dict(body)


def received(stated: Any, arrival: Arrival, name: str) -> int:
    """Return when an item reached us: by our clock, unless an administrator fills in the past; `name` is what says so there."""
    if stated is None or not arrival.may_backdate:
        return arrival.now
    found = read_moment(stated, arrival.timezone)
    if found > arrival.now:
        raise RefusedCall("received_in_future", f"{name} lies ahead of the server's clock.")
    return found


def not_ahead(at: int, arrival: Arrival) -> int:
    """Return a time unless it lies more than a day in the future, where nothing can have happened yet."""
    if at > arrival.now + DAY_US:
        raise RefusedCall("timestamp_in_future", "The timestamp lies more than 24 hours ahead of the server's clock.")
    return at


def read_moment(value: Any, timezone: str) -> int:
    """Read a time of a call. Numbers are refused: whether they count seconds or milliseconds would be a guess."""
    if not isinstance(value, str):
        raise RefusedCall("invalid_timestamp", "A time must be a text in ISO 8601 with its zone.")
    try:
        return parse_moment(value, timezone=timezone)
    except TimeError as error:
        if error.state == NAIVE:
            raise RefusedCall("naive_timestamp", "A time needs its zone: end it with Z or an offset.") from None
        raise RefusedCall("invalid_timestamp", "A time must be a text in ISO 8601 with its zone, from 1971 to 2098.") from None
