"""A freemium lead closes after a long silence: in tables as for one lead, and never where a trial ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.clock import DAY_US, NEVER
from features.reading.inactivity import close_inactive, silent_from, silent_since
from features.tables import read_tables
from features.workspace import Workspace, parse_workspace

WORKSPACE = """
version: 1
name: free
data:
  leads: {source: leads.csv, id: id, started_at: start, ended_at: ended}
  events: {source: events.csv, lead: id, name: event, at: at}
trial: {days: none, inactive_days: 10}
behaviours:
  session: {events: [login]}
"""


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 300)), max_size=30),
    st.integers(1, 100),
)
def test_a_table_and_one_lead_agree(starts: list[int], events: list[tuple[int, int]], allowed: int) -> None:
    mine = sorted((lead % len(starts), at) for lead, at in events)
    lead = np.array([lead for lead, _ in mine], dtype=np.int32)
    at = np.array([at for _, at in mine], dtype=np.int64)
    closed = silent_from(np.array(starts, dtype=np.int64), lead, at, allowed)
    for number, start in enumerate(starts):
        assert closed[number] == silent_since(start, [instant for who, instant in mine if who == number], allowed)


def test_who_never_started_never_closes() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert silent_from(np.array([NEVER]), nothing, nothing, DAY_US).tolist() == [NEVER]


def workspace(folder: Path, text: str = WORKSPACE) -> Workspace:
    rows = ["a,2026-01-01T00:00:00Z,", "b,2026-01-01T00:00:00Z,2026-01-03T00:00:00Z", "c,2026-01-01T00:00:00Z,"]
    (folder / "leads.csv").write_text("\n".join(["id,start,ended", *rows]) + "\n")
    events = ["a,login,2026-01-06T00:00:00Z", "a,login,2026-03-01T00:00:00Z", "c,login,2026-01-11T00:00:00Z"]
    (folder / "events.csv").write_text("\n".join(["id,event,at", *events]) + "\n")
    return parse_workspace(text, folder)


def test_the_first_long_silence_closes_and_a_stated_end_comes_first(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    tables = read_tables(ws)
    days = (close_inactive(ws, tables).leads.ended_at - tables.leads.started_at) / DAY_US
    assert days.tolist() == [15.0, 2.0, 20.0]


def test_a_trial_of_some_days_is_left_alone(tmp_path: Path) -> None:
    ws = workspace(tmp_path, WORKSPACE.replace("{days: none, inactive_days: 10}", "{days: 14}"))
    tables = read_tables(ws)
    assert close_inactive(ws, tables) is tables
