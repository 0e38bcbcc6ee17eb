"""Who was forgotten: the store keeps only an HMAC of the id, enough to leave out what other sources still say of that lead."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from features.errors import InputError
from features.storing.schema import tombstone


def lead_digest(secret: bytes, lead_id: str) -> str:
    """Return what a tombstone holds of a lead.

    >>> lead_digest(b"secret", "a")[:8], len(lead_digest(b"secret", "a"))
    ('5984bc4f', 64)
    """
    return hmac.new(secret, f"lead:{lead_id}".encode(), hashlib.sha256).hexdigest()


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
    secret = _secret()
    return np.array([lead_digest(secret, one) in digests for one in lead_ids], bool)


def _secret() -> bytes:
    """Return the secret of the server: TRIALWISE_KEY_SECRET, else the one that it keeps in its home."""
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
