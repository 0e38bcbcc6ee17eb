"""The instant as of which an answer is wanted."""

from __future__ import annotations

from features.clock import DAY_US
from serving.items import RefusedCall, read_moment
from serving.problems import Problem


def read_as_of(text: str | None, timezone: str, now: int) -> int:
    """Return the instant that a request names, else now; what lies more than a day ahead nobody can know."""
    if text is None:
        return now
    try:
        as_of = read_moment(text, timezone)
    except RefusedCall as refusal:
        raise Problem("invalid_as_of", refusal.detail) from None
    if as_of > now + DAY_US:
        raise Problem("invalid_as_of", "as_of lies more than 24 hours ahead of the server's clock.")
    return as_of
