"""Values inside values: objects, JSON written as text, lists of key and value, and the parts of an address.

Tools export what a user did as one object inside another. ``a.b`` names what lies under ``b`` in ``a``; a key that itself has a
dot is found before it is taken apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

CONTAINERS = ("properties", "traits", "event_properties", "event_params", "user_properties")
"""Where tools keep what belongs to an event or a user: a name that is not at the top is looked for in these, in this order."""

_TYPED = ("string_value", "int_value", "float_value", "double_value")
"""Google Analytics writes a value under the name of its type."""


def walk(value: Any, path: str) -> Any:
    """Return what lies at a dotted path, None where there is nothing.

    >>> walk({"a": {"b": 1}, "a.b": 2}, "a.b"), walk('{"a": {"b": 1}}', "a.b")
    (2, 1)
    >>> walk([{"key": "a", "value": {"int_value": "7"}}], "a")
    7
    >>> walk("https://acme.com/pricing?from=mail", "path"), walk("https://acme.com", "path"), walk({"a": 1}, "a.b")
    ('/pricing', '/', None)
    """
    inside = opened(value)
    if path in inside:
        return inside[path]
    cut = path.rfind(".")
    while cut > 0:
        inner = inside.get(path[:cut])
        if inner is not None:
            return walk(inner, path[cut + 1 :])
        cut = path.rfind(".", 0, cut)
    return None


def find(row: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    """Look for a name at the top of a row, then in its containers, then as a path; tell whether it is there.

    >>> find({"id": 1, "properties": {"plan": "pro"}}, "plan"), find({"id": 1}, "plan")
    ((True, 'pro'), (False, None))
    """
    if name in row:
        return True, row[name]
    for outer in CONTAINERS:
        inner = row.get(outer)
        if inner and (name in (inside := opened(inner)) or "." in name):
            value = walk(inside, name)
            if value is not None or name in inside:
                return True, value
    if "." in name:
        value = walk(row, name)
        return value is not None, value
    return False, None


def roots(name: str, known: Iterable[str]) -> list[tuple[str, str]]:
    """Return the columns in which a name may lie, with its path there; a container is only the second choice.

    >>> roots("a.b.c", ["a", "a.b", "properties"])
    [('a.b', 'c'), ('a', 'b.c'), ('properties', 'a.b.c')]
    """
    known = set(known)
    parts = name.split(".")
    cuts = ((".".join(parts[:i]), ".".join(parts[i:])) for i in range(len(parts) - 1, 0, -1))
    return [(root, path) for root, path in cuts if root in known] + [(outer, name) for outer in CONTAINERS if outer in known]


def opened(value: Any) -> Mapping[str, Any]:
    """Return what a value holds by name, nothing if it is no such value.

    >>> opened('{"a": 1}'), opened("text"), opened(7)
    ({'a': 1}, {}, {})
    """
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return _parse(value)
    if isinstance(value, list):
        return dict(pair for item in value if (pair := _pair(item)) is not None)
    return {}


def _parse(text: str) -> Mapping[str, Any]:
    if text[:1] in ("{", "["):
        try:
            read = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return {} if isinstance(read, str) else opened(read)
    if "://" in text:
        try:
            parts = urlsplit(text)
            return {"path": parts.path or "/", "host": parts.hostname, "query": parts.query}
        except ValueError:
            return {}
    return {}


def _pair(item: Any) -> tuple[str, Any] | None:
    if isinstance(item, tuple) and len(item) == 2:  # an entry of a map in Parquet
        return str(item[0]), item[1]
    if not isinstance(item, dict) or not isinstance(item.get("key"), str):
        return None
    value = item.get("value")
    if isinstance(value, dict) and value.keys() & set(_TYPED):
        kind = next((kind for kind in _TYPED if value.get(kind) is not None), None)
        value = value[kind] if kind is not None else None
        if kind == "int_value" and isinstance(value, str) and value.lstrip("-").isdigit():
            value = int(value)  # BigQuery writes 64-bit integers as text
    return item["key"], value
