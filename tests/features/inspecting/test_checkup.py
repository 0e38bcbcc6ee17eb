from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from features.inspecting.checkup import CheckReport, check, report_of
from features.reading.moments import parse_moment
from features.reading.table_report import Finding
from features.tables import Tables, read_tables
from features.workspace import Workspace
from tests.features.disk import EVENTS, LEADS, PLAIN, workspace

NOW = parse_moment("2026-06-01")


def look(folder: Path, body: str = PLAIN, **files: Any) -> CheckReport:
    return check(workspace(folder, body, **files), now=NOW)


def found(report: CheckReport, level: str, column: str) -> list[str]:
    return [one.evidence for one in report.findings if (one.level, one.column) == (level, column)]


def test_the_shape_of_the_report(tmp_path: Path) -> None:
    bad = "zz,login,2026-05-01\n"
    report = look(tmp_path, events__csv=EVENTS + bad).as_dict()
    assert json.loads(json.dumps(report)) == report
    assert sorted(report) == ["findings", "ok", "tables", "unmapped"]
    assert report["tables"]["events"] == {
        "read": 4,
        "refused": [{"line": 5, "reason": "unknown_lead"}],
        "duplicates": 0,
        "first": "2026-05-01T09:00:00.000000Z",
        "last": "2026-05-02T11:00:00.000000Z",
    }
    assert sorted(report["tables"]) == ["conversions", "events", "leads"]
    assert report["unmapped"] == {"export": 1}
    assert report["ok"] is True
    assert {
        "level": "warn",
        "column": "data.events",
        "evidence": "1 of 4 (25.0 %) rows refused: unknown lead, such as 'zz'",
    } in report["findings"]


def test_the_report_for_people(tmp_path: Path) -> None:
    bad = "zz,login,2026-05-01\n" * 12
    leads = LEADS + "q,2026-05-01,x\n"
    lines = list(look(tmp_path, events__csv=EVENTS + bad, leads__csv=leads).lines())
    assert lines[0] == "leads: 3 rows read, 1 refused, 0 duplicates, 2026-05-01 to 2026-05-02"
    assert lines[1] == "  refused 1 x wrong_number_of_values: leads.csv:4"
    assert "  refused 12 x unknown_lead: events.csv:5, events.csv:6" in "\n".join(lines)
    assert any(line.endswith("events.csv:14, ...") for line in lines)
    assert "  export: 1 event" in lines
    assert lines[-1] == "ready for training"
    mapped = list(look(tmp_path, PLAIN.replace("[login]", "[login, export]")).lines())
    assert not any(line.startswith("unmapped") for line in mapped)


def test_days_are_those_of_the_workspace(tmp_path: Path) -> None:
    days = "lead_id,event,timestamp\na,login,2026-05-01\nb,login,2026-05-02\n"
    report = look(tmp_path, PLAIN + "    timezone: Europe/Istanbul\n", events__csv=days)
    assert "events: 2 rows read, 0 refused, 0 duplicates, 2026-05-01 to 2026-05-02" in list(report.lines())
    assert report.as_dict()["tables"]["events"]["first"] == "2026-04-30T21:00:00.000000Z"
    assert found(report, "warn", "data.events")[0].startswith("every time is a bare date")


def test_names_that_nothing_has(tmp_path: Path) -> None:
    body = PLAIN.replace("behaviours: {", "behaviours: {profile: {traits: [lead]}, ") + "    exclude: [any_count]\n"
    report = look(tmp_path, body)
    assert found(report, "warn", "behaviours.profile")[0].endswith("did you mean 'lead_id'?")
    assert found(report, "warn", "exclude")[0].startswith("no column, feature or event is called 'any_count'; did you mean")


def test_events_that_mean_nothing_yet(tmp_path: Path) -> None:
    body = PLAIN.replace("[login]", "[logn, login]") + "    features: {x: {count: [never], behaviour: session}}\n"
    report = look(tmp_path, body, events__csv=EVENTS.replace("Login", "Log On"))
    assert found(report, "warn", "behaviours.session") == ["no event fits 'logn'; did you mean 'log_on'?"]
    assert found(report, "warn", "features.x") == ["no event fits 'never'"]
    assert "most of them 'export'" in found(report, "warn", "behaviours")[0]
    assert found(look(tmp_path, PLAIN.split("behaviours")[0]), "info", "behaviours")


def test_late_double_and_future_rows(tmp_path: Path) -> None:
    body = PLAIN.replace("events.csv", "events.csv, received_at: got, id: id")
    text = "lead_id,event,timestamp,got,id\na,login,2026-05-01,2026-05-09,1\na,login,2026-05-01,,1\nb,login,2027-05-01,,2\n"
    report = look(tmp_path, body, events__csv=text)
    assert found(report, "info", "data.events")[0] == "1 of 3 (33.3 %) rows are repeated and count once"
    assert "last at 2027-05-01" in found(report, "warn", "data.events")[0]
    assert found(report, "warn", "got") == []
    assert found(look(tmp_path, body, events__csv=text.replace("a,login,2026-05-01,,1\n", "")), "warn", "got")[0].startswith(
        "1 of 2"
    )


def test_leads_and_outcomes(tmp_path: Path) -> None:
    body = PLAIN.replace("started_at: signed_up_at", "started_at: at, ended_at: left, where: {country: DE}")
    body += "    attributes: {country: category, size: number}\n    ignore: {mail: ['*@acme.com']}\n"
    leads = "lead_id,at,left,country,size,mail\n" + "".join(
        f"{who},2026-05-04,,{'DE' if who != 'd' else 'FR'},,{who}@acme.com\n" for who in "abcd"
    )
    report = look(tmp_path, body, leads__csv=leads)
    notes = found(report, "info", "data.events")
    assert "1 of 3 (33.3 %) leads have no event" in notes
    assert "3 of 3 (100.0 %) events lie before the start of their lead" in notes
    assert found(report, "info", "ignore") == ["3 of 3 (100.0 %) leads are ignored as the workspace file asks"]
    assert found(report, "warn", "size") == ["no lead has a value of this attribute"]
    assert found(report, "warn", "country") == []
    assert found(report, "warn", "data.conversions")[0].startswith("1 of 3 (33.3 %) leads convert before they start")
    assert "  1 row sound but not asked for" in list(report.lines())


def test_events_after_the_conversion(tmp_path: Path) -> None:
    report = look(tmp_path, events__csv=EVENTS + "a,login,2026-05-05\n")
    assert any(
        note.startswith("1 of 4 (25.0 %) events lie after the conversion") for note in found(report, "info", "data.events")
    )


def test_what_stands_in_the_way_of_a_training(tmp_path: Path) -> None:
    nobody = look(tmp_path, conversions__csv="lead_id,converted_at\n")
    assert not nobody.ok
    assert found(nobody, "error", "data.conversions")[0].startswith("no lead converts")
    assert list(nobody.lines())[-1].startswith("not ready for training")
    assert nobody.findings[0].level == "error"
    everybody = look(tmp_path, conversions__csv="lead_id,converted_at\na,2026-05-05\nb,2026-05-05\n")
    assert found(everybody, "error", "data.conversions")[0].startswith("every lead converts")
    empty = look(tmp_path, PLAIN.replace("started_at: signed_up_at", "started_at: signed_up_at, where: {lead_id: q}"))
    assert found(empty, "error", "data.leads") == ["no lead is left to learn from"]


def test_tables_that_are_not_there(tmp_path: Path) -> None:
    report = look(tmp_path, "data: {leads: {source: leads.csv, started_at: signed_up_at}}\n")
    assert report.ok
    assert found(report, "info", "data.conversions")[0].startswith("there is no table of conversions")
    undated = look(tmp_path, "data: {leads: {source: l.csv, converted: paid}}\n", l__csv="lead_id,paid\na,1\nb,0\n")
    assert undated.ok
    assert found(undated, "info", "data.conversions") == ["1 of 2 (50.0 %) leads convert"]
    assert next(undated.lines()) == "leads: 2 rows read, 0 refused, 0 duplicates"


def test_what_others_find_stands_in_the_report(tmp_path: Path) -> None:
    """The leakage audit comes from outside; its findings stop the check as errors do."""
    ws = workspace(tmp_path, PLAIN)
    leak = Finding("leak", "deal", "3 of 3")

    def audit(given: Workspace, tables: Tables) -> list[Finding]:
        assert given is ws
        return [leak, Finding("info", "size", "allowed")] if len(tables.leads) == 2 else []

    report = check(ws, audit=audit, now=NOW)
    assert report.findings[0] == leak
    assert not report.ok
    assert "leak: deal: 3 of 3" in list(report.lines())
    assert report_of(ws, read_tables(ws), now=NOW).ok
