"""Data that speak of the future are read as they are known today; others are as new as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.clock import DAY_US
from features.reading.as_of_now import read_as_of_now
from features.reading.moments import parse_moment
from features.workspace import Workspace, parse_workspace

START = parse_moment("2026-05-01")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    (tmp_path / "leads.csv").write_text("lead_id,at\na,2026-05-01T00:00:00Z\nb,2026-05-09T00:00:00Z\n")
    (tmp_path / "events.csv").write_text(
        "lead_id,event,timestamp\n" + "".join(f"a,login,2026-05-{day:02d}T00:00:00Z\n" for day in (2, 4, 6))
    )
    text = "name: x\ndata:\n  leads: {source: leads.csv, started_at: at}\n  events: {source: events.csv}\n"
    return parse_workspace(text, tmp_path)


@pytest.mark.parametrize(
    ("today", "cut", "expected"),
    [
        (3, None, (["a"], 1, 3)),  # tomorrow is not there, and the present is today
        (8, None, (["a"], 3, 8)),  # a lead that starts tomorrow makes today the present as well
        (9, None, (["a", "b"], 3, None)),  # nothing is newer than today: the newest time is the present
        (20, None, (["a", "b"], 3, None)),
        (3, 4, (["a"], 2, 4)),  # what was asked for counts, whatever day it is
        (20, 3, (["a"], 1, 3)),
    ],
)
def test_the_present_is_today_or_the_newest_time(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch, today: int, cut: int | None, expected: tuple[list[str], int, int | None]
) -> None:
    def instant(day: int) -> int:
        return START + (day - 1) * DAY_US

    monkeypatch.setattr("features.reading.as_of_now.now_us", lambda: instant(today))
    tables, made = read_as_of_now(ws, ws.definition(), cut=None if cut is None else instant(cut))
    ids, events, end = expected
    assert (tables.leads.ids, len(tables.events)) == (ids, events)
    assert made == (None if end is None else instant(end))


def test_a_table_without_dates_has_no_present(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("id,paid\na,1\nb,0\n")
    ws = parse_workspace("name: x\ndata: {leads: {source: leads.csv, id: id, converted: paid}}\n", tmp_path)
    tables, cut = read_as_of_now(ws)
    assert (tables.leads.ids, tables.newest, cut) == (["a", "b"], 0, None)
