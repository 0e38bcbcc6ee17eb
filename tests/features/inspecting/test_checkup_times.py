"""Days that stand for instants are noticed, and days are those of the workspace."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from features.inspecting.checkup_times import days_as_instants, in_the_future, local_day
from features.reading.moments import parse_moment
from features.tables import read_tables
from tests.features.disk import PLAIN, workspace

BARE = "lead_id,event,timestamp\na,login,2026-05-01\nb,login,2026-05-02\n"
BARE_SAID = "every time is a bare date, but resolution says second; write resolution: {events: day}"
MIDNIGHT_SAID = "every time is at midnight, but resolution says second; write resolution: {events: day} if only days are known"


def said(folder: Path, body: str = PLAIN, **files: Any) -> list[str]:
    ws = workspace(folder, body, **files)
    found = list(days_as_instants(ws, read_tables(ws)))
    assert all((one.level, one.column) == ("warn", "data.events") for one in found)
    return [one.evidence for one in found]


def midnights(count: int) -> str:
    return "lead_id,event,timestamp\n" + "a,login,2026-05-01T00:00:00Z\n" * count


@pytest.mark.parametrize("zone", ["UTC", "Europe/Istanbul"])
def test_bare_dates(tmp_path: Path, zone: str) -> None:
    body = PLAIN + f"    timezone: {zone}\n"
    assert said(tmp_path, body, events__csv=BARE) == [BARE_SAID]
    assert said(tmp_path, body + "    resolution: {events: day}\n", events__csv=BARE) == []
    assert said(tmp_path, body, events__csv=BARE + "a,login,2026-05-03T10:00:00Z\n") == []


def test_columns_of_dates_and_several_files(tmp_path: Path) -> None:
    rows = [{"lead_id": "a", "event": "login", "timestamp": datetime.date(2026, 5, 1)}]
    body = PLAIN.replace("source: events.csv", "source: [events.csv, more.parquet]")
    assert said(tmp_path, body, events__csv=BARE, more__parquet=pa.Table.from_pylist(rows)) == [BARE_SAID]
    nothing = BARE.splitlines()[0] + "\n"
    assert said(tmp_path, body.replace("more.parquet", "more.csv"), events__csv=BARE, more__csv=nothing) == [BARE_SAID]


def test_midnights_may_be_chance_or_another_tools_dates(tmp_path: Path) -> None:
    assert said(tmp_path, events__csv=midnights(19)) == []
    assert said(tmp_path, events__csv=midnights(20)) == [MIDNIGHT_SAID]


def test_a_query_is_not_asked_twice(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAIN.replace("events.csv", "store"))

    def store(table: str, columns: Any) -> Any:
        rows = 20
        yield pa.table({"lead_id": ["a"] * rows, "event": ["login"] * rows, "timestamp": ["2026-05-01"] * rows})

    assert [one.evidence for one in days_as_instants(ws, read_tables(ws, store=store))] == [MIDNIGHT_SAID]


def test_without_events_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert said(tmp_path, "data: {leads: {source: leads.csv, started_at: signed_up_at}}\n") == []


def test_what_was_refused_is_still_known_after_looking(tmp_path: Path) -> None:
    ws = workspace(tmp_path, events__csv=BARE + "a,login\n")
    tables = read_tables(ws)
    assert list(days_as_instants(ws, tables))
    assert tables.report["events"].refused_count == 1


def test_the_future_is_told_in_days_of_the_workspace(tmp_path: Path) -> None:
    ws = workspace(tmp_path, PLAIN + "    timezone: Europe/Istanbul\n", events__csv=BARE)
    found = list(in_the_future(ws, read_tables(ws), parse_moment("2026-04-20")))
    assert any("the last at 2026-05-02: they become known only then" in one.evidence for one in found)
    assert local_day(parse_moment("2026-05-02", timezone="Europe/Istanbul"), "Europe/Istanbul") == "2026-05-02"
