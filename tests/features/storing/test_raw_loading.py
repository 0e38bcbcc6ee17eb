"""Events are loaded raw: as they were written, with all their columns, so that a later mapping finds them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from features.catalog import feature_set
from features.matrix import compute
from features.reading.moments import parse_moment
from features.store import EventStore
from features.storing.loading import load_history
from features.tables import read_tables
from features.workspace import load_workspace
from tests import store_fixture

store_url = store_fixture.made_store_url


def test_what_a_mapping_does_not_name_is_stored_for_a_later_one(tmp_path: Path, store_url: str) -> None:
    """Names stay as they were written, and every column of a row is there, under its name."""
    from serving.view import View

    path = tmp_path / "events.jsonl"
    rows = [
        {
            "who": "a",
            "what": "Plan Compared",
            "when": "2026-04-01T10:00:00Z",
            "n": 2,
            "properties": {"plan": "pro", "n": 9, "x": [1]},
        },
        {
            "who": "a",
            "what": "plan_compared",
            "when": "2026-04-01T10:00:00Z",
            "url": "https://x.io/a",
            "score": 0.5,
            "none": None,
        },
        {"who": "b", "what": "planCompared", "when": "2026-04-02T10:00:00Z", "properties": '{"plan": "free"}', "ok": True},
        {"who": "b", "what": "planCompared", "when": "2026-04-02T10:00:00Z"},
        {"who": "", "what": "planCompared", "when": "2026-04-02T10:00:00Z"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    text = "name: plain\ndata:\n  events: {source: events.jsonl, lead: who, name: what, at: when, count: n}\n"
    (tmp_path / "plain.yaml").write_text(text, encoding="utf-8")
    assert load_history(tmp_path / "plain.yaml", url=store_url)["events_new"] == 4
    store = EventStore(store_url)
    stored = [(one.name, one.count, json.loads(one.properties)) for lead in "ab" for one in store.leads([lead])[lead].events]
    assert sorted(stored, key=str) == [
        ("Plan Compared", 2, {"plan": "pro", "n": 9, "x": [1]}),
        ("planCompared", 1, {"ok": True, "plan": "free"}),
        ("planCompared", 1, {}),
        ("plan_compared", 1, {"score": 0.5, "url": "https://x.io/a"}),
    ]

    # The mapping is edited: what is stored already gives what the files give, and loading once more changes nothing.
    edited = text + (
        "behaviours:\n"
        "  session: {events: [{event: plan compared, where: {plan: pro}}, {event: plan compared, where: {ok: true}}]}\n"
        "  support: {events: [{event: plan_compared, where: {url: {glob: 'https*'}}}], amount: score}\n"
    )
    (tmp_path / "plain.yaml").write_text(edited, encoding="utf-8")
    assert load_history(tmp_path / "plain.yaml", url=store_url)["events_new"] == 0
    ws = load_workspace(tmp_path / "plain.yaml")
    tables, features, view = read_tables(ws), feature_set(ws.definition()), View(ws, ws.definition())
    at = parse_moment("2026-04-03")
    batch = compute(features, tables, np.arange(2), np.full(2, at))
    for i, lead in enumerate("ab"):
        standing = view.standing(store.leads([lead])[lead], at)
        assert standing is not None
        np.testing.assert_array_equal(view.matrix([standing], at, store).values[0], batch.values[i])
    assert batch.column("session_count_all").tolist() == [2, 1]
    assert batch.column("support_count_all").tolist() == [1, 0]
    store.close()


def test_another_column_of_an_export_makes_no_event_another(tmp_path: Path, store_url: str) -> None:
    """Rows without an id are told apart by who did what and when, and by their ordinal."""
    text = "name: plain\ndata:\n  events: {source: events.csv, lead: who, name: what, at: when, received_at: got}\n"
    (tmp_path / "plain.yaml").write_text(text, encoding="utf-8")
    rows = [
        "a,x,2026-04-01,2026-04-01,1",
        "a,x,2026-04-01,2026-04-01,1",
        "a,x,2026-04-01,2026-04-02,0",
        "a,y,2026-04-01,2026-04-01,",
    ]

    def load(header: str, rows: list[str]) -> int:
        (tmp_path / "events.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return load_history(tmp_path / "plain.yaml", url=store_url)["events_new"]

    assert load("who,what,when,got,plan", rows[:2]) == 2
    assert load("who,what,when,got,plan", rows[::-1]) == 2
    assert load("who,what,when,got,plan,new", [f"{row},7" for row in rows]) == 0
    store = EventStore(store_url)
    told = [(one.name, json.loads(one.properties)) for one in store.leads(["a"])["a"].events]
    assert sorted(told, key=str) == [("x", {"plan": "0"}), ("x", {"plan": "1"}), ("x", {"plan": "1"}), ("y", {})]
    store.close()
