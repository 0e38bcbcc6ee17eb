"""Every tool's export of one history is recognised, checked without a refused row, and tells that same history."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from features.errors import InputError
from features.inspecting.checkup import check
from features.inspecting.proposal import propose
from features.names import fold
from features.tables import Tables, read_tables
from features.workspace import Workspace, parse_workspace
from tests.features.inspecting.presets.exports import WRITERS, call_tables, json_lines, posthog_row
from tests.features.inspecting.presets.world import Act, history

ACTS = history(60)
TOLD = ("feature_used", "report_created", "logged_in", "zorp")
"""Events that every tool calls alike."""


def read(text: str, folder: Path) -> Workspace:
    return parse_workspace(text, folder, environment={})


def told(tables: Tables) -> Counter[tuple[str, str, int]]:
    """Count what each lead did, as far as all tools call it alike: pages and the events above."""
    events = tables.events
    rows = zip(events.lead.tolist(), events.name.tolist(), events.at.tolist(), strict=True)
    named = ((tables.leads.ids[lead], events.names[name], at) for lead, name, at in rows)
    return Counter((lead, name, at // 1000) for lead, name, at in named if name.startswith("page:") or name in TOLD)


def expected(acts: list[Act], *, merged: bool) -> Counter[tuple[str, str, int]]:
    counts: Counter[tuple[str, str, int]] = Counter()
    for act in acts:
        lead = act.user or (act.visitor.replace("visitor", "user") if merged else None)
        name = f"page:{act.name}" if act.kind == "page" else fold(act.name)
        if lead and (act.kind == "page" or (act.kind == "track" and name in TOLD)):
            counts[lead, name, round(act.at.timestamp() * 1000)] += 1
    return counts


def seconds(counts: Counter[tuple[str, str, int]]) -> Counter[tuple[str, str, int]]:
    return Counter({(lead, name, 0): 0 for lead, name, _ in counts}) + Counter(
        (lead, name, at // 1000) for lead, name, at in counts.elements()
    )


@pytest.mark.parametrize("export", WRITERS)
def test_an_export_tells_the_history(tmp_path: Path, export: str) -> None:
    preset, write = WRITERS[export]
    text = propose(write(tmp_path, ACTS), preset=preset, folder=tmp_path)
    ws = read(text, tmp_path)
    report = check(ws)
    assert report.ok
    assert not any(table.refused for table in report.tables.values())
    assert not [one for one in report.findings if one.level == "warn" and one.column != "behaviours"]
    tables = read_tables(ws)
    assert seconds(told(tables)) == seconds(expected(ACTS, merged=export != "mixpanel"))
    assert tables.leads.ids == sorted({act.user for act in ACTS if act.user})
    paid = {act.user for act in ACTS if act.name == "Subscription Started"}
    assert int((tables.leads.converted_at < 2**62).sum()) == len(paid)
    assert {"session", "core_use", "milestone", "purchase_intent", "education"} <= set(ws.behaviours)
    assert [one.event for one in ws.behaviours["purchase_intent"].events] == ["page:/pricing"]
    assert "page:/docs/*" in {one.event for one in ws.behaviours["education"].events}


@pytest.mark.parametrize(
    ("export", "lines"),
    [
        (
            "posthog",
            ["lead: distinct_id ", "id: uuid ", "received_at: created_at ", 'from: "$anon_distinct_id if event = $identify"'],
        ),
        ("mixpanel", ["lead: $user_id or distinct_id ", "at: time in seconds ", "id: $insert_id "]),
        ("mixpanel", ["received_at: mp_processing_time_ms in milliseconds ", "start: [signed_up] "]),
        ("amplitude", ["lead: user_id or amplitude_id or device_id ", "at: event_time ", "zone: UTC ", "from: amplitude_id "]),
        ("ga4", ["lead: user_id or user_pseudo_id ", "at: event_timestamp in microseconds ", "events: [purchase] "]),
        ("snowplow", ["at: derived_tstamp ", "id: event_id ", "received_at: collector_tstamp ", "from: domain_userid "]),
        ("segment_calls", ["lead: userId or anonymousId ", "id: messageId ", 'from: "anonymousId if type = identify"']),
        (
            "segment_files",
            ["source: [tracks.csv, pages.csv]", "source: users.csv", "source: identifies.csv", "from: anonymous_id "],
        ),
    ],
)
def test_the_file_says_what_it_rests_on(tmp_path: Path, export: str, lines: list[str]) -> None:
    preset, write = WRITERS[export]
    text = propose(write(tmp_path, ACTS), preset=preset, folder=tmp_path)
    for line in lines:
        assert f"\n    {line}" in text
    assert "# not mapped on purpose, being the payment: " in text
    assert f"  # zorp: {sum(act.name == 'Zorp' for act in ACTS)} events" in text


@pytest.mark.parametrize("export", ["posthog", "mixpanel", "amplitude", "ga4", "snowplow", "segment_calls"])
def test_without_a_preset_its_name_is_told(tmp_path: Path, export: str) -> None:
    preset, write = WRITERS[export]
    text = propose(write(tmp_path, ACTS), folder=tmp_path)
    assert f"--preset {preset} knows more about it" in text
    assert check(read(text, tmp_path)).ok


def test_leads_and_conversions_may_stand_beside_an_export(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text(
        "user_id,created_at,country\n" + "".join(f"user-{i:03},2026-01-01T00:00:00Z,NO\n" for i in range(60))
    )
    (tmp_path / "paid.csv").write_text("user_id,paid_on\nuser-001,2026-02-01\n")
    files = WRITERS["posthog"][1](tmp_path, ACTS)
    ws = read(propose(files, tmp_path / "leads.csv", tmp_path / "paid.csv", preset="posthog", folder=tmp_path), tmp_path)
    assert ws.data.leads is not None
    assert ws.data.leads.started_at == "created_at"
    assert ws.resolution.conversions == "day"
    assert check(ws).tables["conversions"].read == 1


@pytest.mark.parametrize(
    ("preset", "export", "sentence"),
    [
        ("segmnt", "posthog", "did you mean 'segment'?"),
        ("heap", "posthog", "choose one of them"),
        ("mixpanel", "ga4", "try --preset ga4, whose columns these are"),
        ("amplitude", "posthog", "does not have the columns of Amplitude's export"),
        ("segment", "mixpanel", "files called tracks, pages or screens, or calls as JSON lines"),
    ],
)
def test_another_tool_is_refused(tmp_path: Path, preset: str, export: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        propose(WRITERS[export][1](tmp_path, ACTS), preset=preset, folder=tmp_path)
    assert sentence in str(caught.value)


def test_times_that_are_none_and_no_files(tmp_path: Path) -> None:
    rows = [posthog_row(act) | {"timestamp": "soon"} for act in ACTS[:30]]
    with pytest.raises(InputError, match=r"column 'timestamp' of e[.]jsonl holds no times"):
        propose([json_lines(tmp_path / "e.jsonl", rows)], preset="posthog")
    rows = [row | {"timestamp": None} for row in rows]
    with pytest.raises(InputError, match="given no values"):
        propose([json_lines(tmp_path / "e.jsonl", rows)], preset="posthog")
    with pytest.raises(InputError, match="there is no export to look at"):
        propose([], preset="posthog")


def test_the_tables_of_calls_hold_the_history() -> None:
    tables = call_tables(ACTS)
    assert sum(len(tables[name]) for name in ("tracks", "pages", "screens", "identifies")) == len(ACTS)
