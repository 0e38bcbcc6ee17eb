"""The hold-out: at random, and yet always the same ones, so that what a play brings can be measured against leads without it."""

from __future__ import annotations

import hashlib


def is_held_out(share: float, salt: str, lead_id: str, play: str) -> bool:
    """Tell whether a play is kept from a lead: for a share of all pairs, by the hash of both and of a salt.

    >>> [is_held_out(share, "acme", "a1", play) for share, play in ((0.0, "call"), (0.5, "call"), (0.5, "demo"))]
    [False, True, False]
    """
    digest = hashlib.sha256("\0".join((salt, lead_id, play)).encode()).digest()
    return int.from_bytes(digest[:7]) / 2**56 < share
