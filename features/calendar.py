"""Local days and hours of instants, by integer tables of a time zone.

A local day is counted by a table that holds the first instant of each local date. The table only goes up, so days follow the
order of instants even where a clock is turned back over midnight. Hours and weekdays are those of the wall clock.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, HOUR_US
from features.compiled import compiled

NIGHT, WEEKEND, BUSINESS = 1, 2, 4
"""Bits of a moment: 22:00 to 06:00; Saturday and Sunday; Monday to Friday from 09:00 to 18:00."""

_SECOND_US = 1_000_000
_FIRST_YEAR, _LAST_YEAR = 1970, 2100


class Calendar(NamedTuple):
    """A time zone as integers, ready for compiled loops."""

    day_starts: NDArray[np.int64]
    """First instant of every local date from 1970-01-01 on."""
    changes: NDArray[np.int64]
    """Instants at which the offset from UTC changes; the first one lies before every other."""
    offsets: NDArray[np.int64]
    """Microseconds to add to UTC from each change on."""
    back: int
    """How far an instant is moved back before its day is read: 1 where an event of a day happens when the day is over."""


@lru_cache(maxsize=64)
def calendar(zone: str, *, by_day: bool = False) -> Calendar:
    """Return the calendar of an IANA zone; with `by_day`, of events that are dated by day and known when their day is over."""
    changes, offsets = _changes(zone)
    days = (date(_LAST_YEAR, 1, 1) - date(_FIRST_YEAR, 1, 1)).days
    midnights = np.arange(days, dtype=np.int64) * DAY_US
    # A midnight that a clock skips or repeats is read with the offset before the change (fold=0 of zoneinfo).
    read_from = changes[1:] + np.maximum(offsets[1:], offsets[:-1])
    day_starts = midnights - offsets[np.searchsorted(read_from, midnights, side="right")]
    for table in (day_starts, changes, offsets):
        table.flags.writeable = False
    return Calendar(day_starts, changes, offsets, int(by_day))


def _changes(zone: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find every change of the offset of a zone: one look a day, then bisection to the second."""
    place = ZoneInfo(zone)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    def offset(second: int) -> int:
        away = (epoch + timedelta(seconds=second)).astimezone(place).utcoffset()
        return 0 if away is None else away // timedelta(microseconds=1)

    first = int((datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC) - epoch).total_seconds()) - 172_800
    last = int((datetime(_LAST_YEAR, 1, 1, tzinfo=UTC) - epoch).total_seconds()) + 172_800
    changes, offsets = [-(2**62)], [offset(first)]
    for second in range(first + 86_400, last, 86_400):
        if offset(second) == offsets[-1]:
            continue
        low, high = second - 86_400, second
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
        changes.append(high * _SECOND_US)
        offsets.append(offset(high))
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)


@compiled
def day_of(day_starts: NDArray[np.int64], at: int) -> int:
    """Return the number of the local day of one instant; instants beyond the table belong to its first or last day."""
    last = len(day_starts) - 1
    day: int = min(max((at - day_starts[0]) // 86_400_000_000, 0), last)
    while day < last and day_starts[day + 1] <= at:
        day += 1
    while day > 0 and day_starts[day] > at:
        day -= 1
    return day


@compiled
def local_days(table: Calendar, at: NDArray[np.int64], days: NDArray[np.int32]) -> None:
    """Write the local day of each instant."""
    for i in range(len(at)):
        days[i] = day_of(table.day_starts, at[i] - table.back)


@compiled
def moments(table: Calendar, at: NDArray[np.int64], bits: NDArray[np.uint8]) -> None:
    """Write for each instant whether the wall clock shows night, weekend and business hours."""
    change = 0
    for i in range(len(at)):
        moment = at[i] - table.back
        if table.changes[change] > moment or (change + 1 < len(table.changes) and table.changes[change + 1] <= moment):
            change = int(np.searchsorted(table.changes, moment, side="right")) - 1
        wall = moment + table.offsets[change]
        hour = (wall // HOUR_US) % 24
        weekday = (wall // DAY_US + 3) % 7
        bit = 0
        if hour >= 22 or hour < 6:
            bit |= NIGHT
        if weekday >= 5:
            bit |= WEEKEND
        elif 9 <= hour < 18:
            bit |= BUSINESS
        bits[i] = bit
