from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from features.clock import DAY_US, HOUR_US
from features.errors import InputError
from features.reading.moments import parse_moment
from features.tables import Tables, read_tables
from tests.features.disk import workspace

START = parse_moment("2026-05-01")


def read(
    folder: Path, events: Any, spec: str = "", rest: str = "", *, name: str = "events.csv", cut: int | None = None
) -> Tables:
    body = f"data: {{leads: {{source: leads.csv, started_at: signed_up_at}}, events: {{source: {name}{spec}}}}}\n{rest}"
    return read_tables(workspace(folder, body, **{name: events}), cut=cut)


def test_events_are_sorted_and_names_folded(tmp_path: Path) -> None:
    text = "lead_id,event,timestamp\nb,Page Viewed,2026-05-03\na,login,2026-05-02\na,page_viewed,2026-05-01\n"
    text += "a,Login,2026-05-01T00:00:00Z\n"
    events = read(tmp_path, text).events
    assert events.names == ["login", "page_viewed"]
    assert events.lead.tolist() == [0, 0, 0, 1]
    assert events.name.tolist() == [0, 1, 0, 1]
    assert ((events.at - START) // DAY_US).tolist() == [0, 0, 1, 2]
    assert events.known is events.at
    assert events.count.tolist() == [1] * 4
    assert len(events) == 4


def test_what_arrives_late_is_known_late(tmp_path: Path) -> None:
    text = (
        "lead_id,event,timestamp,got\na,x,2026-05-01T10:00:00Z,2026-05-02T10:00:00Z\na,x,2026-05-01T11:00:00Z,\n"
        "a,x,2026-05-01T12:00:00Z,2026-05-01T01:00:00Z\na,x,2026-05-01,soon\n"
    )
    tables = read(tmp_path, text, ", received_at: got")
    assert ((tables.events.at - START) // HOUR_US).tolist() == [10, 11, 12]
    assert ((tables.events.known - START) // HOUR_US).tolist() == [34, 11, 12]
    assert [(one.line, one.reason) for one in tables.report["events"].refused] == [(5, "unreadable_time")]
    assert tables.newest == START + 34 * HOUR_US
    early = read(tmp_path, text, ", received_at: got", cut=START + 11 * HOUR_US)
    assert ((early.events.at - START) // HOUR_US).tolist() == [11]


def test_a_day_is_known_when_it_is_over(tmp_path: Path) -> None:
    text = "lead_id,event,timestamp\na,x,2026-05-01\na,x,2026-05-01T23:30:00Z\n"
    rest = "resolution: {events: day}\ntimezone: Europe/Berlin"
    tables = read(tmp_path, text, rest=rest)
    assert ((tables.events.at - START) // HOUR_US).tolist() == [22, 46]
    assert tables.report["events"].as_dict()["first"] == "2026-04-30T22:00:00.000000Z"
    assert len(read(tmp_path, text, rest=rest, cut=START + 22 * HOUR_US - 1).events) == 0
    assert len(read(tmp_path, text, rest=rest, cut=START + 22 * HOUR_US).events) == 1


def test_counts_are_whole_and_at_least_one(tmp_path: Path) -> None:
    text = "lead_id,event,timestamp,n\n" + "".join(f"a,x,2026-05-01,{n}\n" for n in ("3", "", "2.0", "0", "1.5", "many", "-1"))
    tables = read(tmp_path, text, ", count: n")
    assert tables.events.count.tolist() == [1, 2, 3]
    assert [(one.line, one.reason) for one in tables.report["events"].refused] == [(line, "bad_count") for line in (5, 6, 7, 8)]


def test_an_id_counts_once_and_the_first_known_stays(tmp_path: Path) -> None:
    text = (
        "lead_id,event,timestamp,got,id\n"
        "a,again,2026-05-01,2026-05-03,m1\na,first,2026-05-01T09:00:00Z,2026-05-02,m1\na,x,2026-05-01,,\na,x,2026-05-01,,\nzz,x,2026-05-01,,m2\n"
        "b,x,2026-05-02,,m2\n"
    )
    tables = read(tmp_path, text, ", received_at: got, id: id")
    assert [tables.events.names[name] for name in tables.events.name] == ["x", "x", "first", "x"]
    assert tables.events.lead.tolist() == [0, 0, 0, 1]
    assert tables.report["events"].duplicates == 1
    assert tables.events.names == ["first", "x"]


def test_only_needed_properties_are_read(tmp_path: Path) -> None:
    text = "lead_id,event,timestamp,secs,score,plan,other\na,nps,2026-05-01,1.5,9,pro,1\na,nps,2026-05-02,long,,,1\n"
    rest = """
behaviours:
  session: {events: [nps], duration: secs}
  positive_feedback: {events: [{event: nps, where: {score: {ge: 9}}}]}
"""
    properties = read(tmp_path, text, ", properties: [plan]", rest).events.properties
    assert sorted(properties) == ["plan", "score", "secs"]
    assert repr(properties["secs"].tolist()) == "[1.5, nan]"
    assert properties["score"].tolist() == ["9", None]
    assert properties["plan"].tolist() == ["pro", None]


def test_properties_of_several_files_and_types(tmp_path: Path) -> None:
    body = """
        data:
          leads: {source: leads.csv, started_at: signed_up_at}
          events: {source: [a.parquet, b.jsonl, c.csv], properties: [x], received_at: got, count: n}
    """
    day = "2026-05-01"
    ws = workspace(
        tmp_path,
        body,
        a__parquet=pa.table(
            {"lead_id": ["a", "a"], "event": ["e", "e"], "timestamp": [day] * 2, "x": [1.5, None], "n": [1, None]}
        ),
        b__jsonl=[{"lead_id": "a", "event": "f", "timestamp": day, "properties": {"x": "pro"}}],
        c__csv=f"lead_id,event,timestamp,got\na,g,{day},2026-05-04\n",
    )
    events = read_tables(ws).events
    assert repr(events.properties["x"].tolist()) == "[None, 1.5, 'pro', None]"
    assert ((events.known - START) // DAY_US).tolist() == [0, 0, 0, 3]
    assert events.count.tolist() == [1] * 4


def test_where_of_leads_leaves_their_events_out(tmp_path: Path) -> None:
    body = "data: {leads: {source: leads.csv, started_at: signed_up_at, where: {lead_id: a}}, events: {source: events.csv}}\n"
    tables = read_tables(workspace(tmp_path, body))
    assert (len(tables.events), tables.report["events"].outside, tables.report["events"].refused_count) == (2, 1, 0)


def test_texts_with_nul_are_refused(tmp_path: Path) -> None:
    rows = [{"lead_id": who, "event": what, "timestamp": "2026-05-01"} for who, what in (("a", "x"), ("a", "x\0"), ("b\0", "x"))]
    ws = workspace(tmp_path, "data: {events: {source: e.jsonl}}\n", e__jsonl=rows)
    tables = read_tables(ws)
    assert [(one.line, one.reason) for one in tables.report["events"].refused] == [(2, "invalid_text"), (3, "invalid_text")]
    assert tables.leads.ids == ["a"]


@pytest.mark.parametrize(
    ("text", "spec", "sentence"),
    [
        ("lead_id,event,timestamp\n", "", "data.events has no rows: given events.csv without a row"),
        ("", "", "events.csv is empty"),
        ("lead,event,timestamp\na,x,2026-05-01\n", "", "did you mean 'lead'. Correct data.events.lead"),
        ("lead_id,event,timestamp\na,x,2026-05-01\n", ", properties: [score]", "as data.events.properties says"),
        ("lead_id,event,timestamp\na,x,2026-05-01\n", ", id: mid", "as data.events.id says"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, text: str, spec: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text, spec)
