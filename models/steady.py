"""A list that holds still: who is on it changes when something happened, not because a silent night moved everybody a little.

Probabilities move with time alone: each silent hour tells something. So a place on the list goes by the probability as of the
last thing that was heard of a lead, or as of the start of the week if nothing was heard since; of leads of whom nothing new is
known none takes another's place from one day of the week to the next. On Monday the list begins anew. What is shown of a lead,
and the order in which the chosen ones stand, is the probability of now; ties go by id, so that the same data gives the same list.
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


def steady_top(ids: Sequence[str], now: Floats, held: Floats, top: int) -> list[int]:
    """Return the places of the leads on the list: chosen by the probability that is held, in the order of that of now.

    >>> steady_top(["a", "b", "c"], np.array([0.39, 0.41, 0.20]), np.array([0.50, 0.45, 0.30]), 1)
    [0]
    """
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
