"""Whom the body of a refused item names: it was not understood, so every key under which tools send ids is looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

ID_KEYS = frozenset(
    {
        "userId", "anonymousId", "previousId", "user_id", "anonymous_id", "previous_id", "lead_id", "distinct_id", "alias",
        "$anon_distinct_id", "$user_id", "$device_id", "id", "email",
    }
)  # fmt: skip
LONGEST = 256
"""The longest id, in characters."""

LONG_ENOUGH = 8
"""An id of at least so many characters is no accident within a longer text."""


def said_ids(body: str) -> set[str]:
    """Return what stands under keys that hold ids, at any depth of a JSON text.

    >>> sorted(said_ids('{"userId":7,"context":{"traits":{"email":"a@b.c"}},"x":"y"}'))
    ['7', 'a@b.c']
    """
    found = {str(value) for key, value in _values(_read(body), None) if key in ID_KEYS}
    return {one for one in found if one and len(one) <= LONGEST}


def mentions(body: str, lead_id: str) -> bool:
    """Tell whether a JSON text speaks of an id: as a value, as a number under a key of ids, or within a text if it is long.

    >>> mentions('{"userId":7}', "7"), mentions('{"count":7}', "7"), mentions('{"to":"/u/ann@acme.com"}', "ann@acme.com")
    (True, False, True)
    """
    return any(
        value == lead_id or (len(lead_id) >= LONG_ENOUGH and lead_id in value)
        if isinstance(value, str)
        else key in ID_KEYS and str(value) == lead_id
        for key, value in _values(_read(body), None)
    )


def _read(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _values(node: Any, key: str | None) -> Iterator[tuple[str | None, str | int]]:
    """Yield the texts and whole numbers of a JSON value, each with the key it stands under; keys count as texts too."""
    waiting = [(key, node)]
    while waiting:
        key, node = waiting.pop()
        if isinstance(node, dict):
            waiting += [(None, name) for name in node]
            waiting += list(node.items())
        elif isinstance(node, list):
            waiting += [(key, item) for item in node]
        elif isinstance(node, str) or (isinstance(node, int) and not isinstance(node, bool)):
            yield key, node
