"""What stops at the conversion: compared with others of the same age and season, so that no calendar is taken for a leak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.clock import DAY_US, HOUR_US, NEVER
from features.tables import Events, Tables
from training.audit_stops import stops
from training.simulated_tables import tables_of
from training.simulator import simulate

N, DAYS = 400, 120


def world(active: np.ndarray, converted: np.ndarray, started: np.ndarray | None = None) -> Tables:
    """Return leads with one event on every day of age on which they are active ([lead, day])."""
    base = tables_of(simulate(0, leads=N, days=10))
    started = np.full(N, base.leads.started_at.min()) if started is None else started
    lead, day = np.nonzero(active)
    at = started[lead] + day * DAY_US + HOUR_US
    n = len(at)
    leads = replace(base.leads, started_at=started, converted_at=converted, ended_at=np.full(N, NEVER))
    events = Events(lead.astype(np.int32), np.zeros(n, np.int32), ["ping"], at, at, np.ones(n, np.int64), {})
    return replace(base, leads=leads, events=events, newest=int(started.max()) + DAYS * DAY_US)


def payers(day: int, started: np.ndarray | int, every: int = 4) -> np.ndarray:
    return np.where(np.arange(N) % every == 0, started + day * DAY_US, NEVER)


START = int(tables_of(simulate(0, leads=N, days=10)).leads.started_at.min())


def active(share: float = 0.4) -> np.ndarray:
    return np.random.default_rng(0).random((N, DAYS)) < share


def test_a_stop_with_its_figures() -> None:
    converted = payers(20, START)
    days = active()
    days[::4, 20:] = False
    tables = world(days, converted)
    stop = stops(tables, tables.newest)["ping"]
    assert (stop.leads, stop.seen) == (100, 0)
    assert 90 <= stop.expected <= 100  # every lead would have it in four weeks


def test_going_on_is_no_stop_and_neither_is_a_little_less() -> None:
    days = active()
    assert stops(world(days, payers(20, START)), START + DAYS * DAY_US) == {}
    days[::4, 20:] &= np.random.default_rng(1).random((100, DAYS - 20)) < 0.1
    assert stops(world(days, payers(20, START)), START + DAYS * DAY_US) == {}


def test_what_ends_for_everybody_at_that_age_ends_for_no_reason_of_paying() -> None:
    days = active()
    days[:, 20:] = False
    assert stops(world(days, payers(20, START)), START + DAYS * DAY_US) == {}


def test_a_season_that_ends_is_compared_with_its_own_season() -> None:
    """Two courses, one 60 days long and one 100: those who pass do so on the last day of theirs."""
    late = np.arange(N) % 2 == 1
    started = np.where(late, START + 200 * DAY_US, START)
    length = np.where(late, 100, 60)
    days = active() & (np.arange(DAYS) < length[:, None])
    converted = np.where(np.arange(N) % 5 == 0, started + length * DAY_US, NEVER)
    tables = world(days, converted, started)
    assert stops(tables, tables.newest) == {}


def test_what_was_never_there_does_not_stop() -> None:
    days = active()
    days[::4] = False
    assert stops(world(days, payers(20, START)), START + DAYS * DAY_US) == {}


def test_a_few_busy_leads_prove_nothing() -> None:
    days = np.zeros((N, DAYS), bool)
    days[1:12:4] = True  # three leads, daily
    assert stops(world(days, payers(20, START)), START + DAYS * DAY_US) == {}


def test_conversions_at_the_end_of_the_data_leave_nothing_to_see() -> None:
    days = active()
    days[::4, 115:] = False
    assert stops(world(days, payers(119, START)), START + DAYS * DAY_US) == {}
