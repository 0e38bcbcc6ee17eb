"""Signing: with TRIALWISE_PROMOTION_KEY set, only a version that was promoted with that key serves.

An alias in MLflow can be moved by whoever reaches the registry. The signature binds name, number and digest of a version to the
key, so that a server that knows the key follows promotions and nothing else. Without a key an alias moved by hand is followed.
"""

from __future__ import annotations

import hmac
import json
import os

from features.errors import StoppedError
from models.registry.registered import ChampionRef

KEY = "TRIALWISE_PROMOTION_KEY"


def signature_of(ref: ChampionRef) -> str:
    """Return the HMAC-SHA256 (RFC 2104, in hexadecimal) of a version under the key of the environment, empty without a key."""
    key = os.environ.get(KEY)
    if not key:
        return ""
    said = json.dumps(["trialwise promotion 1", ref.name, ref.version, ref.digest])
    return hmac.digest(key.encode(), said.encode(), "sha256").hex()


def is_signed(ref: ChampionRef) -> bool:
    """Tell whether a version was promoted with the key of the environment; without a key every one counts as signed."""
    wanted = signature_of(ref)
    return not wanted or hmac.compare_digest(wanted.encode(), ref.signature.encode())


def need_signed(ref: ChampionRef) -> None:
    """Refuse a version that was not promoted with the key of the environment; without a key all are taken.

    Raises
    ------
    StoppedError
        Its alias was moved by hand, or it was promoted without the key or with another one.
    """
    if is_signed(ref):
        return
    raise StoppedError(
        f"version {ref.version} of {ref.name} was not promoted with the key of {KEY}",
        given="another signature" if ref.signature else "no signature",
        expected="the signature that trialwise promote writes",
        do=f"run trialwise promote {ref.version} with the key if it is to serve, or trialwise rollback",
    )
