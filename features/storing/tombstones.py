"""Who was forgotten: the store keeps only an HMAC of the id, enough to leave out what other sources still say of that lead.

Under another secret than theirs the tombstones match nobody, and whoever was forgotten would come back. So the first of them is
stored with a check value of its secret, and whoever has another secret is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, inspect, select

from features.errors import InputError
from features.storing.engine import insert_into
from features.storing.schema import tombstone, tombstone_secret


def lead_digest(secret: bytes, lead_id: str) -> str:
    """Return what a tombstone holds of a lead.

    >>> lead_digest(b"secret", "a")[:8], len(lead_digest(b"secret", "a"))
    ('5984bc4f', 64)
    """
    return hmac.new(secret, f"lead:{lead_id}".encode(), hashlib.sha256).hexdigest()


def check_value(secret: bytes) -> str:
    """Return what tells one secret from another; no id of a lead has this digest, since theirs begin otherwise."""
    return hmac.new(secret, b"check:tombstones", hashlib.sha256).hexdigest()


def write_tombstones(connection: Connection, secret: bytes, lead_ids: Iterable[str], at: int) -> None:
    """Note that leads were forgotten, the first time with the check value of the secret.

    Raises
    ------
    InputError
        The tombstones that are there were written under another secret.
    """
    first = {"id": 1, "check_value": check_value(secret), "at": at}
    connection.execute(insert_into(connection, tombstone_secret).on_conflict_do_nothing(), first)
    need_same_secret(connection, secret)
    rows = [{"lead_digest": digest, "at": at} for digest in sorted({lead_digest(secret, one) for one in lead_ids})]
    if rows:
        connection.execute(insert_into(connection, tombstone).on_conflict_do_nothing(), rows)


def need_same_secret(connection: Connection, secret: bytes | None = None) -> None:
    """Refuse another secret than that of the tombstones; without one given it is the server's, as this machine knows it.

    Nothing is asked where nobody was forgotten.

    Raises
    ------
    InputError
        The secret is another one, or leads were forgotten and there is none.
    """
    found = _check_value_of(connection)
    if found is None or hmac.compare_digest(found, check_value(secret_of(connection) if secret is None else secret)):
        return
    raise InputError(
        "leads were forgotten under another secret, and would come back under this one",
        given="a TRIALWISE_KEY_SECRET, or a key_secret in TRIALWISE_HOME, that is not the one of the store's tombstones",
        expected="the secret with which the server ran when it forgot them",
        do="set TRIALWISE_KEY_SECRET to that secret, or TRIALWISE_HOME to the home that keeps it",
    )


def forgotten(connection: Connection, lead_ids: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Tell which of some ids were forgotten.

    Raises
    ------
    InputError
        There are tombstones, and the secret under which they were written is not on this machine.
    """
    digests = set(connection.execute(select(tombstone.c.lead_digest)).scalars())
    if not digests:
        return np.zeros(len(lead_ids), bool)
    secret = secret_of(connection)
    need_same_secret(connection, secret)
    return np.array([lead_digest(secret, one) in digests for one in lead_ids], bool)


def _check_value_of(connection: Connection) -> str | None:
    """Return the check value of the tombstones; None without any, and in a store of version 1, which training reads as it is."""
    if not inspect(connection).has_table(tombstone_secret.name):
        return None
    return connection.execute(select(tombstone_secret.c.check_value)).scalar_one_or_none()


SECRET_OPTION = "tombstone_secret"  # noqa: S105  (a name)
"""The execution option by which an engine's connections know the secret of the server."""


def secret_of(connection: Connection) -> bytes:
    """Return the secret that the store was opened with, else this machine's: TRIALWISE_KEY_SECRET, or the one in the home."""
    told: bytes | None = connection.get_execution_options().get(SECRET_OPTION)
    return _secret() if told is None else told


def _secret() -> bytes:
    stated = os.environ.get("TRIALWISE_KEY_SECRET")
    if stated:
        return stated.encode()
    path = Path(os.environ.get("TRIALWISE_HOME") or "var") / "key_secret"
    try:
        return path.read_bytes()
    except OSError:
        raise InputError(
            "leads were forgotten, and who they were cannot be told without the secret of the server",
            given=f"neither TRIALWISE_KEY_SECRET nor {path}",
            expected="the secret that the server runs with",
            do="set TRIALWISE_KEY_SECRET, or TRIALWISE_HOME to the home of the server",
        ) from None
