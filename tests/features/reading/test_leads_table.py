from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.clock import DAY_US, NEVER
from features.errors import InputError
from features.reading.moments import parse_moment
from features.reading.table_report import Finding
from features.tables import Leads, Tables, read_tables
from tests.features.disk import workspace

START = parse_moment("2026-05-01")


def read(folder: Path, leads: Any, spec: str = "", rest: str = "", *, name: str = "leads.csv", cut: int | None = None) -> Tables:
    body = f"data: {{leads: {{source: {name}, started_at: at{spec}}}}}\n{rest}"
    return read_tables(workspace(folder, body, **{name: leads}), cut=cut)


def leads_of(*args: Any, **kwargs: Any) -> Leads:
    return read(*args, **kwargs).leads


def test_leads_are_sorted_by_id_as_text(tmp_path: Path) -> None:
    leads = leads_of(tmp_path, "lead_id,at\n10,2026-05-02\n9,2026-05-01\n010,2026-05-03\n")
    assert leads.ids == ["010", "10", "9"]
    assert len(leads) == 3
    assert ((leads.started_at - START) // DAY_US).tolist() == [2, 1, 0]
    assert (leads.ended_at == NEVER).all()
    assert (leads.trial_ends_at == NEVER).all()
    assert leads.account.tolist() == [None] * 3
    assert leads.converted_flag.tolist() == [-1] * 3


def test_everything_that_is_carried(tmp_path: Path) -> None:
    text = (
        "lead_id,at,left,until,org,country,size,photo,mail\n"
        "a,2026-05-01,2026-05-04,2026-05-15,o1,DE,10,yes,x@Acme.com\n"
        "b,2026-05-01,9999-12-31,,Select,Select,many,,y@b.com\n"
        "c,2026-05-01,,,,,,Select,\n"
    )
    spec = ", ended_at: left, trial_ends_at: until, account: org, missing: [Select]"
    rest = (
        "attributes: {country: category, size: number}\ncontact: {email: mail}\nignore: {email: ['*@acme.com'], country: [XX]}\n"
        "behaviours: {profile: {traits: [photo, company]}}"
    )
    tables = read(tmp_path, text, spec, rest)
    leads = tables.leads
    assert leads.ended_at.tolist() == [START + 3 * DAY_US, NEVER, NEVER]
    assert leads.trial_ends_at.tolist() == [START + 14 * DAY_US, NEVER, NEVER]
    assert leads.account.tolist() == ["o1", None, None]
    assert leads.attributes["country"].tolist() == ["DE", None, None]
    assert repr(leads.attributes["size"].tolist()) == "[10.0, nan, nan]"
    assert {name: values.tolist() for name, values in leads.traits.items()} == {
        "company": [None] * 3,
        "photo": ["yes", None, None],
    }
    assert leads.contact["email"].tolist() == ["x@Acme.com", "y@b.com", None]
    assert leads.ignored.tolist() == [True, False, False]
    assert tables.findings == [Finding("warn", "size", "1 values are no numbers and count as missing, such as 'many'")]


def test_types_of_parquet_and_json_become_categories(tmp_path: Path) -> None:
    table = pa.table(
        {"lead_id": [1, 2], "at": pa.array([START, START], pa.timestamp("us", "UTC")), "x": [True, False], "y": [3.0, None]}
    )
    leads = leads_of(tmp_path, table, rest="attributes: {x: category, y: category}", name="leads.parquet")
    assert leads.ids == ["1", "2"]
    assert leads.attributes["x"].tolist() == ["true", "false"]
    assert leads.attributes["y"].tolist() == ["3", None]
    rows = [{"lead_id": 1, "at": "2026-05-01", "x": True}, {"lead_id": "2", "at": "2026-05-01", "x": 7}]
    assert leads_of(tmp_path, rows, rest="attributes: {x: category}", name="leads.jsonl").attributes["x"].tolist() == [
        "true",
        "7",
    ]


def test_where_leaves_out_and_counts(tmp_path: Path) -> None:
    text = "lead_id,at,module,n\na,2026-05-01,BBB,1\nb,2026-05-01,AAA,1\nc,2026-05-01,BBB,9\nd,soon,,\n"
    tables = read(tmp_path, text, ", where: {module: BBB, n: {lt: 5}}")
    assert tables.leads.ids == ["a"]
    assert (tables.report["leads"].outside, tables.report["leads"].refused_count) == (3, 0)


def test_a_repeated_row_is_counted_and_another_one_refused(tmp_path: Path) -> None:
    text = (
        "lead_id,at,x,n\na,2026-05-01,1,\na,2026-05-01,1,\nb,2026-05-01,1,\na,2026-05-01,2,\na,2026-05-02,1,\nb,2026-05-01,1,4\n"
    )
    tables = read(tmp_path, text, rest="attributes: {x: category, n: number}")
    assert tables.report["leads"].duplicates == 1
    assert [(one.line, one.reason) for one in tables.report["leads"].refused] == [(n, "conflicting_lead") for n in (5, 6, 7)]
    assert tables.leads.ids == ["a", "b"]
    assert tables.leads.attributes["x"].tolist() == ["1", "1"]


def test_conflicts_across_files(tmp_path: Path) -> None:
    body = "data: {leads: {source: [leads.csv, more.csv], started_at: at}}\n"
    ws = workspace(tmp_path, body, leads__csv="lead_id,at\na,2026-05-01\n", more__csv="lead_id,at\nb,2026-05-01\na,2026-05-02\n")
    tables = read_tables(ws)
    assert [(one.origin, one.line) for one in tables.report["leads"].refused] == [("more.csv", 3)]
    assert tables.leads.ids == ["a", "b"]


def test_flawed_rows_are_refused(tmp_path: Path) -> None:
    text = "lead_id,at,left\na,2026-05-01,\n,2026-05-01,\nc,,\nd,2026-05-01,later\ne,2026-05-01,1950-01-01\nf\0,2026-05-01,\n"
    tables = read(tmp_path, text, ", ended_at: left")
    reasons = ["missing_lead", "missing_time", "unreadable_time", "time_out_of_range", "invalid_text"]
    assert [(one.line, one.reason) for one in tables.report["leads"].refused] == list(enumerate(reasons, 3))
    assert tables.leads.ids == ["a"]


def test_nothing_is_known_before_its_time(tmp_path: Path) -> None:
    text = "lead_id,at,left\na,2026-05-01,2026-05-03\nb,2026-05-02,2026-05-02\nc,2026-05-03,\n"
    leads = leads_of(tmp_path, text, ", ended_at: left", cut=START + DAY_US)
    assert leads.ids == ["a", "b"]
    assert leads.ended_at.tolist() == [NEVER, START + DAY_US]


def test_an_undated_table(tmp_path: Path) -> None:
    text = "id,Paid,x\na,Yes,1\nb,0,2\nc,,3\nd,perhaps,4\ne,HAYIR,5\n"
    body = "data: {leads: {source: leads.csv, id: id, converted: Paid}}\nattributes: {x: number}\n"
    tables = read_tables(workspace(tmp_path, body, leads__csv=text))
    assert tables.leads.converted_flag.tolist() == [1, 0, 0, 0]
    assert tables.leads.converted_flag.dtype == np.int8
    assert [(one.line, one.reason) for one in tables.report["leads"].refused] == [(5, "unreadable_outcome")]
    assert (tables.newest, len(tables.events)) == (0, 0)


@pytest.mark.parametrize(
    ("text", "spec", "rest", "sentence"),
    [
        ("lead_id,at\n", "", "", "data.leads has no rows"),
        ("lead_id,signed\na,2026-05-01\n", "", "", "leads.csv has no column 'at'"),
        ("lead_id,at\na,2026-05-01\n", ", ended_at: left", "", "no column 'left'.*data.leads.ended_at"),
        ("lead_id,at,countri\na,2026-05-01,x\n", "", "attributes: {country: category}", "did you mean 'countri'"),
        ("lead_id,at\na,2026-05-01\n", "", "contact: {email: mail}", "as contact.email says"),
        ("lead_id,at\na,2026-05-01\n", "", "ignore: {mail: [x]}", "as ignore.mail says"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, text: str, spec: str, rest: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text, spec, rest)
