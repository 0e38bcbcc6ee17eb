"""The gate: nothing that is still said of a forgotten lead gets into the store, whichever process writes it, by whichever door.

It is asked inside the transaction that would write. In PostgreSQL such transactions share a lock that forgetting takes for
itself: once that has it, whoever wrote without seeing the tombstone is done, and who comes later sees it. SQLite has one writer.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from sqlalchemy import BindParameter, Connection, bindparam, select, text

from features.storing.rows import Message, Told
from features.storing.schema import tombstone, tombstone_secret
from features.storing.tombstones import check_value, lead_digest, need_same_secret, secret_of

T = TypeVar("T")

CHUNK = 500
FORGET_LOCK = 7_205_761
"""The number of the advisory lock by which PostgreSQL's writers and forgetting keep out of each other's way."""

_SHARED = text("SELECT pg_advisory_xact_lock_shared(:number)")
_ALONE = text("SELECT pg_advisory_xact_lock(:number)")
_DIGESTS: BindParameter[Sequence[str]] = bindparam("digests", expanding=True)
_FOUND = select(tombstone.c.lead_digest).where(tombstone.c.lead_digest.in_(_DIGESTS))
_CHECK = select(tombstone_secret.c.check_value)


def hold_off_forgetting(connection: Connection) -> None:
    """Let nobody be forgotten before this transaction is over."""
    if connection.dialect.name == "postgresql":
        connection.execute(_SHARED, {"number": FORGET_LOCK})


def wait_for_writers(connection: Connection) -> None:
    """Wait until the transactions that write are over, and let no other begin before this one is."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ALONE, {"number": FORGET_LOCK})


def barred(connection: Connection, lead_ids: Iterable[str]) -> set[str]:
    """Return which of some ids were forgotten. To be asked before anything is written; one look where nobody was forgotten.

    Raises
    ------
    InputError
        Leads were forgotten under another secret than the one that this process has.
    """
    hold_off_forgetting(connection)
    known = connection.execute(_CHECK).scalar_one_or_none()
    if known is None:
        return set()
    secret = secret_of(connection)
    if not hmac.compare_digest(known, check_value(secret)):
        need_same_secret(connection, secret)
    of = {lead_digest(secret, one): one for one in set(lead_ids)}
    digests = list(of)
    found: set[str] = set()
    for start in range(0, len(digests), CHUNK):
        rows = connection.execute(_FOUND, {"digests": digests[start : start + CHUNK]})
        found.update(of[digest] for digest in rows.scalars())
    return found


def ids_of(message: Message) -> tuple[str, ...]:
    """Return every id that a message gives its lead: by one that was forgotten it is the forgotten lead's."""
    return tuple(one for one in (message.lead_id, message.anonymous_id, message.merged_from) if one is not None)


def let_in(
    connection: Connection,
    items: Sequence[T],
    ids: Callable[[T], Iterable[str]],
    write: Callable[[Connection, Sequence[T]], list[Told]],
) -> list[Told]:
    """Write the items that are about nobody forgotten, and tell of each what became of it."""
    gone = barred(connection, (one for item in items for one in ids(item)))
    if not gone:
        return write(connection, items)
    stays = [gone.isdisjoint(ids(item)) for item in items]
    told = iter(write(connection, [item for item, good in zip(items, stays, strict=True) if good]))
    return [next(told) if good else "forgotten" for good in stays]


def without_forgotten(connection: Connection, items: Sequence[T], ids: Callable[[T], Iterable[str]]) -> Sequence[T]:
    """Return the items that are about nobody forgotten."""
    gone = barred(connection, (one for item in items for one in ids(item)))
    return [item for item in items if gone.isdisjoint(ids(item))] if gone else items
