from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.clock import HOUR_US, NEVER, format_us
from features.errors import InputError
from features.reading.moments import parse_moment
from features.tables import Tables, read_tables
from tests.features.disk import put, workspace

START = parse_moment("2026-05-01")
BODY = """
    data:
      leads: {source: leads.csv, started_at: at, account: org}
      events: {source: events.csv}
      conversions: {source: conversions.csv}
      identities: {source: merges.csv}
"""
LEADS = "lead_id,at,org\na,2026-05-01,\nb,2026-05-02,acme\n"
EVENTS = "lead_id,event,timestamp\nanon,x,2026-05-01\nb,y,2026-05-02\na,z,2026-05-03\n"
PAID = "lead_id,converted_at\nanon,2026-05-04\nb,2026-05-05\n"


def at(hour: int) -> str:
    return format_us(START + hour * HOUR_US)


def hours(us: Any) -> list[int | None]:
    return [None if one >= NEVER else (one - START) // HOUR_US for one in us.tolist()]


def read(folder: Path, merges: str, *, body: str = BODY, leads: str = LEADS, cut: int | None = None, raw: bool = False) -> Tables:
    text = "from,to,at\n" + merges
    ws = workspace(folder, body, leads__csv=leads, events__csv=EVENTS, conversions__csv=PAID, merges__csv=text)
    return read_tables(ws, cut=None if cut is None else START + cut * HOUR_US, raw=raw)


def story(tables: Tables) -> list[tuple[str, str, int | None]]:
    """Who did what, and from when that is known."""
    events = tables.events
    return [
        (tables.leads.ids[lead], events.names[name], known)
        for lead, name, known in zip(events.lead, events.name, hours(events.known), strict=True)
    ]


def refused(tables: Tables, table: str = "identities") -> list[tuple[int, str]]:
    return [(one.line, one.reason) for one in tables.report[table].refused]


def test_events_and_payments_go_over_from_when_it_is_known(tmp_path: Path) -> None:
    tables = read(tmp_path, f"anon,a,{at(60)}\n")
    assert tables.leads.ids == ["a", "b"]
    assert story(tables) == [("a", "x", 60), ("a", "z", 48), ("b", "y", 24)]
    assert (hours(tables.leads.converted_at), hours(tables.leads.conversion_known)) == ([72, 96], [72, 96])
    assert tables.report["events"].refused_count == 0
    assert tables.newest == START + 96 * HOUR_US
    early = read(tmp_path, f"anon,a,{at(60)}\n", cut=59)
    assert story(early) == [("a", "z", 48), ("b", "y", 24)]
    assert refused(early, "events") == [(2, "unknown_lead")]
    assert early.leads.converted_at.tolist() == [NEVER, NEVER]


def test_a_lead_that_turned_out_to_be_another_is_none_any_more(tmp_path: Path) -> None:
    tables = read(tmp_path, f"b,a,{at(60)}\nanon,b,{at(80)}\n")
    assert tables.leads.ids == ["a"]
    assert story(tables) == [("a", "x", 80), ("a", "y", 60), ("a", "z", 48)]
    assert (tables.leads.account.tolist(), hours(tables.leads.account_known)) == (["acme"], [60])
    assert hours(tables.leads.conversion_known) == [80]
    assert read(tmp_path, f"b,a,{at(60)}\nanon,b,{at(200)}\n").newest == START + 200 * HOUR_US
    assert tables.report["leads"].outside == 1
    assert tables.report["identities"].findings[0].evidence.startswith("2 ids turned out to be other leads, 1 of them leads")
    assert read(tmp_path, f"b,a,{at(60)}\n", cut=59).leads.ids == ["a", "b"]


def test_an_account_that_was_known_first_stays(tmp_path: Path) -> None:
    leads = "lead_id,at,org\na,2026-05-03,own\nb,2026-05-01,late\nc,2026-05-01,soon\nd,2026-05-01,\n"
    tables = read(tmp_path, f"b,a,{at(48)}\nc,d,{at(7)}\n", leads=leads)
    assert (tables.leads.account.tolist(), hours(tables.leads.account_known)) == (["own", "soon"], [48, 7])
    tables = read(tmp_path, f"b,d,{at(30)}\nc,d,{at(20)}\n", leads=leads)
    assert (tables.leads.account.tolist(), hours(tables.leads.account_known)) == (["own", "soon"], [48, 20])


def test_nobody_is_told_to_be_a_lead_before_it_starts(tmp_path: Path) -> None:
    """What was told before that counts from the start on, when its own account is known as well."""
    leads = "lead_id,at,org\na,2026-05-03,own\nb,2026-05-01,other\n"
    tables = read(tmp_path, f"b,a,{at(20)}\nanon,b,{at(10)}\n", leads=leads)
    assert (tables.leads.account.tolist(), hours(tables.leads.account_known)) == (["own"], [48])
    assert story(tables) == [("a", "x", 48), ("a", "y", 48), ("a", "z", 48)]
    early = read(tmp_path, f"b,a,{at(20)}\nanon,b,{at(10)}\n", leads=leads, cut=47)
    assert (early.leads.ids, story(early)) == (["b"], [("b", "x", 10), ("b", "y", 24)])
    assert read(tmp_path, f"b,a,{at(20)}\n", leads=leads, raw=True).links == [("b", "a", START + 48 * HOUR_US)]


def test_rows_that_say_nothing_new_and_rows_that_are_refused(tmp_path: Path) -> None:
    merges = (
        f"anon,a,{at(9)}\n"  # 2: counts
        f"anon,a,{at(8)}\n"  # 3: told before, so it is this one that counts
        f"anon,b,{at(10)}\n"  # 4: somebody else by now
        f"b,a,{at(11)}\na,b,{at(12)}\n"  # 6: a circle
        f"a,a,{at(13)}\n"  # 7: nothing
        f"zz,nobody,{at(1)}\n"  # 8: nobody is no lead
        f"yy,zz,{at(1)}\n"  # 9: and zz is not somebody else either
        f",a,{at(1)}\nq,,{at(1)}\nq,a,\nq,a,soon\nq\0,a,{at(1)}\n"
    )
    tables = read(tmp_path, merges)
    assert refused(tables) == [
        (4, "conflicting_merge"),
        (6, "merge_cycle"),
        (8, "unknown_lead"),
        (9, "unknown_lead"),
        (10, "missing_lead"),
        (11, "missing_lead"),
        (12, "missing_time"),
        (13, "unreadable_time"),
        (14, "invalid_text"),
    ]
    report = tables.report["identities"]
    assert (report.read, report.duplicates, report.outside, report.samples["unknown_lead"]) == (13, 1, 1, "nobody")
    assert ((report.first or 0) - START, (report.last or 0) - START) == (HOUR_US, 13 * HOUR_US)
    assert story(tables) == [("a", "x", 8), ("a", "y", 24), ("a", "z", 48)]


def test_a_table_of_which_nothing_can_be_used_stops(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"every row of data.identities is refused.*'nobody'"):
        read(tmp_path, f"anon,nobody,{at(1)}\n")
    with pytest.raises(InputError, match=r"every row of data.identities is refused"):
        read(tmp_path, "anon,a,soon\n")
    # As of a time before the lead started it is not known yet, and that is no mistake.
    assert read(tmp_path, f"anon,b,{at(1)}\n", cut=2).leads.ids == ["a"]
    assert read(tmp_path, "").leads.ids == ["a", "b"]


def test_who_is_left_out_stays_so_whoever_it_turns_out_to_be(tmp_path: Path) -> None:
    body = BODY.replace("started_at: at", "started_at: at, where: {lead_id: {in: [a, c]}}")
    leads = LEADS + "c,2026-05-01,\n"
    into = read(tmp_path, f"anon,b,{at(1)}\nc,b,{at(1)}\n", body=body, leads=leads)
    assert (into.leads.ids, story(into)) == (["a"], [("a", "z", 48)])
    assert (into.report["events"].outside, into.report["events"].refused_count) == (2, 0)
    assert into.report["leads"].outside == 2
    out_of = read(tmp_path, f"b,a,{at(1)}\nanon,b,{at(9)}\n", body=body, leads=leads)
    assert (out_of.leads.ids, story(out_of)) == (["a", "c"], [("a", "x", 9), ("a", "z", 48)])


def test_without_a_table_of_leads_whoever_an_id_turned_out_to_be_is_a_lead(tmp_path: Path) -> None:
    body = "data: {events: {source: events.csv}, identities: {source: merges.csv}}"
    tables = read(tmp_path, f"anon,new,{at(60)}\nb,a,{at(30)}\n", body=body)
    assert tables.leads.ids == ["a", "new"]
    # A start that was once known never moves: what b did before it turned out to be a starts nothing then.
    assert hours(tables.leads.started_at) == [30, 60]
    assert story(tables) == [("a", "y", 30), ("a", "z", 48), ("new", "x", 60)]
    early = read(tmp_path, f"anon,new,{at(60)}\nb,a,{at(30)}\n", body=body, cut=59)
    assert (early.leads.ids, hours(early.leads.started_at)) == (["a", "anon"], [30, 0])


def test_a_merge_that_is_dated_by_day_is_known_when_its_day_is_over(tmp_path: Path) -> None:
    body = BODY + "    resolution: {events: day, conversions: day}\n"
    assert story(read(tmp_path, "anon,a,2026-05-05\n", body=body))[0] == ("a", "x", 5 * 24)
    assert read(tmp_path, "anon,a,2026-05-05\n", body=body, cut=5 * 24 - 1).report["events"].refused_count == 1


def test_who_loads_a_store_gets_everybody_as_told(tmp_path: Path) -> None:
    tables = read(tmp_path, f"anon,b,{at(60)}\nb,a,{at(30)}\nzz,nobody,{at(1)}\nanon,b,{at(61)}\n", raw=True)
    assert tables.leads.ids == ["a", "anon", "b"]
    assert story(tables) == [("a", "z", 48), ("anon", "x", 0), ("b", "y", 24)]
    assert hours(tables.leads.started_at) == [0, None, 24]
    assert hours(tables.leads.account_known) == [None, None, 24]
    assert tables.links == [("anon", "b", START + 60 * HOUR_US), ("b", "a", START + 30 * HOUR_US)]


ids = st.sampled_from("abcdef")
merges = st.lists(st.tuples(ids, ids, st.integers(0, 9)), max_size=12)


@given(merges, st.sets(ids, min_size=1), st.integers(0, 9), st.booleans())
@settings(max_examples=150, deadline=None)
def test_equals_the_slow_way(told: list[tuple[str, str, int]], known: set[str], cut: int, table: bool) -> None:
    """Take the merges one by one in the order in which they became known, and follow each id step by step."""
    became: dict[str, tuple[str, int]] = {}

    def ends(one: str) -> tuple[str | None, int]:
        """Return the lead that an id is, and since when; None where it is nobody."""
        if one in became:
            lead, since = ends(became[one][0])
            if lead is not None:
                return lead, max(since, became[one][1])
        return (one if one in known or not table else None), 0

    def leads_to(one: str, end: str) -> bool:
        return one == end or (one in became and leads_to(became[one][0], end))

    for who, whom, when in sorted(told, key=lambda merge: (merge[2], merge[0], merge[1])):
        if when <= cut and who != whom and who not in became and not leads_to(whom, who):
            became[who] = (whom, when)
    expected = {}
    for one in "abcdef":
        lead, since = ends(one)
        if lead is not None:
            expected[one] = (lead, since)

    with TemporaryDirectory() as name:
        folder = Path(name)
        put(folder, "l.csv", "lead_id,at\n" + "".join(f"{one},{at(-9)}\n" for one in sorted(known)))
        put(folder, "e.csv", "lead_id,event,timestamp\n" + "".join(f"{one},{one},{at(-9)}\n" for one in "abcdef"))
        body = "data: {leads: {source: l.csv, started_at: at}, " if table else "data: {"
        text = "from,to,at\n" + "".join(f"{who},{whom},{at(when)}\n" for who, whom, when in told)
        ws = workspace(folder, body + "events: {source: e.csv}, identities: {source: m.csv}}", m__csv=text)
        tables = read_tables(ws, cut=START + cut * HOUR_US)
    found = {name: (lead, max(0, known or 0)) for lead, name, known in story(tables)}
    assert found == expected
    leads = {lead for lead, _ in expected.values()} | {one for one, (lead, _) in expected.items() if lead == one}
    assert set(tables.leads.ids) == leads
