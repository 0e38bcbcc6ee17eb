from __future__ import annotations

from pathlib import Path

from features.clock import DAY_US, NEVER
from features.reading.moments import parse_moment
from features.tables import Tables, read_tables
from tests.features.disk import workspace

START = parse_moment("2026-05-01")
EVENTS = """lead_id,event,timestamp,plan
b,Trial Started,2026-05-03,
b,visit,2026-05-01,
b,paid,2026-05-04,free
b,paid,2026-05-06,pro
b,paid,2026-05-05,pro
a,visit,2026-05-02,
c,trial_started,2026-05-02,
c,trial_started,2026-05-01,
"""
PAID = "conversions: {events: [{event: paid, where: {plan: [pro, team]}}, {event: nothing}]}"


def read(folder: Path, data: str, rest: str = "", cut: int | None = None) -> Tables:
    return read_tables(workspace(folder, f"data: {{events: {{source: e.csv}}, {data}}}\n{rest}", e__csv=EVENTS), cut=cut)


def days(tables: Tables) -> list[int]:
    return ((tables.leads.started_at - START) // DAY_US).tolist()


def test_with_no_leads_a_lead_starts_at_its_first_event(tmp_path: Path) -> None:
    tables = read(tmp_path, PAID)
    assert tables.leads.ids == ["a", "b", "c"]
    assert days(tables) == [1, 0, 0]
    assert sorted(tables.report) == ["events"]
    assert read(tmp_path, PAID, cut=START).leads.ids == ["b", "c"]


def test_the_trial_starts_with_an_event(tmp_path: Path) -> None:
    tables = read(tmp_path, f"leads: {{start: trial_started}}, {PAID}")
    assert tables.leads.ids == ["b", "c"]
    assert days(tables) == [2, 0]
    assert tables.events.lead.tolist() == [0] * 5 + [1] * 2
    report = tables.report["events"]
    assert (report.outside, report.refused_count) == (1, 0)
    assert report.findings[0].evidence.startswith("1 ids never start a trial and are no leads, such as 'a'; 1 events")


def test_a_table_of_leads_beside_the_start(tmp_path: Path) -> None:
    ws = workspace(
        tmp_path,
        "data: {leads: {source: l.csv, start: trial_started}, events: {source: e.csv}}\nattributes: {country: category}\n",
        e__csv=EVENTS,
        l__csv="lead_id,country\nc,DE\nz,FR\nb,US\na,TR\n",
    )
    tables = read_tables(ws)
    assert tables.leads.ids == ["b", "c"]
    assert tables.leads.attributes["country"].tolist() == ["US", "DE"]
    assert days(tables) == [2, 0]


def test_the_first_payment_that_fits_counts(tmp_path: Path) -> None:
    leads = read(tmp_path, PAID).leads
    assert ((leads.converted_at[1] - START) // DAY_US) == 4
    assert leads.converted_at[[0, 2]].tolist() == [NEVER, NEVER]


def test_days(tmp_path: Path) -> None:
    for resolution in ("{events: day, conversions: day}", "{events: day}", "{conversions: day}"):
        rest = f"resolution: {resolution}\n"
        tables = read(tmp_path, PAID, rest)
        assert ((tables.leads.converted_at[1] - START) // DAY_US) == 4
        assert ((tables.leads.conversion_known[1] - START) // DAY_US) == 5
        assert days(tables) == ([2, 1, 1] if "events" in resolution else [1, 0, 0])
        known = read(tmp_path, PAID, rest, cut=START + 5 * DAY_US).leads.converted_at[1]
        unknown = read(tmp_path, PAID, rest, cut=START + 5 * DAY_US - 1).leads.converted_at
        assert (known - START) // DAY_US == 4
        assert set(unknown.tolist()) == {NEVER}
