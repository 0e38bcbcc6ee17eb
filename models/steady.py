"""A list that holds still: who is on it changes when something happened, not because two near-equals changed places overnight.

The reference is the list as it stood at the start of the week. Who was on it then, and of whom nothing is new since, stays unless
its probability fell clearly (by ``hysteresis``, the share that also keeps a stage) below that of the lead that would take its
place. Everybody else is on the list by probability alone. Ties go by id, so that the same data gives the same list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from features.clock import format_us, from_datetime

Floats = NDArray[np.float64]

REST_DAYS = 14
"""So long a lead is on no list after it was spoken to."""


def steady_top(
    ids: Sequence[str], now: Floats, before: Floats, has_news: NDArray[np.bool_], *, top: int, hysteresis: float
) -> list[int]:
    """Return the places of the leads on the list, the likeliest first.

    Parameters
    ----------
    now, before
        The probability of each lead, and what it was at the start of the week; NaN for whoever was no lead then.
    has_news
        Of whom something was heard since the start of the week.

    >>> now, before, silent = np.array([0.40, 0.41, 0.20]), np.array([0.5, 0.4, 0.3]), np.zeros(3, bool)
    >>> steady_top(["a", "b", "c"], now, before, silent, top=1, hysteresis=0.1)
    [0]
    """
    was_there = np.flatnonzero(~np.isnan(before))
    stood = {place for place in sorted(was_there.tolist(), key=lambda i: (-before[i], ids[i]))[:top] if not has_news[place]}
    held = np.array([now[i] / (1.0 - hysteresis) if i in stood else now[i] for i in range(len(ids))])
    chosen = sorted(range(len(ids)), key=lambda i: (-held[i], ids[i]))[:top]
    return sorted(chosen, key=lambda i: (-now[i], ids[i]))


def week_start(at: int, timezone: str) -> int:
    """Return Monday 00:00 of an instant's week in a time zone, in microseconds.

    >>> format_us(week_start(1_778_144_400_000_000, "Europe/Berlin"))  # a Thursday
    '2026-05-03T22:00:00.000000Z'
    """
    local = datetime.fromisoformat(format_us(at)).astimezone(ZoneInfo(timezone))
    monday = local.date() - timedelta(days=local.weekday())
    return from_datetime(datetime(monday.year, monday.month, monday.day, tzinfo=ZoneInfo(timezone)))
