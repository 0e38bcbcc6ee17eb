"""Export: everything that is held on one lead as one JSON document, which another store can take in again.

``batch``, ``conversions`` and ``contacts`` are what the doors of those names take from an administrator, so that the document,
cut into pieces of their size, is its own way back: the same features come out. What was said about the lead stands there as calls
that say it again; the rows it was kept in, and all that only this store needs, stand under the names of their tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from features.clock import NEVER, format_us, now_us
from features.storing.holdings import HOLDINGS, about, is_known, person_of
from features.storing.rows import HEARD, digest_of
from features.storing.schema import attribute, contact, event, identity_link, membership, outcome

Export = dict[str, Any]
Row = dict[str, Any]

CHUNK = 500
STARTED = {"started_at": "createdAt"}
"""The trait that says a fact of a leads table where the workspace names no column for it."""

_INSTANTS = ("at", "as_of", "stage_since", "grade_since")
_JSON = ("properties", "context", "value", "inputs", "evidence", "body")
_OWN = ("seq", "digest")
"""Columns that say something about the row and nothing about the lead."""


def export_of(connection: Connection, lead_id: str, columns: Mapping[str, str] | None = None) -> Export | None:
    """Return what is held on a lead, under all its ids; None if that is nothing.

    ``columns`` names the traits that say ``started_at``, ``ended_at`` and ``trial_ends_at``: the columns of the leads table.
    """
    ids = person_of(connection, lead_id)
    if not is_known(connection, ids):
        return None
    rows = {table.name: list(_rows(connection, table, ids)) for table in HOLDINGS}
    events = rows[event.name]
    heard = [_call(row) for row in events if row["kind"] in HEARD]
    said = [*_identifies(rows[attribute.name], STARTED | dict(columns or {})), *_groups(rows[membership.name])]
    found: Export = {
        "ids": ids,  # the lead's own first
        "exported_at": format_us(now_us()),
        "batch": [*said, *_aliases(rows[identity_link.name]), *heard],
        "conversions": [_told(row, "outcome_id") for row in rows.pop(outcome.name)],
        "contacts": [_contact(row) for row in rows.pop(contact.name)],
    }
    rows[event.name] = [row for row in events if row["kind"] not in HEARD]  # the others stand in the batch, whole
    return found | {name: [_shown(row) for row in those] for name, those in rows.items()}


def _rows(connection: Connection, table: Table, ids: Sequence[str]) -> Iterator[Row]:
    """Yield what a table holds of some ids, each row once, in the order in which it was written."""
    seen: set[Any] = set()
    order = [table.c.seq] if "seq" in table.c else list(table.primary_key.columns)
    for start in range(0, len(ids), CHUNK):
        query = select(table).where(about(table)).order_by(*order)
        for row in connection.execute(query, {"ids": ids[start : start + CHUNK]}).mappings():
            key = tuple(row[column.name] for column in order)
            if key not in seen:
                seen.add(key)
                yield dict(row)


def _call(row: Row) -> Row:
    """Return an event as the call that brings it in."""
    made = _said(row["kind"], row["message_id"], row["at"], row["received_at"])
    if row["lead_id"] != row["anonymous_id"]:
        made["userId"] = row["lead_id"]
    if row["anonymous_id"] is not None:
        made["anonymousId"] = row["anonymous_id"]
    if row["kind"] == "track":
        made["event"] = row["name"]
    else:
        made["name"] = row["name"].removeprefix(f"{row['kind']}:")
    made |= {"properties": _read(row["properties"]), "origin": row["origin"]}
    if row["count"] != 1:
        made["count"] = row["count"]
    if row["context"] is not None:
        made["context"] = _read(row["context"])
    return made


def _identifies(rows: Sequence[Row], columns: Mapping[str, str]) -> Iterator[Row]:
    """Yield calls that say again what was said about the lead, in the order in which it became known."""
    made: Row | None = None
    before: Any = None
    for row in sorted(rows, key=lambda row: (row["known_at"], row["seq"])):
        value, name, is_fact = _read(row["value"]), row["name"], row["kind"] == "fact"
        if is_fact and (isinstance(value, bool) or not isinstance(value, int)):
            continue  # that the workspace ignores the lead follows from its traits
        if is_fact:
            name, value = columns.get(name, name), format_us(value)
        key = (row["lead_id"], row["at"], row["known_at"])
        if made is None or key != before or name in made["traits"]:
            if made is not None:
                yield made
            message_id = f"tw-{digest_of('attribute', *key, row['kind'], row['name'], row['digest'])}"
            made = _said("identify", message_id, row["at"], row["known_at"]) | {"userId": row["lead_id"], "traits": {}}
            before = key
        made["traits"][name] = value
    if made is not None:
        yield made


def _groups(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        message_id = f"tw-{digest_of('membership', row['lead_id'], row['account_id'])}"
        said = _said("group", message_id, row["at"], row["known_at"])
        yield said | {"userId": row["lead_id"], "groupId": row["account_id"]}


def _aliases(rows: Sequence[Row]) -> Iterator[Row]:
    for row in rows:
        message_id = f"tw-{digest_of('identity_link', row['from_id'], row['to_id'])}"
        said = _said("alias", message_id, row["at"], row["known_at"])
        yield said | {"userId": row["to_id"], "previousId": row["from_id"]}


def _said(kind: str, message_id: str, at: int, received_at: int) -> Row:
    return {"type": kind, "messageId": message_id, "timestamp": format_us(at), "receivedAt": format_us(received_at)}


def _told(row: Row, id_column: str) -> Row:
    """Return a conversion or a contact as its door takes it."""
    made = {
        "id": row[id_column],
        "lead_id": row["lead_id"],
        "at": format_us(row["at"]),
        "received_at": format_us(row["known_at"]),
    }
    return made | ({"origin": row["origin"]} if "origin" in row else {})


def _contact(row: Row) -> Row:
    notes = {name: value for name, value in _read(row["body"]).items() if name in ("need", "budget", "intent", "owner")}
    words = {name: row[name] for name in ("play", "channel", "result") if row[name] is not None}
    return _told(row, "contact_id") | words | notes


def _shown(row: Row) -> Row:
    """Return a row for people: times as text, JSON as what it says."""
    return {
        name: _read(value) if name in _JSON else _time(value) if name.endswith("_at") or name in _INSTANTS else value
        for name, value in row.items()
        if name not in _OWN
    }


def _time(value: int | None) -> str | None:
    return None if value is None or value >= NEVER else format_us(value)


def _read(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
