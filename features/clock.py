"""Units of time: every instant in Trialwise is a 64-bit count of microseconds since 1970 in UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

NEVER = 2**62
"""An instant after every other: what has not happened, or is not known yet."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def format_us(us: int) -> str:
    """Write an instant in UTC ISO 8601 with microseconds.

    >>> format_us(1_778_144_400_000_000)
    '2026-05-07T09:00:00.000000Z'
    """
    return to_datetime(us).isoformat(timespec="microseconds")[:-6] + "Z"


def to_datetime(us: int) -> datetime:
    """Return an instant as a datetime in UTC, exactly.

    >>> to_datetime(1_778_144_400_000_000)
    datetime.datetime(2026, 5, 7, 9, 0, tzinfo=datetime.timezone.utc)
    """
    return _EPOCH + timedelta(microseconds=int(us))


def from_datetime(moment: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime, exactly.

    >>> from_datetime(datetime(2026, 5, 7, 9, tzinfo=UTC))
    1778144400000000
    """
    return (moment - _EPOCH) // _MICROSECOND


def now_us() -> int:
    """Return the present instant."""
    return time.time_ns() // 1000
