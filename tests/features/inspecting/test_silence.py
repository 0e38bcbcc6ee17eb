"""A behaviour that stopped is named; weekends, rare behaviours, the end of the data and monthly habits are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from features.clock import DAY_US, HOUR_US, NEVER
from features.inspecting.checkup import report_of
from features.inspecting.silence import silent, stopped_behaviours
from features.names import matches
from features.reading.table_report import Finding
from features.tables import Events, Leads, Tables
from features.workspace import Workspace, parse_workspace

LEADS, DAYS = 1500, 150
FIRST = 20_000 * DAY_US + 9 * HOUR_US
TEXT = """
name: quiet
data:
  leads: {source: l.csv, started_at: at}
  events: {source: e.csv}
  conversions: {source: c.csv}
trial: {days: 14}
behaviours:
  session: {events: [login, app_opened]}
  core_use: {events: ["feature.*"]}
  sales: {events: [call]}
"""
NAMES = ("app_opened", "call", "feature_x", "feature_y", "login", "ping")
CHANCE = np.array([0.3, 0.004, 0.2, 0.05, 0.3, 0.2])
"""How often a lead has each event on a working day of its trial."""


def workspace(extra: str = "") -> Workspace:
    return parse_workspace(TEXT + extra, Path())


def made(happens: np.ndarray, started: np.ndarray, newest: int) -> Tables:
    """Return tables in which leads have events on the days of age on which they happen ([lead, day, name])."""
    lead, day, name = np.nonzero(happens)
    at = started[lead] + day * DAY_US + HOUR_US
    keep = at <= newest
    n = int(keep.sum())
    never, nobody = np.full(len(started), NEVER), np.full(len(started), None, object)
    leads = Leads(
        ids=[f"{number:05d}" for number in range(len(started))], started_at=started, ended_at=never, trial_ends_at=never,
        converted_at=never, conversion_known=never, account=nobody, account_known=never, attributes={}, traits={}, contact={},
        ignored=np.zeros(len(started), bool), converted_flag=np.full(len(started), -1, np.int8),
    )  # fmt: skip
    events = Events(
        lead[keep].astype(np.int32), name[keep].astype(np.int32), list(NAMES), at[keep], at[keep], np.ones(n, np.int64), {}
    )
    return Tables(leads, events, {}, {"ping": 1}, newest)


@cache
def world() -> Tables:
    """A product whose leads come evenly and rest at weekends."""
    rng = np.random.default_rng(0)
    started = np.sort(FIRST + (rng.random(LEADS) * DAYS * DAY_US).astype(np.int64))
    day = (started[:, None] + np.arange(14) * DAY_US) // DAY_US
    working = np.where((day + 3) % 7 >= 5, 0.1, 1.0)
    return made(rng.random((LEADS, 14, len(NAMES))) < working[:, :, None] * CHANCE, started, FIRST + DAYS * DAY_US)


def without(tables: Tables, pattern: str, days: float, *, until: int | None = None) -> Tables:
    """Remove the events of some names from the last days."""
    until = tables.newest if until is None else until
    events = tables.events
    gone = np.array([matches(pattern, name) for name in events.names])[events.name]
    keep = ~gone | (events.at <= until - days * DAY_US) | (events.at > until)
    cut = {name: getattr(events, name)[keep] for name in ("lead", "name", "at", "known", "count")}
    return replace(tables, events=replace(events, **cut))


def found(tables: Tables, ws: Workspace | None = None, now: int | None = None) -> list[Finding]:
    return list(silent(ws or workspace(), tables, now=tables.newest if now is None else now))


def test_a_behaviour_that_stopped_is_named_with_its_figures() -> None:
    ws, tables = workspace(), without(world(), "feature_*", 14)
    (finding,) = found(tables)
    assert (finding.level, finding.column) == ("warn", "behaviours.core_use")
    assert finding.evidence.startswith("behaviour_silent: in the last 7 days 0 lead-days have such an event, where ")
    assert "open leads of the same ages" in finding.evidence
    assert stopped_behaviours(ws, tables, now=tables.newest) == [finding]
    report = report_of(ws, tables, now=tables.newest + DAY_US).as_dict()
    assert finding.as_dict() in report["findings"]


@pytest.mark.parametrize("back", range(7))
def test_no_day_of_the_week_is_silent(back: int) -> None:
    """Whatever the last day is, a Sunday or a Monday, the last week is a whole week."""
    tables = world()
    assert found(tables, now=tables.newest - back * DAY_US) == []


def test_a_weekend_is_no_silence_but_a_week_is() -> None:
    tables = world()
    monday = tables.newest - ((tables.newest // DAY_US + 3) % 7) * DAY_US
    assert found(without(tables, "feature_*", 3, until=monday), now=monday) == []
    assert [one.column for one in found(without(tables, "feature_*", 7, until=monday), now=monday)] == ["behaviours.core_use"]


def test_one_of_two_names_is_not_the_behaviour() -> None:
    assert found(without(world(), "login", 14)) == []
    both = without(without(world(), "login", 14), "app_opened", 14)
    assert [one.column for one in found(both)] == ["behaviours.session"]


def test_a_rare_behaviour_is_missed_only_after_weeks() -> None:
    assert found(without(world(), "call", 7)) == []
    (finding,) = found(without(world(), "call", 35))
    assert finding.column == "behaviours.sales"
    assert "in the last 28 days" in finding.evidence


def test_fewer_sign_ups_are_no_silence() -> None:
    """Nobody signs up in the last days: there are few leads to be active, and they are old."""
    tables = world()
    gone = tables.leads.started_at > tables.newest - 12 * DAY_US
    leads = replace(tables.leads, ignored=gone)
    keep = ~gone[tables.events.lead]
    cut = {name: getattr(tables.events, name)[keep] for name in ("lead", "name", "at", "known", "count")}
    assert found(replace(tables, leads=leads, events=replace(tables.events, **cut))) == []


def test_data_that_end_are_not_silent() -> None:
    """Long after the last trial there is no open lead that could do anything."""
    assert found(world(), now=world().newest + 60 * DAY_US) == []


def test_customers_do_not_count() -> None:
    """Who has converted is no open lead: what customers stop doing is no silence."""
    tables = world()
    leads = replace(tables.leads, converted_at=tables.leads.started_at + 2 * DAY_US)
    late = tables.events.at > tables.leads.started_at[tables.events.lead] + 2 * DAY_US
    keep = ~(late & (tables.events.at > tables.newest - 14 * DAY_US))
    cut = {name: getattr(tables.events, name)[keep] for name in ("lead", "name", "at", "known", "count")}
    assert found(replace(tables, leads=leads, events=replace(tables.events, **cut))) == []


def test_what_comes_once_a_month_is_not_missed() -> None:
    tables = world()
    week = (tables.newest - tables.events.at) // (7 * DAY_US)
    feature = np.array([name.startswith("feature") for name in tables.events.names])[tables.events.name]
    keep = ~feature | (week % 4 == 3)
    cut = {name: getattr(tables.events, name)[keep] for name in ("lead", "name", "at", "known", "count")}
    assert found(replace(tables, events=replace(tables.events, **cut))) == []


def test_allowed_silence_is_mentioned_and_stops_nothing() -> None:
    ws, tables = workspace("allow: [core_use]\n"), without(world(), "feature_*", 14)
    (finding,) = found(tables, ws)
    assert finding.level == "info"
    assert finding.evidence.endswith(", as allowed")
    assert stopped_behaviours(ws, tables, now=tables.newest) == []


def test_a_new_name_that_nothing_maps() -> None:
    tables = world()
    events = tables.events
    ping = events.name == events.names.index("ping")
    keep = ~ping | (events.at > tables.newest - 5 * DAY_US)
    cut = {name: getattr(events, name)[keep] for name in ("lead", "name", "at", "known", "count")}
    new = replace(tables, events=replace(events, **cut))
    (finding,) = found(new)
    assert (finding.level, finding.column) == ("warn", "behaviours")
    assert finding.evidence.startswith("behaviour_silent: the new name 'ping' has ")
    assert ", 0 before; no behaviour maps it" in finding.evidence
    assert found(replace(new, unmapped={})) == []
    assert stopped_behaviours(workspace(), new, now=new.newest) == [finding]
    (allowed,) = found(new, workspace("allow: [ping]\n"))
    assert (allowed.level, allowed.evidence) == ("info", finding.evidence + ", as allowed")
    assert stopped_behaviours(workspace("allow: [ping]\n"), new, now=new.newest) == []
    assert found(tables) == []  # a name that has always been there is not new


def test_little_data_say_nothing() -> None:
    tables = world()
    now = FIRST + 27 * DAY_US
    assert found(without(tables, "feature_*", 9, until=now), now=now) == []
    nothing = replace(
        tables.events, **{name: getattr(tables.events, name)[:0] for name in ("lead", "name", "at", "known", "count")}
    )
    assert found(replace(tables, events=nothing)) == []
    undated = parse_workspace("name: x\ndata: {leads: {source: l.csv, converted: c}}\n", Path())
    assert found(tables, undated) == []
