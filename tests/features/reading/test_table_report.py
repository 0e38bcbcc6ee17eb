from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import InputError
from features.reading.table_report import Finding
from features.tables import read_tables
from tests.features.disk import EVENTS, workspace


def test_every_refused_row_has_its_line_and_reason(tmp_path: Path) -> None:
    bad = "a,,2026-05-01T10:00:00Z\n,login,2026-05-01T10:00:00Z\na,login,\na,login,tomorrow\nzz,login,2026-05-01T10:00:00Z\na,x\n"
    bad += "a,login,1950-01-01\n"
    ws = workspace(tmp_path, events__csv=EVENTS + bad)
    report = read_tables(ws).report["events"]
    lines = ["missing_name", "missing_lead", "missing_time", "unreadable_time", "unknown_lead", "wrong_number_of_values"]
    assert [(one.line, one.reason) for one in report.refused] == list(enumerate([*lines, "time_out_of_range"], 5))
    assert report.reasons() == dict.fromkeys([*lines, "time_out_of_range"], 1)
    assert (report.read, report.refused_count) == (10, 7)
    assert report.as_dict()["refused"][0] == {"line": 5, "reason": "missing_name"}
    assert (report.as_dict()["first"], report.as_dict()["last"]) == ("2026-05-01T09:00:00.000000Z", "2026-05-02T11:00:00.000000Z")


def test_of_several_files_each_row_names_its_own(tmp_path: Path) -> None:
    body = """
        data:
          leads: {source: leads.csv, started_at: signed_up_at}
          events: {source: [events.csv, more.jsonl]}
    """
    more = [{"lead_id": "zz", "event": "x", "timestamp": "2026-05-01"}, {"lead_id": "a", "event": "x", "timestamp": "2026-05-01"}]
    ws = workspace(tmp_path, body, events__csv=EVENTS + "yy,x,2026-05-01\n", more__jsonl=more)
    assert read_tables(ws).report["events"].as_dict()["refused"] == [
        {"line": 5, "reason": "unknown_lead", "file": "events.csv"},
        {"line": 1, "reason": "unknown_lead", "file": "more.jsonl"},
    ]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "events.csv",
            "lead_id,event,timestamp\na,x,soon\nb,x,later\n",
            "unreadable time in 2 of 2 rows, such as 'soon', first at line 2",
        ),
        ("events.csv", "lead_id,event,timestamp\nq,x,2026-05-01\n", "unknown lead in 1 of 1 rows, such as 'q'"),
        ("events.csv", "lead_id,event,timestamp\n1,2\n", "wrong number of values in 1 of 1 rows"),
        ("conversions.csv", "lead_id,converted_at\nq,2026-05-01\n", "unknown lead in 1 of 1 rows, such as 'q'"),
        ("leads.csv", "lead_id,signed_up_at\n,2026-05-01\n", "missing lead in 1 of 1 rows"),
    ],
)
def test_a_table_of_refused_rows_only_is_an_error(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    ws = workspace(tmp_path, **{name: content})
    with pytest.raises(InputError, match=f"every row of data[.]{name[:-4]} is refused") as caught:
        read_tables(ws)
    assert sentence in caught.value.given


@pytest.mark.parametrize("name", ["leads.csv", "events.csv", "conversions.csv"])
def test_times_without_a_zone_stop_with_column_line_and_value(tmp_path: Path, name: str) -> None:
    content = {
        "leads.csv": "lead_id,signed_up_at\na,2026-05-01T00:00:00Z\nb,2026-05-02 00:00:00\n",
        "events.csv": "lead_id,event,timestamp\na,x,2026-05-01\na,x,2026-05-02 00:00:00\n",
        "conversions.csv": "lead_id,converted_at\n\na,2026-05-02 00:00:00\n",
    }[name]
    column = content.splitlines()[0].split(",")[-1]
    ws = workspace(tmp_path, **{name: content})
    with pytest.raises(InputError, match=f"column '{column}' of {name}") as caught:
        read_tables(ws)
    assert caught.value.given == "'2026-05-02 00:00:00' in line 3"
    assert caught.value.do.startswith(f"add zone: to data.{name[:-4]}")


def test_numbers_are_no_times(tmp_path: Path) -> None:
    body = "data: {leads: {source: leads.jsonl, started_at: at}}\n"
    ws = workspace(tmp_path, body, leads__jsonl=[{"lead_id": "a", "at": 1_778_144_400}])
    with pytest.raises(InputError, match=r"column 'at' of leads[.]jsonl holds no times"):
        read_tables(ws)


def test_a_finding_has_the_shape_of_the_report() -> None:
    assert Finding("warn", "x", "y").as_dict() == {"level": "warn", "column": "x", "evidence": "y"}
