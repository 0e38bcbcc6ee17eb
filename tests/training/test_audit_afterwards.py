"""Columns that know what came after the start: dates and counts."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from features.clock import DAY_US, NEVER
from features.tables import Tables
from training.audit_afterwards import counts_afterwards, dates_afterwards, rank_correlation
from training.leaks import clean_world


@cache
def tables() -> Tables:
    return clean_world(0)[1]


def as_dates(us: np.ndarray, there: np.ndarray, form: str = "iso") -> np.ndarray:
    days = np.datetime_as_string(np.where(there, us, 0).astype("datetime64[us]"), "D")
    texts = np.array([day if form == "iso" else ".".join(reversed(day.split("-"))) for day in days], dtype=object)
    texts[~there] = None
    return texts


def dates(values: np.ndarray) -> list[tuple[str, str]]:
    everybody = np.arange(len(tables().leads))
    return [(found.level, found.evidence) for found in dates_afterwards({"x": values}, tables(), everybody)]


@pytest.mark.parametrize("form", ["iso", "dotted"])
def test_dates(form: str) -> None:
    leads = tables().leads
    paid, all_ = leads.converted_at < NEVER, np.ones(len(leads), bool)
    level, evidence = dates(as_dates(leads.converted_at, paid, form))[0]
    assert level == "leak"
    assert f"within a day of the conversion for {paid.sum()} of {paid.sum()} leads" in evidence
    level, evidence = dates(as_dates(leads.started_at + 5 * DAY_US, all_, form))[0]
    assert level == "ask"
    assert "1,800 of 1,800 more than a day after the start" in evidence
    assert dates(as_dates(leads.started_at, all_, form)) == []
    assert dates(as_dates(leads.started_at - 4000 * DAY_US, all_, form)) == []  # a birthday


def test_what_is_no_date() -> None:
    n = len(tables().leads)
    for value in ("de", "2025", "99.99.2025", "12/2025"):
        assert dates(np.full(n, value, dtype=object)) == []
    assert dates(np.full(n, None, dtype=object)) == []
    assert dates(np.arange(n) * 1.0) == []


def test_counts() -> None:
    events, n = tables().events, len(tables().leads)
    total = np.bincount(events.lead, minlength=n).astype(float)
    sessions = np.bincount(events.lead[events.name == events.names.index("app_opened")], minlength=n).astype(float)
    early = events.at <= tables().leads.started_at[events.lead] + DAY_US
    first_day = np.bincount(events.lead[early], minlength=n).astype(float)
    columns = {"life": total, "sessions": sessions, "first_day": first_day, "flag": (total > 5) * 1.0, "size": np.arange(n) * 1.0}
    found = {one.column: one for one in counts_afterwards(columns, tables(), np.arange(n))}
    assert set(found) == {"life", "sessions"}
    assert found["sessions"].level == "leak"
    assert "goes with the number of 'app_opened' after the first day (rank correlation 0.9" in found["sessions"].evidence
    assert not list(counts_afterwards({"life": total}, tables(), np.arange(50)))  # too few leads
    nothing = replace(
        tables(), events=replace(events, lead=events.lead[:0], name=events.name[:0], at=events.at[:0], count=events.count[:0])
    )
    assert not list(counts_afterwards({"life": total}, nothing, np.arange(n)))


def test_rank_correlation() -> None:
    assert rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0])) == pytest.approx(1.0)
    assert rank_correlation(np.array([1.0, 1.0]), np.array([1.0, 2.0])) == 0.0
