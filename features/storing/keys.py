"""API keys at rest: only a keyed digest of each, never the key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from features.storing.schema import api_key

Transaction = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One API key as the store knows it."""

    key_id: str
    digest: str
    scopes: tuple[str, ...]
    label: str
    created_at: int
    revoked_at: int | None


class Keys:
    """The table of API keys."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing

    def add(self, key: KeyRow) -> None:
        """Store a new key."""
        row = {
            "key_id": key.key_id,
            "digest": key.digest,
            "scopes": " ".join(key.scopes),
            "label": key.label,
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
        }
        with self._writing() as connection:
            connection.execute(insert(api_key).values(row))

    def all(self) -> list[KeyRow]:
        """Return all keys, the oldest first, the revoked ones among them."""
        columns = api_key.c
        query = select(columns.key_id, columns.digest, columns.scopes, columns.label, columns.created_at, columns.revoked_at)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(columns.created_at, columns.key_id)).all()
        return [KeyRow(row[0], row[1], tuple(row[2].split()), row[3], row[4], row[5]) for row in rows]

    def revoke(self, key_id: str, at: int) -> bool:
        """Revoke a key; return False if there is no such key. A key revoked before keeps its first time."""
        with self._writing() as connection:
            known = connection.execute(select(api_key.c.key_id).where(api_key.c.key_id == key_id)).first()
            fresh = (api_key.c.key_id == key_id) & (api_key.c.revoked_at.is_(None))
            connection.execute(update(api_key).where(fresh).values(revoked_at=at))
        return known is not None
