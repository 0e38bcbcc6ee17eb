"""The events of a feature in words, with what is asked of their properties: two features of different events read differently."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from features.workspaces.behaviours import EventPattern
from features.workspaces.conditions import Where

_SIGNS = {"eq": "=", "in": "in", "glob": "like", "ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_BARE = re.compile(r"(?!(?:true|false)$)[^\W\d][\w*?/:.-]*")


def events_words(patterns: Sequence[EventPattern]) -> str:
    """Return what a lead did, in the past tense.

    >>> events_words([EventPattern(event="demo"), EventPattern(event="web*", where={"sure_sn": {"ge": 600}})])
    'did “demo”, or “web*” where sure_sn >= 600'
    >>> events_words([EventPattern(event="demo"), EventPattern(event="tour.*")])
    'did “demo / tour_*”'
    """
    groups: dict[str, list[str]] = {"": []}
    for pattern in patterns:
        groups.setdefault(where_words(pattern.where), []).append(pattern.event)
    told = [f"“{' / '.join(events)}”{where and f' where {where}'}" for where, events in groups.items() if events]
    return f"did {', or '.join(told)}"


def where_words(where: Where) -> str:
    """Return conditions in words; all of them must hold.

    >>> where_words({"plan": {"in": ("pro", "team")}, "seats": {"ge": 5, "lt": 50}})
    'plan in (pro, team) and seats >= 5 and seats < 50'
    >>> where_words({"url": {"glob": "/pro*"}, "code": {"eq": "9"}, "paid": {"eq": True}})
    'url like "/pro*" and code = "9" and paid = true'
    """
    return " and ".join(
        f"{name} {_SIGNS[operator]} {_wanted(value)}" for name, asked in where.items() for operator, value in asked.items()
    )


def patterns_data(patterns: Sequence[EventPattern]) -> list[dict[str, object]]:
    """Return events with their conditions as JSON has them."""
    return [{"event": one.event, "where": {name: {**asked} for name, asked in one.where.items()}} for one in patterns]


def _wanted(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"({', '.join(map(_wanted, value))})"
    # A text that reads as a number is compared otherwise than the number: it stands in quotes.
    return value if isinstance(value, str) and _BARE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
