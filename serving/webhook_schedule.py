"""What an answer means and when to try again: only 2xx is success, and who asks for patience gets it."""

from __future__ import annotations

import random

from features.storing.outbox import Result
from serving.webhook_post import Reply

SECOND_US = 1_000_000
MINUTE, HOUR = 60.0, 3600.0
DELAYS = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""Seconds after each failed attempt, the first of which is made at once: Standard Webhooks' schedule, about three days."""

JITTER = 0.2
"""Up to this share a delay is longer or shorter, so that what failed together does not come back together."""

GONE = 410
THROTTLE = frozenset({429, 502, 503, 504})
PAUSE_SECONDS = 30.0
"""So long an endpoint that is overloaded is left alone when it does not say how long."""
LONGEST_PAUSE = 24 * HOUR

_chance = random.SystemRandom()


def judged(reply: Reply, attempts: int, now: int, delays: tuple[float, ...] = DELAYS) -> Result:
    """Return what an attempt, the n-th of a message, leads to."""
    answered = reply.trouble if reply.status is None else str(reply.status)
    if reply.status is not None and 200 <= reply.status < 300:
        return Result(now, answered, delivered=True)
    if reply.status == GONE:
        return Result(now, answered, gone=True)
    wished = 0.0 if reply.retry_after is None else min(reply.retry_after, LONGEST_PAUSE)
    pause = None
    if reply.status in THROTTLE:
        pause = now + round((wished or _varied(PAUSE_SECONDS)) * SECOND_US)
    if attempts > len(delays):
        return Result(now, answered, pause_until=pause)
    delay = max(_varied(delays[attempts - 1]), wished)
    return Result(now, answered, next_at=now + round(delay * SECOND_US), pause_until=pause)


def _varied(seconds: float) -> float:
    return seconds * _chance.uniform(1 - JITTER, 1 + JITTER)
