"""Training and `score` look at a lead of the store when the server could have been asked, and see its end as told by then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.clock import DAY_US, NEVER
from features.reading.inactivity import close_inactive
from features.reading.moments import parse_moment
from features.store import EventStore
from features.storing.rows import Outcome
from features.tables import read_tables
from features.workspace import parse_workspace
from models.population import Asked, find_population
from serving.view import View
from tests import store_fixture
from tests.features.storing.test_collected import FILES, LIVE, collect, told
from tests.journeys.people import WORKSPACE
from training.ages import fixed_ages
from training.rows import LabelRule, rows_at

store_url = store_fixture.made_store_url
STATED = "leads: {source: store, id: lead_id, started_at: signed_up_at, trial_ends_at: trial_end, account: org}"
BESIDE = """
name: beside
data:
  leads: {source: [leads.csv, store], started_at: at, ended_at: ended_at}
  events: {source: store}
"""
START = parse_moment("2026-05-01")
RULE = LabelRule.of(horizon_days=10, gap_hours=0, day_resolution=False)


@pytest.fixture(autouse=True)
def _place(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", store_url)


def day(number: float) -> str:
    return f"2026-05-{1 + int(number):02d}T{round(number % 1 * 24):02d}:00:00Z"


def identify(lead: str, known: float, **traits: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": lead, "timestamp": day(known), "traits": traits}


def login(lead: str, at: float, known: float) -> dict[str, Any]:
    return {"type": "track", "userId": lead, "event": "login", "timestamp": day(at), "received": day(known)}


@pytest.mark.parametrize("resolution", ["second", "day"])
@pytest.mark.parametrize("stated", [True, False])
def test_a_lead_is_heard_of_when_the_live_door_knows_it(tmp_path: Path, store_url: str, resolution: str, stated: bool) -> None:
    """Read at the end of a drawn history, with its late calls, merges and payments."""
    collect(store_url, 3, resolution)
    text = WORKSPACE
    for file in FILES:
        text = text.replace(f"source: {file}", "source: store")
    if not stated:
        text = text.replace(STATED, "leads: {source: store, id: lead_id, account: org, start: [login]}")
    ws = parse_workspace(text + f"resolution: {{events: {resolution}, conversions: {resolution}}}\n", tmp_path)
    tables, view, store = read_tables(ws), View(ws, ws.definition()), EventStore(store_url)
    leads, late, known = tables.leads, 0, store.leads(store.lead_ids(0))
    assert leads.heard_at is not None
    for place, one in enumerate(leads.ids):
        start, heard = int(leads.started_at[place]), int(leads.heard_at[place])
        late += heard > start
        for at in {start, heard - 1, heard, start + 3 * DAY_US, heard + DAY_US}:
            if at >= start:
                assert (view.standing(known[one], at) is not None) == (heard <= at), one
    assert late > (0 if stated else 3)
    store.close()


def test_nobody_could_have_asked_before(tmp_path: Path, store_url: str) -> None:
    """Looks before the first word of a lead are no rows, and no scores; whatever came first is the first word."""
    store = EventStore(store_url)
    store.migrate()
    told(
        store,
        identify("backdated", 10, createdAt=day(0)),
        login("buffered", 0, 2),
        login("buffered", 1, 2.5),
        login("prompt", 0, 0),
        login("prompt", 12, 12),
        identify("reported", 0, createdAt=day(0)),
    )
    paid = START + 5 * DAY_US
    store.add_outcomes([Outcome("o", "payer", paid, paid + DAY_US)])
    store.close()
    ws = parse_workspace(LIVE, tmp_path)
    leads = read_tables(ws).leads
    assert leads.ids == ["backdated", "buffered", "payer", "prompt", "reported"]
    assert leads.heard_at is not None
    assert ((leads.heard_at - START) / DAY_US).tolist() == [10, 2, 6, 0, 0]
    ages = np.tile(fixed_ages([1, 7, 12]), (5, 1))
    rows, dropped = rows_at(leads, ages, RULE, now=START + 40 * DAY_US)
    assert list(zip(rows.lead.tolist(), rows.look.tolist(), strict=True)) == [
        (0, 2), (1, 1), (1, 2), (3, 0), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2),
    ]  # fmt: skip
    assert dropped == {"not_heard": 3, "converted": 3}
    assert rows.weight.tolist() == pytest.approx([1, 1 / 2, 1 / 2, *[1 / 3] * 6])
    for age, expected, late in ((1, ["prompt", "reported"], 2), (7, ["buffered", "prompt", "reported"], 1)):
        found = find_population(ws, Asked(age_days=age))
        assert (found.ids, found.left_out["not_started"]) == (expected, late)
    assert find_population(ws, Asked(as_of=day(1.5))).ids == ["prompt", "reported"]


def test_what_only_the_store_has_is_read_though_no_workspace_names_it(tmp_path: Path, store_url: str) -> None:
    store = EventStore(store_url)
    store.migrate()
    told(store, login("a", 0, 2) | {"count": 3})
    store.close()
    events = read_tables(parse_workspace(LIVE, tmp_path)).events
    assert (events.at.tolist(), events.known.tolist(), events.count.tolist()) == ([START], [START + 2 * DAY_US], [3])


def test_what_files_say_is_known_from_the_start_on(tmp_path: Path, store_url: str) -> None:
    store = EventStore(store_url)
    store.migrate()
    told(store, login("a", 5, 5), login("b", 5, 6))
    store.close()
    (tmp_path / "leads.csv").write_text(f"lead_id,at,ended_at\na,{day(0)},\n")
    leads = read_tables(parse_workspace(BESIDE, tmp_path)).leads
    assert leads.heard_at is not None
    assert (leads.ids, (leads.heard_at - START).tolist()) == (["a", "b"], [0, 6 * DAY_US])
    files = BESIDE.replace("[leads.csv, store]", "leads.csv").replace("  events: {source: store}", "")
    assert read_tables(parse_workspace(files, tmp_path)).leads.heard_at is None


ENDS = (
    identify("told twice", 5, ended_at=day(5)),
    identify("told twice", 8, ended_at=day(20)),
    identify("told late", 9, ended_at=day(3)),
    identify("taken back", 4, ended_at=day(6)),
    identify("taken back", 5, ended_at=day(29)),
    identify("taken back", 6, ended_at=day(29)),
)
INSTANTS = (2, 4, 5, 6, 7, 8, 9, 10, 19, 20, 28, 29, 30)


def test_an_end_is_seen_as_it_was_told_by_then(tmp_path: Path, store_url: str) -> None:
    store = EventStore(store_url)
    store.migrate()
    names = sorted({call["userId"] for call in ENDS})
    told(store, *(login(name, 0, 0) for name in [*names, "open"]), *(dict(call) for call in ENDS))
    for trial in ("", "trial: {days: none, inactive_days: 14}\n"):
        ws = parse_workspace(LIVE + trial, tmp_path)
        leads, view = close_inactive(ws, read_tables(ws)).leads, View(ws, ws.definition())
        known, many = store.leads(leads.ids), np.array([START + one * DAY_US for one in INSTANTS])
        ended = leads.had_ended(np.tile(many, (len(leads), 1)))
        for place, one in enumerate(leads.ids):
            live = [view.standing(known[one], at) for at in many.tolist()]
            assert [standing.ended for standing in live if standing] == ended[place].tolist(), one
            assert leads.had_ended(many, np.full(len(many), place)).tolist() == ended[place].tolist()
        if not trial:
            days = np.array(INSTANTS)
            closed = {one: days[ended[place]].tolist() for place, one in enumerate(leads.ids)}
            assert closed["told twice"] == [5, 6, 7, 20, 28, 29, 30]
            assert closed["told late"] == [9, 10, 19, 20, 28, 29, 30]
            assert (closed["taken back"], closed["open"]) == ([29, 30], [])
            assert len(leads.closes_told) == 2  # what is said again is not told anew
    rows, dropped = rows_at(leads, np.tile(fixed_ages([2, 6, 10]), (4, 1)), RULE, now=START + 40 * DAY_US)
    assert (len(rows), dropped) == (10, {"ended": 2})
    store.close()


def test_an_end_that_files_state_goes_before_what_was_told(tmp_path: Path, store_url: str) -> None:
    store = EventStore(store_url)
    store.migrate()
    told(store, *(dict(call) for call in ENDS), login("told late", 0, 0))
    store.close()
    (tmp_path / "leads.csv").write_text(
        f"lead_id,at,ended_at\ntold twice,{day(0)},{day(7)}\ntold late,{day(0)},\nnew,{day(0)},{day(4)}\n"
    )
    leads = read_tables(parse_workspace(BESIDE, tmp_path)).leads
    ended = leads.had_ended(np.tile([START + one * DAY_US for one in (4, 6, 7, 9)], (len(leads), 1)))
    assert dict(zip(leads.ids, ended.tolist(), strict=True)) == {
        "new": [True] * 4,
        "taken back": [False] * 4,
        "told late": [False] * 3 + [True],
        "told twice": [False, False, True, True],
    }
    kept = leads.take(np.array([one == "told late" for one in leads.ids]))
    assert kept.had_ended(np.array([START + 8 * DAY_US])).tolist() == [False]
    assert int(kept.ended_at[0]) < NEVER
