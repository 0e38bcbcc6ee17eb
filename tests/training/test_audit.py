"""The audit as a whole: what stops, what a person has answered, what can be proved at all, and that train obeys."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.catalog import feature_set
from features.clock import DAY_US
from features.errors import StoppedError
from features.inspecting.checkup import report_of
from features.matrix import compute
from features.reading.table_report import Finding
from features.tables import Tables, read_tables
from features.workspace import Workspace, load_workspace, parse_workspace
from tests.training.small_world import SmallWorld, silent
from training.audit import audit, stop_at, stop_at_silence
from training.audit_leads import thinned
from training.leaks import Planted, clean_world, leaky_world
from training.verbs import run_train

SEED = 3


@cache
def leaky() -> tuple[Workspace, Tables, tuple[Planted, ...]]:
    return leaky_world(SEED)


@cache
def findings() -> tuple[Finding, ...]:
    return audit(*leaky()[:2])


def levels(ws: Workspace, tables: Tables) -> dict[str, str]:
    return {finding.column: finding.level for finding in audit(ws, tables)}


def names(level: str) -> list[str]:
    return [name for one in leaky()[2] if one.level == level for name in one.names]


def test_each_column_is_named_once_with_its_figures() -> None:
    ws, tables, _ = leaky()
    assert len({one.column for one in findings()}) == len(findings())
    assert all(any(letter.isdigit() for letter in one.evidence) for one in findings())
    assert not report_of(ws, tables, now=tables.newest, findings=findings()).ok
    assert report_of(ws, tables, now=tables.newest).ok


def test_what_is_excluded_is_not_asked_about_and_what_is_allowed_is_mentioned() -> None:
    ws, tables, _ = leaky()
    found = [one.column for one in findings()]
    excluded = ws.model_copy(update={"exclude": tuple(found)})
    assert levels(excluded, tables) == {}
    allowed = audit(ws.model_copy(update={"allow": tuple(found)}), tables)
    assert {one.level for one in allowed} == {"info"}
    assert {one.column for one in allowed} == set(found)
    assert "allowed in the workspace file (leak): " in next(one.evidence for one in allowed if one.column == names("leak")[0])
    rest = levels(ws.model_copy(update={"exclude": ("field_a",), "allow": ("Thing.X",)}), tables)
    assert "field_a" not in rest
    assert rest["thing_x"] == "info"  # event names are compared folded


def test_an_excluded_event_is_used_by_nothing() -> None:
    ws, tables, _ = leaky()
    lead = np.arange(300)
    at = tables.leads.started_at[lead] + 7 * DAY_US

    def values(ws: Workspace, tables: Tables) -> np.ndarray:
        features = feature_set(ws.definition(vocabulary={}))
        numbers = [place for place, feature in enumerate(features.features) if feature.quotient is not None]
        return compute(features, tables, lead, at).values[:, numbers]

    events = tables.events
    keep = events.name != events.names.index("thing_z")
    cut = {name: getattr(events, name)[keep] for name in ("lead", "name", "at", "known", "count")}
    without = replace(events, **cut, properties={name: column[keep] for name, column in events.properties.items()})
    excluded = values(ws.model_copy(update={"exclude": ("Thing.Z",)}), tables)
    np.testing.assert_array_equal(excluded, values(ws, replace(tables, events=without)))
    assert not np.array_equal(excluded, values(ws, tables), equal_nan=True)


def test_traits_are_audited_for_being_there_and_excluded_like_columns() -> None:
    ws, tables = clean_world(SEED)
    paid = tables.leads.converted_at <= tables.newest
    photo = np.where(paid, "https://x", None).astype(object)
    planted = replace(tables, leads=replace(tables.leads, traits={**tables.leads.traits, "photo": photo}))
    assert levels(ws, planted) == {"photo": "leak"}
    excluded = ws.model_copy(update={"exclude": ("photo",)})
    assert levels(excluded, planted) == {}
    assert "photo" not in excluded.definition().behaviours["profile"].traits


def test_nothing_later_is_seen() -> None:
    """As of an earlier day the audit knows only the conversions of then; a status of today still tells it."""
    ws, tables, _ = leaky()
    then = tables.newest - 40 * DAY_US
    early = [one for one in audit(ws, tables, as_of=then) if one.column == "field_a"]
    assert "conversions)" in early[0].evidence
    assert early[0].evidence != next(one.evidence for one in findings() if one.column == "field_a")


def test_too_few_conversions_prove_nothing_and_say_so(tmp_path: Path) -> None:
    ws, tables, _ = leaky()
    few = replace(tables, leads=replace(tables.leads, ignored=np.cumsum(tables.leads.converted_at <= tables.newest) > 12))
    found = audit(ws, few)
    assert found[-1].level == "info"
    assert "fewer than 20" in found[-1].evidence
    assert {one.level for one in found} == {"ask", "info"}
    ws = load_workspace(SmallWorld(leads=30).write(tmp_path))
    assert [one.level for one in audit(ws, read_tables(ws))] == ["info"]


def test_without_outcomes_or_leads_there_is_nothing_to_audit(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("lead_id,at,last_score\na,2026-05-01,3\n")
    text = "name: x\ndata: {leads: {source: leads.csv, started_at: at}}\nattributes: {last_score: number}\n"
    ws = parse_workspace(text, tmp_path)
    assert audit(ws, read_tables(ws)) == ()


def test_an_undated_table(tmp_path: Path) -> None:
    rows = [f"l{n:04d},{'won' if n % 3 == 0 else 'none'},{n % 7},{int(n % 3 == 0)}" for n in range(900)]
    (tmp_path / "leads.csv").write_text("\n".join(["id,deal,latest_n,paid", *rows]))
    body = (
        "name: x\ndata: {leads: {source: leads.csv, id: id, converted: paid}}\nattributes: {deal: category, latest_n: number}\n"
    )
    ws = parse_workspace(body, tmp_path)
    assert levels(ws, read_tables(ws)) == {"deal": "leak", "latest_n": "ask"}


def test_many_leads_are_thinned_and_the_leaks_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.audit_leads.ENOUGH_LEADS", 800)
    monkeypatch.setattr("training.audit_leads.ENOUGH_CONVERSIONS", 60)
    ws, tables, _ = leaky()
    thin = thinned(tables)
    assert int((~thin.leads.ignored).sum()) == len(tables.leads) // 2
    assert len(tables.events) // 3 < len(thin.events) < 2 * len(tables.events) // 3
    found = levels(ws, tables)
    assert {name for name in names("leak") if found.get(name) == "leak"} >= {"field_a", "field_b", "thing_x", "thing_y"}


def test_what_stops_and_how_it_is_said() -> None:
    stop_at([Finding("info", "a", "b"), Finding("warn", "c", "d")])
    many = [Finding("leak", f"column {n}", f"evidence {n}") for n in range(7)]
    with pytest.raises(StoppedError) as stopped:
        stop_at([*many, Finding("ask", "last", "e")])
    assert stopped.value.exit_code == 1
    text = str(stopped.value)
    assert "leak: column 0 (evidence 0); leak: column 1 (evidence 1)" in text
    assert "; and column 6, last; expected only columns that are known when a lead is scored" in text
    stop_at_silence([])
    with pytest.raises(StoppedError, match=r"given behaviours.session \(behaviour_silent: x\)"):
        stop_at_silence([Finding("warn", "behaviours.session", "behaviour_silent: x")])


def small(folder: Path, extra: str = "", **world: Any) -> Path:
    """Write a small product whose leads carry the outcome of today in a column called `deal`."""
    file = SmallWorld(**world).write(folder)
    paid = {line.split(",")[0] for line in (folder / "conversions.csv").read_text().splitlines()}
    header, *rows = (folder / "leads.csv").read_text().splitlines()
    told = [f"{row},{'yes' if row.split(',')[0] in paid else 'no'}" for row in rows]
    (folder / "leads.csv").write_text("\n".join([f"{header},deal", *told]) + "\n")
    file.write_text(file.read_text().replace("country: category", "country: category, deal: category") + extra)
    return file


def test_train_stops_before_it_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "var"))
    said: list[str] = []
    with pytest.raises(StoppedError, match="leakage audit stopped the training: given leak: deal"):
        run_train(small(tmp_path / "data"), as_of="2025-07-20", say=said.append)
    assert any(line.startswith("leak: deal: this column alone") for line in said)


def test_train_stops_at_a_silent_behaviour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "var"))
    file = SmallWorld(leads=1500).write(tmp_path / "data")
    events = tmp_path / "data" / "events.csv"
    header, *rows = events.read_text().splitlines()
    cut = [row for row in rows if ",login," not in row or row.rsplit(",", 1)[1] < "2025-07-06"]
    events.write_text("\n".join([header, *cut]) + "\n")
    with pytest.raises(StoppedError, match=r"behaviours\.session \(behaviour_silent: in the last"):
        run_train(file, as_of="2025-07-20", say=silent)
