"""Limits: how much one caller, one address and one server process may do, from the environment."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from features.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server process allows. Several workers each allow it: a limit here is a limit of a process."""

    rate: float = 100.0
    """Requests a second for each key, in the long run."""
    burst: int = 200
    """Requests that a rested key may send at once."""
    failed_logins: int = 20
    """Requests without a valid key, for each client address and minute."""
    waiting: int = 64
    """At most so many requests wait for a thread that computes, and as many for one that writes; further ones are refused."""
    drain_seconds: float = 1.0
    """How long after SIGTERM the server still takes requests while /readyz says 503, so that balancers look elsewhere."""

    @classmethod
    def from_environment(cls) -> Limits:
        """Read the limits; each has a default."""
        return cls(
            rate=_number("TRIALWISE_RATE", 100.0, 0.01, 1e6),
            burst=int(_number("TRIALWISE_BURST", 200.0, 1, 1e6)),
            failed_logins=int(_number("TRIALWISE_FAILED_LOGINS", 20.0, 1, 1e6)),
            waiting=int(_number("TRIALWISE_WAITING", 64.0, 0, 1e5)),
            drain_seconds=_number("TRIALWISE_DRAIN_SECONDS", 1.0, 0, 600),
        )


def _number(name: str, usual: float, low: float, high: float) -> float:
    text = os.environ.get(name) or ""
    if not text:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise InputError(f"{name} is not usable", given=text, expected=f"a number from {low:g} to {high:g}", do="correct it")
    return value
