from __future__ import annotations

from pathlib import Path

from features.clock import DAY_US, HOUR_US, NEVER
from features.reading.moments import parse_moment
from features.tables import Tables, read_tables
from tests.features.disk import PLAIN, workspace

START = parse_moment("2026-05-01")


def read(folder: Path, text: str, rest: str = "", cut: int | None = None) -> Tables:
    return read_tables(workspace(folder, PLAIN + rest, conversions__csv=text), cut=cut)


def test_the_earliest_counts(tmp_path: Path) -> None:
    text = "lead_id,converted_at\nb,2026-05-06\na,2026-05-09\na,2026-05-05T01:00:00Z\na,2026-05-09\n"
    tables = read(tmp_path, text)
    assert ((tables.leads.converted_at - START) // HOUR_US).tolist() == [97, 120]
    assert tables.leads.conversion_known.tolist() == tables.leads.converted_at.tolist()
    report = tables.report["conversions"]
    assert (report.read, report.duplicates, report.refused_count) == (4, 1, 0)
    assert tables.newest == START + 5 * DAY_US


def test_a_day_closes_at_once_and_is_known_when_it_is_over(tmp_path: Path) -> None:
    text, rest = "lead_id,converted_at\na,2026-05-05T13:00:00Z\n", "    resolution: {conversions: day}\n"
    leads = read(tmp_path, text, rest).leads
    assert ((leads.converted_at[0] - START) // DAY_US, (leads.conversion_known[0] - START) // DAY_US) == (4, 5)
    assert leads.converted_at[1] == NEVER
    assert leads.conversion_known[1] == NEVER
    assert read(tmp_path, text, rest, cut=START + 5 * DAY_US - 1).leads.converted_at.tolist() == [NEVER, NEVER]
    assert read(tmp_path, text, rest, cut=START + 5 * DAY_US).leads.converted_at[0] == START + 4 * DAY_US


def test_a_later_payment_is_what_is_known_of_before(tmp_path: Path) -> None:
    text = "lead_id,converted_at\na,2026-05-05\na,2026-05-03\n"
    assert read(tmp_path, text, cut=START + 3 * DAY_US).leads.converted_at[0] == START + 2 * DAY_US


def test_flawed_rows_are_refused(tmp_path: Path) -> None:
    text = "lead_id,converted_at\na,2026-05-05\nzz,2026-05-05\n,2026-05-05\nb,\nb,paid\n"
    tables = read(tmp_path, text)
    reasons = ["unknown_lead", "missing_lead", "missing_time", "unreadable_time"]
    assert [(one.line, one.reason) for one in tables.report["conversions"].refused] == list(enumerate(reasons, 3))


def test_no_conversion_yet_is_no_error(tmp_path: Path) -> None:
    tables = read(tmp_path, "lead_id,converted_at\n")
    assert tables.leads.converted_at.tolist() == [NEVER, NEVER]
    assert (tables.report["conversions"].read, tables.report["conversions"].first) == (0, None)


def test_in_the_table_of_leads_an_empty_time_is_no_payment(tmp_path: Path) -> None:
    body = "data: {leads: {source: leads.csv, started_at: at}, conversions: {source: leads.csv, at: paid_at}}\n"
    text = "lead_id,at,paid_at\na,2026-05-01,2026-05-03\nb,2026-05-01,\n"
    tables = read_tables(workspace(tmp_path, body, leads__csv=text))
    assert tables.leads.converted_at.tolist() == [START + 2 * DAY_US, NEVER]
    assert tables.report["conversions"].refused_count == 0


def test_leads_that_are_left_out_are_not_unknown(tmp_path: Path) -> None:
    body = PLAIN.replace("started_at: signed_up_at", "started_at: signed_up_at, where: {lead_id: b}")
    report = read_tables(workspace(tmp_path, body)).report["conversions"]
    assert (report.outside, report.refused_count) == (1, 0)
