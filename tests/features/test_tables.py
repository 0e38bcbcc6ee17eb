from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.clock import DAY_US, HOUR_US, format_us
from features.errors import InputError
from features.reading.moments import parse_moment
from features.tables import read_tables
from features.workspace import parse_workspace
from tests.features.disk import EVENTS, LEADS, PLAIN, put, same, workspace

START = parse_moment("2026-05-01")
BODY = """
    timezone: Europe/Berlin
    data:
      leads: {source: leads.csv, started_at: at, ended_at: left, account: org}
      events: {source: events.csv, received_at: got, id: id, count: n, properties: [plan]}
      conversions: {source: conversions.csv}
      identities: {source: merges.csv}
    attributes: {country: category}
    behaviours: {session: {events: ["log*"], duration: n}}
"""
NO_LEADS = BODY.replace("leads: {source: leads.csv, started_at: at, ended_at: left, account: org}", "")
STARTED = BODY.replace("started_at: at", "start: login").replace("source: conversions.csv", "events: [paid]")

hours = st.integers(0, 72)
lead = st.sampled_from("abz")
leads = st.lists(st.tuples(lead, hours, hours | st.none(), st.sampled_from(["DE", ""])), max_size=6)
events = st.lists(
    st.tuples(
        st.sampled_from("abzvw"),
        st.sampled_from(["login", "Log In", "paid", "other"]),
        hours,
        st.integers(-5, 60) | st.none(),
        st.sampled_from(["", "m1", "m2"]),
    ),
    max_size=25,
)
anyone = st.sampled_from("abzvw")
conversions = st.lists(st.tuples(anyone, hours), max_size=5)
merges = st.lists(st.tuples(anyone, anyone, hours), max_size=6)


def at(hour: int | None) -> str:
    return "" if hour is None else format_us(START + hour * HOUR_US)


def day_over(hour: int, *, by_day: bool) -> int:
    """Hour from which something is known; in Berlin, days begin at 22:00 UTC in May."""
    return (hour + 2) // 24 * 24 + 22 if by_day else hour


@given(leads, events, conversions, merges, hours, st.booleans(), st.sampled_from([BODY, NO_LEADS, STARTED]))
@settings(max_examples=80, deadline=None)
def test_a_cut_equals_files_that_were_cut(
    leads: list[Any], events: list[Any], conversions: list[Any], merges: list[Any], cut: int, by_day: bool, body: str
) -> None:
    leads = [("z", 0, None, "DE"), *leads]
    merges = [("u", "z", -48), *merges]
    events = [("z", "login", -72, None, ""), *events]
    conversions = [("z", -40), *conversions]

    def event_known(row: Any) -> int:
        over = day_over(row[2], by_day=by_day)
        return over if row[3] is None else max(over, row[2] + row[3])

    def write(folder: Path, known: Callable[[int], bool]) -> None:
        # Where events start a trial, attributes of a table stand there from the beginning.
        rows = [row for row in leads if known(row[1]) or body is not BODY]
        text = "".join(
            f"{who},{at(start)},{at(end) if end is None or known(end) else ''},{place},{place}\n"
            for who, start, end, place in rows
        )
        put(folder, "leads.csv", "lead_id,at,left,country,org\n" + text)
        text = ""
        for row in events:
            if known(event_known(row)):
                received = at(None if row[3] is None else row[2] + row[3])
                text += f"{row[0]},{row[1]},{at(row[2])},{received},{row[4]},{1 + row[2] % 2},{row[2] % 3 or ''}\n"
        put(folder, "events.csv", "lead_id,event,timestamp,got,id,n,plan\n" + text)
        text = "".join(f"{who},{at(hour)}\n" for who, hour in conversions if known(day_over(hour, by_day=by_day)))
        put(folder, "conversions.csv", "lead_id,converted_at\n" + text)
        text = "".join(f"{who},{whom},{at(hour)}\n" for who, whom, hour in merges if known(day_over(hour, by_day=by_day)))
        put(folder, "merges.csv", "from,to,at\n" + text)

    resolution = "    resolution: {events: day, conversions: day}\n" if by_day else ""
    with TemporaryDirectory() as full, TemporaryDirectory() as short:
        write(Path(full), lambda hour: True)
        write(Path(short), lambda hour: hour <= cut)
        text = "name: small\n" + dedent(body + resolution)
        one = read_tables(parse_workspace(text, Path(full)), cut=START + cut * HOUR_US)
        other = read_tables(parse_workspace(text, Path(short)))
        assert same(one, other)
        assert one.newest <= START + cut * HOUR_US


@given(st.randoms(use_true_random=False), events)
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_files_means_nothing(shuffle: Any, events: list[Any]) -> None:
    results = []
    for _ in range(2):
        with TemporaryDirectory() as folder:
            rows = [
                f"{who},{name},{at(hour // 24)},{message},{hour % 3 or ''},{1 + hour % 2}\n"
                for who, name, hour, _, message in [("a", "x", 0, 0, ""), *events]
            ]
            shuffle.shuffle(rows)
            body = "data: {events: {source: e.csv, id: id, count: n, properties: [plan]}}\n"
            ws = workspace(Path(folder), body, e__csv="lead_id,event,timestamp,id,plan,n\n" + "".join(rows))
            results.append(read_tables(ws))
    assert same(*results)


def test_a_lead_without_events_is_a_lead(tmp_path: Path) -> None:
    tables = read_tables(workspace(tmp_path, leads__csv=LEADS + "c,2026-05-03\n"))
    assert tables.leads.ids == ["a", "b", "c"]
    assert tables.events.lead.tolist() == [0, 0, 1]


def test_unmapped_names_are_counted(tmp_path: Path) -> None:
    body = PLAIN + "    features: {exports: {count: [export.csv], behaviour: session}}\n"
    ws = workspace(tmp_path, body, events__csv=EVENTS + "a,Export,2026-05-01\na,export.csv,2026-05-01\nb,x,2026-05-05\n")
    tables = read_tables(ws)
    assert tables.unmapped == {"export": 2, "x": 1}
    assert tables.newest == START + 4 * DAY_US


def test_what_is_carried_without_a_table_of_leads(tmp_path: Path) -> None:
    body = """
        data: {events: {source: events.csv}}
        attributes: {country: category, size: number}
        contact: {email: mail}
        behaviours: {profile: {traits: [photo]}}
    """
    leads = read_tables(workspace(tmp_path, body)).leads
    assert leads.attributes["country"].tolist() == [None, None]
    assert repr(leads.attributes["size"].tolist()) == "[nan, nan]"
    assert leads.traits["photo"].tolist() == [None, None]
    assert leads.contact["email"].tolist() == [None, None]
    assert leads.ignored.tolist() == [False, False]


def test_formats_give_the_same_tables(tmp_path: Path) -> None:
    rows = [dict(zip(("lead_id", "event", "timestamp"), line.split(","), strict=True)) for line in EVENTS.splitlines()[1:]]
    expected = read_tables(workspace(tmp_path))
    for name in ("e.csv.gz", "e.jsonl", "e.jsonl.gz", "e.parquet", "e.parquet.gz"):
        put(tmp_path, name, EVENTS if "csv" in name else rows)
        assert same(read_tables(workspace(tmp_path, PLAIN.replace("events.csv", name))), expected)


def test_a_query_gives_the_same_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        connection.execute("create table e (lead_id, event, timestamp)")
        connection.executemany("insert into e values (?, ?, ?)", [line.split(",") for line in EVENTS.splitlines()[1:]])
        connection.commit()
    monkeypatch.setenv("WAREHOUSE_URL", f"sqlite:///{tmp_path / 'w.db'}")
    body = PLAIN.replace("source: events.csv", "source: {url: '${WAREHOUSE_URL}', query: select * from e}")
    assert same(read_tables(workspace(tmp_path, body)), read_tables(workspace(tmp_path)))


def test_the_store_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = workspace(tmp_path, PLAIN.replace("source: events.csv", "source: [store, events.csv]"))
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(InputError, match="no store yet"):
        read_tables(ws)
    assert not (tmp_path / "none.db").exists()

    import pyarrow as pa

    more = pa.table({"lead_id": ["a"], "event": ["x"], "timestamp": ["2026-05-09"]})
    assert len(read_tables(ws, store=lambda table, columns: iter([more])).events) == 4
