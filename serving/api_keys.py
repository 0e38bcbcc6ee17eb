"""What an API key is: its form, its digest, and the three things that an operator does with keys.

A key is 256 random bits with a prefix that secret scanners know and a checksum that catches typing errors. The store holds only
an HMAC of it under a secret that lies elsewhere, so neither a stolen database nor a log can open the door.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from features.clock import format_us, now_us
from features.errors import InputError
from features.store import EventStore
from features.storing.keys import KeyRow
from serving.settings import Settings

SCOPES = ("page", "ingest", "score", "admin")
"""What a key may do. ``page`` is the least: to send what happens on a web page, where everybody can read the key."""
PREFIX = "tw_"


def checksum(text: str) -> str:
    """Return the eight hex digits that end a key.

    >>> checksum("tw_")
    '3713baca'
    """
    return f"{zlib.crc32(text.encode()):08x}"


def is_well_formed(key: str) -> bool:
    """Tell whether a text could be a key: prefix, length and checksum are right."""
    return len(key) == len(PREFIX) + 72 and key.isascii() and key.startswith(PREFIX) and checksum(key[:-8]) == key[-8:]


def keyed_digest(secret: bytes, key: str) -> str:
    """Return what the store holds of a key."""
    digest = _keyed(secret).copy()
    digest.update(key.encode())
    return digest.hexdigest()


@lru_cache(maxsize=4)  # to key a digest takes longer than to take one
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod=hashlib.sha256)


def mint(store: EventStore, secret: bytes, scopes: Sequence[str], name: str = "") -> dict[str, str]:
    """Make a key and return its id and its text, which is never to be seen again."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InputError(
            "the key cannot be made",
            given=f"scope {unknown[0]}" if unknown else "no scope",
            expected="one or more of page, ingest, score, admin",
            do="name them with --scope",
        )
    body = PREFIX + secrets.token_hex(32)
    key = body + checksum(body)
    key_id = f"key_{secrets.token_hex(6)}"
    wanted = tuple(scope for scope in SCOPES if scope in scopes)
    store.keys.add(KeyRow(key_id, keyed_digest(secret, key), wanted, name, now_us(), None))
    return {"id": key_id, "key": key}


def create_key(*, scopes: Sequence[str], name: str = "") -> dict[str, str]:
    """Make a key in the store that the environment names."""
    with _configured() as (store, settings):
        return mint(store, settings.secret(), scopes, name)


def list_keys() -> list[dict[str, Any]]:
    """Return all keys as people see them: never their text."""
    with _configured() as (store, _):
        return [
            {
                "id": row.key_id,
                "scopes": list(row.scopes),
                "name": row.label,
                "created_at": format_us(row.created_at),
                "revoked_at": None if row.revoked_at is None else format_us(row.revoked_at),
            }
            for row in store.keys.all()
        ]


def revoke_key(key_id: str) -> None:
    """Revoke a key by its id; servers refuse it within seconds."""
    with _configured() as (store, _):
        if not store.keys.revoke(key_id, now_us()):
            raise InputError("no such key", given=key_id, expected="the id of a key", do="see trialwise keys list")


@contextmanager
def _configured() -> Iterator[tuple[EventStore, Settings]]:
    settings = Settings.from_environment()
    store = EventStore(settings.database_url, wait_ms=10_000)
    try:
        store.migrate()
        yield store, settings
    finally:
        store.close()
