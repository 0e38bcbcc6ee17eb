"""Reading times: text, dates and timestamp columns become microseconds since 1970, or are refused.

Three rules, the same for one value and for a column of millions. A time with a zone is that instant. A bare date is 00:00 of that
day in the workspace's time zone. A time with no zone is read in the zone that its table states, and without one it is refused:
guessing a zone silently moves events across days.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.calendar import calendar
from features.clock import DAY_US, from_datetime

I8 = npt.NDArray[np.int64]

READ, MISSING, UNREADABLE, NAIVE, OUT_OF_RANGE = range(5)
"""What became of one cell of a time column."""

EARLIEST = from_datetime(datetime(1971, 1, 1, tzinfo=UTC))
LATEST = from_datetime(datetime(2099, 1, 1, tzinfo=UTC))
"""Times outside these are typing errors or epochs of zero, and the calendar ends soon after."""

_SMALL = 32
_USUAL = {20: "Z", 24: ".", 27: "."}
"""How long the usual texts are, 2026-05-07T09:00:00Z with or without thousandths or millionths, and what follows the second."""
_FORM = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<time>\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?) ?(?P<zone>[Zz]|UTC|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


class TimeError(ValueError):
    """A time that cannot be read; `state` says why, and `us` which instant it would be if that is known."""

    def __init__(self, text: str, state: int, us: int = 0) -> None:
        super().__init__(text)
        self.state = state
        self.us = us


@dataclass(frozen=True, slots=True)
class Moments:
    """A column of times: `us` is meaningful where `state` is READ."""

    us: I8
    state: npt.NDArray[np.uint8]


def local_date(us: I8, timezone: str) -> I8:
    """Return the local date of each instant, as days since 1970-01-01."""
    if timezone == "UTC":
        return us // DAY_US
    return np.searchsorted(calendar(timezone).day_starts, us, side="right") - 1


def day_begin(us: I8, timezone: str) -> I8:
    """Return 00:00 of the local day in which each instant lies."""
    return calendar(timezone).day_starts[local_date(us, timezone)]


def day_end(us: I8, timezone: str) -> I8:
    """Return 00:00 of the following local day: the instant from which a day is known."""
    return calendar(timezone).day_starts[local_date(us, timezone) + 1]


def effective_event(us: I8, resolution: str, timezone: str) -> I8:
    """Return the instant at which an event counts: itself, or with day resolution the end of its day.

    >>> effective_event(np.array([0]), "day", "UTC").tolist()
    [86400000000]
    """
    return day_end(us, timezone) if resolution == "day" else us


def parse_moment(text: str, *, timezone: str = "UTC", zone: str | None = None) -> int:
    """Read one time; `timezone` is for bare dates, `zone` for times that state none.

    >>> parse_moment("2026-05-07T09:00:00Z")
    1778144400000000
    >>> parse_moment("07/05/2026")
    Traceback (most recent call last):
    features.reading.moments.TimeError: 07/05/2026
    """
    us = _read_usual(text)
    if us is None:
        us = _read_any(text, timezone, zone)
    if not EARLIEST <= us < LATEST:
        raise TimeError(text, OUT_OF_RANGE, us)
    return us


def _read_usual(text: str) -> int | None:
    """Return the instant of a text of the usual form, in a tenth of the time; None for one that needs more care."""
    after = _USUAL.get(len(text))
    if after is None or text[-1] != "Z" or not (text[4] == text[7] == "-" and text[10] == "T" and text[19] == after):
        return None
    try:
        return from_datetime(datetime.fromisoformat(text)) if text[13] == text[16] == ":" else None
    except ValueError:
        return None


def _read_any(text: str, timezone: str, zone: str | None) -> int:
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise TimeError(text, UNREADABLE)
    day, time, stated = form["date"], form["time"], form["zone"]
    try:
        if time is None:
            us = from_datetime(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(timezone)))
        elif stated is None:
            if zone is None:
                raise TimeError(text, NAIVE)
            us = from_datetime(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=ZoneInfo(zone)))
        else:
            offset = "+00:00" if stated in ("Z", "z", "UTC") else stated
            us = from_datetime(datetime.fromisoformat(f"{day}T{time}{offset}"))
    except TimeError:
        raise
    except (ValueError, OverflowError) as error:
        raise TimeError(text, UNREADABLE) from error
    return us


def read_moments(column: Any, *, timezone: str, zone: str | None) -> Moments:
    """Read a whole Arrow column of text, timestamps or dates; every cell gets its state.

    A column of bare numbers is a TypeError: whether they count seconds or milliseconds would be a guess.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_dictionary(kind):
        if pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type):
            return _by_dictionary(column, timezone, zone)
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _within_range(_read_text(column, timezone, zone))
    state = np.full(len(column), READ, np.uint8)
    if column.null_count:
        state[np.asarray(column.is_null(), dtype=bool)] = MISSING
    if pa.types.is_null(kind):
        return Moments(np.zeros(len(column), np.int64), state)
    if pa.types.is_date(kind):
        days = _integers(column.cast(pa.date32()).cast(pa.int32())).astype(np.int64)
        return _within_range(_dates(days, state, timezone))
    if not pa.types.is_timestamp(kind):
        raise TypeError(str(kind))
    us = _integers(pc.cast(column, pa.timestamp("us", kind.tz), safe=False).view(pa.int64()))
    if kind.tz is not None:
        return _within_range(Moments(us, state))
    return _within_range(_zoned(us, state, zone))


def _integers(column: Any) -> Any:
    return (column.fill_null(0) if column.null_count else column).to_numpy(zero_copy_only=False)


def _by_dictionary(column: Any, timezone: str, zone: str | None) -> Moments:
    words = read_moments(column.dictionary, timezone=timezone, zone=zone)
    codes = _integers(column.indices)
    missing = np.asarray(column.is_null(), dtype=bool)
    if len(words.us) == 0:
        return Moments(np.zeros(len(codes), np.int64), np.full(len(codes), MISSING, np.uint8))
    return Moments(words.us[codes], np.where(missing, MISSING, words.state[codes]).astype(np.uint8))


def _within_range(read: Moments) -> Moments:
    if not len(read.us) or (read.us.min() >= EARLIEST and read.us.max() < LATEST):
        return read
    outside = (read.state == READ) & ((read.us < EARLIEST) | (read.us >= LATEST))
    if outside.any():
        return Moments(read.us, np.where(outside, OUT_OF_RANGE, read.state).astype(np.uint8))
    return read


def _dates(days: I8, state: npt.NDArray[np.uint8], timezone: str) -> Moments:
    starts = calendar(timezone).day_starts
    outside = (days < 0) | (days >= len(starts))
    us = np.where(outside, days * DAY_US, starts[np.where(outside, 0, days)])
    return Moments(us, np.where(outside & (state == READ), OUT_OF_RANGE, state).astype(np.uint8))


def _zoned(wall: I8, state: npt.NDArray[np.uint8], zone: str | None) -> Moments:
    """Turn wall-clock microseconds into instants; skipped and repeated hours take the offset before the change."""
    if zone is None:
        return Moments(wall, np.where(state == READ, NAIVE, state).astype(np.uint8))
    table = calendar(zone)
    read_from = table.changes[1:] + np.maximum(table.offsets[1:], table.offsets[:-1])
    if len(read_from) == 0:
        return Moments(wall - table.offsets[0], state)
    return Moments(wall - table.offsets[np.searchsorted(read_from, wall, side="right")], state)


def _read_text(column: Any, timezone: str, zone: str | None) -> Moments:
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    us = np.zeros(len(column), np.int64)
    state = np.full(len(column), MISSING, np.uint8)

    def fill(where: npt.NDArray[np.bool_], read: Callable[[Any], Moments]) -> None:
        if where.all():
            part = read(column)
            us[:], state[:] = part.us, part.state
        elif where.any():
            part = read(column.filter(pa.array(where)))
            us[where], state[where] = part.us, part.state

    fill(lengths == 10, lambda part: _fast(part, timezone, zone, dates=True))
    fill((lengths > 0) & (lengths != 10), lambda part: _fast(part, timezone, zone, dates=False))
    return Moments(us, state)


def _fast(part: Any, timezone: str, zone: str | None, *, dates: bool) -> Moments:
    """Let Arrow read a run of text at once; where it cannot, halve the run, so that only bad cells are read one by one."""
    good = np.zeros(len(part), np.uint8)
    for kind in (pa.timestamp("us"),) if dates else (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        try:
            us = part.cast(kind).view(pa.int64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            continue
        if dates:
            return _dates(us // DAY_US, good, timezone)
        return Moments(us, good) if kind.tz else _zoned(us, good, zone)
    if len(part) <= _SMALL:
        return _one_by_one(part, timezone, zone)
    half = len(part) // 2
    left, right = (_fast(piece, timezone, zone, dates=dates) for piece in (part[:half], part[half:]))
    return Moments(np.concatenate([left.us, right.us]), np.concatenate([left.state, right.state]))


def _one_by_one(part: Any, timezone: str, zone: str | None) -> Moments:
    us, state = np.zeros(len(part), np.int64), np.zeros(len(part), np.uint8)
    for row, text in enumerate(part.to_pylist()):
        try:
            us[row] = parse_moment(text, timezone=timezone, zone=zone)
        except TimeError as error:
            us[row], state[row] = error.us, MISSING if not text.strip() else error.state
    return Moments(us, state)
