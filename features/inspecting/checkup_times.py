"""What the times of the data say to a check: days that are taken for instants, times in the future, days as people tell them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from features.clock import DAY_US
from features.inspecting.columns import SAMPLE_ROWS, look
from features.reading.moments import day_begin
from features.reading.sources import Origin, Reading, open_file
from features.reading.table_report import Finding
from features.tables import Tables
from features.workspaces.schema import Workspace

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHANCE = 20
"""Fewer events than these may all have happened at midnight."""


def local_day(us: int, timezone: str) -> str:
    """Return the day of an instant where the leads' days are counted.

    >>> local_day(1_778_187_600_000_000, "UTC"), local_day(1_778_187_600_000_000, "Europe/Istanbul")
    ('2026-05-07', '2026-05-08')
    """
    return (_EPOCH + timedelta(microseconds=us)).astimezone(ZoneInfo(timezone)).date().isoformat()


def in_the_future(ws: Workspace, tables: Tables, now: int) -> Iterator[Finding]:
    """Yield a warning for each table with times that are still to come."""
    for name, table in tables.report.items():
        if table.last is not None and table.last > now + DAY_US:
            evidence = f"times lie in the future, the last at {local_day(table.last, ws.timezone)}: they become known only then"
            yield Finding("warn", f"data.{name}", evidence)


def days_as_instants(ws: Workspace, tables: Tables) -> Iterator[Finding]:
    """Yield a warning where events are known by their day, but the file does not say so.

    Such events would count from the midnight before they happened, so that features would see the rest of the same day.
    """
    spec, at = ws.data.events, tables.events.at
    if spec is None or ws.resolution.events == "day" or not len(at) or (day_begin(at, ws.timezone) != at).any():
        return
    if all(_bare(origin, spec.at) for origin in tables.report["events"].origins):
        evidence = "every time is a bare date, but resolution says second; write resolution: {events: day}"
    elif len(at) >= _CHANCE:
        evidence = "every time is at midnight, but resolution says second; write resolution: {events: day} if only days are known"
    else:
        return
    yield Finding("warn", "data.events", evidence)


def _bare(origin: Origin, column: str) -> bool:
    """Tell whether the first rows of a file have bare dates; a query is not asked twice."""
    path: Path | None = getattr(origin, "path", None)
    if path is None:
        return False
    # A reader keeps account of what it refused: the one whose account is told is left alone.
    first = next(iter(Reading("events", [open_file(path)], {column: "data.events.at"})), None)
    return first is None or look(column, first[1].column(column)[:SAMPLE_ROWS]).bare_dates
