"""The watch: every change once, whoever stored what caused it and however many watch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from features.clock import DAY_US
from features.store import EventStore
from features.storing.lead_states import LeadState
from features.storing.outbox import Result
from features.workspace import Workspace
from models.stages import StageRules
from serving import watch
from serving.guarded_connect import Trust
from serving.proving import Loaded
from serving.watch import Watcher
from serving.webhook_endpoints import Endpoint, endpoints_of
from tests import store_fixture
from tests.serving.receiver import SECRET
from tests.serving.watched import EAGER, LIKELY, NOW, Model, changes, model, pay, staged, tell, told, watcher

store_url = store_fixture.made_store_url

SECOND = 1_000_000


class Clock:
    """The server's clock, set by hand."""

    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watch, "now_us", clock)
    return clock


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url, wait_ms=20_000)
    store.migrate()
    yield store
    store.close()


@pytest.fixture(scope="session")
def live(models: dict[str, Path], workspace: Workspace) -> Model:
    return model(models["1"], workspace)


@pytest.fixture(scope="session")
def endpoints(workspace: Workspace) -> tuple[Endpoint, ...]:
    text = {
        "crm": {"url": "https://crm.example/hook", "secret": SECRET, "on": ("stage",)},
        "all": {"url": "https://all.example/hook", "secret": SECRET, "on": ("stage", "grade", "handed_over")},
    }
    hooks = Workspace.model_validate({"name": "a", "data": {"events": {"source": "e.csv"}}, "webhooks": text})
    return endpoints_of(hooks, Trust())


def test_what_was_so_before_is_no_change(store: EventStore, workspace: Workspace, live: Model, clock: Clock) -> None:
    tell(store, "old", EAGER, at=NOW - DAY_US)
    one = watcher(workspace, store, live)
    one.step()
    assert store.states.of(["old"])["old"].stage == "pql"
    assert changes(store) == []


def test_a_newcomer_begins_as_a_lead_without_a_grade(
    store: EventStore, workspace: Workspace, live: Model, clock: Clock, endpoints: tuple[Endpoint, ...]
) -> None:
    store.outbox.know({endpoint.name: endpoint.address for endpoint in endpoints})
    one = watcher(workspace, store, live, endpoints)
    one.step()
    clock.now += SECOND
    tell(store, "new", EAGER, at=clock.now)
    tell(store, "idle", at=clock.now)
    one.step()
    idle, new = sorted(changes(store), key=lambda change: change.lead_id)
    assert (new.from_stage, new.to_stage, new.from_grade, new.at) == ("lead", "pql", None, clock.now)
    assert (idle.from_stage, idle.to_stage, idle.from_grade) == ("lead", "lead", None)
    assert idle.to_grade in "ABCD"
    evidence = json.loads(new.evidence)
    rule = evidence["rule"]
    assert rule["used"] == {"core_use": 8, "session": 3}
    assert {name: rule[name] for name in ("by", "from", "at_least")} == {
        "by": "probability", "from": "stages.pql_probability", "at_least": LIKELY,
    }  # fmt: skip
    assert rule["probability"] == new.probability
    assert len(evidence["reasons"]) == 3
    assert new.probability is not None
    assert new.probability >= LIKELY
    assert sorted(told(store)) == [
        ("idle", "all", "lead.grade_changed"), ("new", "all", "lead.grade_changed"), ("new", "all", "lead.stage_changed"),
        ("new", "crm", "lead.stage_changed"),
    ]  # fmt: skip
    one.step()
    assert len(changes(store)) == 2


def test_who_changed_before_being_looked_at_first_is_compared_with_then(
    store: EventStore, workspace: Workspace, live: Model, clock: Clock
) -> None:
    tell(store, "old", at=NOW - DAY_US)
    one = watcher(workspace, store, Model(None))
    one.step()
    clock.now += SECOND
    tell(store, "old", EAGER, at=clock.now)
    one._live = live
    one.step()
    (change,) = changes(store)
    assert (change.from_stage, change.to_stage) == ("lead", "pql")
    assert change.from_grade is not None


def test_a_stage_is_lost_only_below_the_lower_threshold(
    store: EventStore, workspace: Workspace, live: Model, clock: Clock
) -> None:
    one = watcher(workspace, store, live)
    one.step()
    clock.now += SECOND
    tell(store, "a", EAGER, at=clock.now)
    one.step()
    (became,) = changes(store)
    probability = became.probability
    assert probability is not None
    assert live.current is not None
    stages = {}
    for times in (1.05, 1.2):
        ruled = staged(workspace, pql_probability=min(0.99, probability * times))
        one.look(replace(live.current, stages=StageRules.of(ruled, live.current.scorer)), ["a"])
        stages[times] = store.states.of(["a"])["a"].stage
    assert stages == {1.05: "pql", 1.2: "lead"}
    left = json.loads(changes(store)[-1].evidence)["rule"]["left"]
    assert left["stage"] == "pql"
    assert left["probability"] < left["below"]


def test_a_change_counts_once_it_has_lasted(store: EventStore, workspace: Workspace, live: Model, clock: Clock) -> None:
    one = watcher(workspace, store, live, debounce=60)
    one.step()
    clock.now += SECOND
    tell(store, "new", EAGER, at=clock.now)
    one.step()
    assert (store.states.of(["new"])["new"].next_stage, changes(store)) == ("pql", [])
    clock.now += 59 * SECOND
    one.step()
    assert changes(store) == []
    clock.now += SECOND
    one.step()
    assert [(change.to_stage, change.at) for change in changes(store)] == [("pql", clock.now)]
    assert store.states.due(clock.now + DAY_US, 9) == []


def moves(store: EventStore) -> list[tuple[str, str]]:
    """Return who came to which stage; a grade may change by itself, since scores know the hour of the day."""
    return [(one.lead_id, one.to_stage) for one in changes(store) if one.from_stage != one.to_stage]


def test_payment_merging_and_passing_time(store: EventStore, workspace: Workspace, live: Model, clock: Clock) -> None:
    one = watcher(workspace, store, live)
    one.step()
    clock.now += SECOND
    for lead_id in ("payer", "anonymous", "stays"):
        tell(store, lead_id, EAGER, at=clock.now)
    one.step()
    clock.now += SECOND
    pay(store, "payer", clock.now)
    store.add_links([("anonymous", "stays", clock.now, clock.now)])
    one.step()
    assert moves(store)[3:] == [("payer", "customer")]
    assert sorted(store.states.of(["payer", "anonymous", "stays"])) == ["payer", "stays"]
    clock.now += 20 * DAY_US
    one.step()
    assert moves(store)[4:] == [("stays", "expired")]
    assert json.loads(changes(store)[-1].evidence)["rule"] == {"by": "trial"}


def test_another_model_begins_the_pass_anew(
    store: EventStore, workspace: Workspace, live: Model, models: dict[str, Path], clock: Clock
) -> None:
    for number in range(30):
        tell(store, f"lead{number:02}", at=NOW - DAY_US)
    one = watcher(workspace, store, live)
    assert one.step() <= watch.POLL_SECONDS
    assert len(store.states.of([f"lead{number:02}" for number in range(30)])) == watch.BATCH
    one.step()
    assert len(store.states.of([f"lead{number:02}" for number in range(30)])) == 30
    assert one.step() == watch.POLL_SECONDS
    one._live = model(models["2"], workspace, "2")
    one.step()
    assert one._watched is not None
    assert one._watched.swept_by == one._live.current.ref.digest  # type: ignore[union-attr]
    assert one._watched.sweep_after == "lead24"


def test_one_watches_and_another_goes_on_when_it_is_gone(
    store: EventStore, store_url: str, workspace: Workspace, live: Model, clock: Clock
) -> None:
    other_store = EventStore(store_url)
    one, other = watcher(workspace, store, live), watcher(workspace, other_store, live)
    one.step()
    assert other.step() == watch.ASIDE_SECONDS
    clock.now += SECOND
    tell(store, "new", EAGER, at=clock.now)
    assert other.step() == watch.ASIDE_SECONDS
    assert changes(store) == []
    clock.now += watch.LEASE_US
    other.step()
    assert [change.to_stage for change in changes(store)] == ["pql"]
    clock.now += watch.LEASE_US
    one.step()
    one.step()
    assert len(changes(store)) == 1
    other_store.close()


def test_a_change_that_many_find_at_once_counts_once(
    store: EventStore, store_url: str, workspace: Workspace, live: Model, clock: Clock, endpoints: tuple[Endpoint, ...]
) -> None:
    ids = [f"lead{number}" for number in range(20)]
    for lead_id in ids:
        tell(store, lead_id, EAGER)
    stores = [EventStore(store_url, wait_ms=20_000) for _ in range(3)]
    watchers: list[Watcher] = [watcher(workspace, one, live, endpoints) for one in stores]
    loaded = live.current
    assert loaded is not None
    threads = [threading.Thread(target=one.look, args=(loaded, ids)) for one in watchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in stores:
        one.close()
    assert sorted(change.lead_id for change in changes(store)) == sorted(ids)
    assert len(told(store)) == 3 * len(ids)


def test_who_wants_no_more_is_told_no_more(
    store: EventStore, workspace: Workspace, live: Model, clock: Clock, endpoints: tuple[Endpoint, ...]
) -> None:
    store.outbox.know({endpoint.name: endpoint.address for endpoint in endpoints})
    store.outbox.note("all", Result(1, "410", gone=True))
    one = watcher(workspace, store, live, endpoints)
    one.step()
    tell(store, "new", EAGER, at=NOW + 1)
    clock.now += SECOND
    one.step()
    assert told(store) == [("new", "crm", "lead.stage_changed")]


def test_ignored_and_unknown_leads_have_no_state(store: EventStore, workspace: Workspace, live: Model, clock: Clock) -> None:
    one = watcher(workspace, store, live)
    tell(store, "ours", EAGER)
    one.look(live.current, ["ours", "nobody"])  # type: ignore[arg-type]
    assert sorted(store.states.of(["ours", "nobody"])) == ["ours"]


def test_what_another_clock_says_is_looked_at_when_it_is_known_here(
    store: EventStore, workspace: Workspace, live: Model, clock: Clock
) -> None:
    one = watcher(workspace, store, live)
    one.step()
    tell(store, "new", EAGER, at=clock.now + 2 * SECOND)
    clock.now += SECOND
    one.step()
    assert changes(store) == []
    clock.now += SECOND
    one.step()
    assert [change.to_stage for change in changes(store)] == ["pql"]


def test_one_lead_that_cannot_be_looked_at_stops_nobody(
    store: EventStore, workspace: Workspace, live: Model, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = watcher(workspace, store, live)
    one.step()
    clock.now += SECOND
    for lead_id in ("a", "bad", "c"):
        tell(store, lead_id, EAGER, at=clock.now)
    real = watch.settle

    def settle(state: LeadState, *seen: Any) -> LeadState:
        if state.lead_id == "bad":
            raise ValueError("personal")
        return real(state, *seen)

    monkeypatch.setattr(watch, "settle", settle)
    one.step()
    assert sorted(change.lead_id for change in changes(store)) == ["a", "c"]


def test_requests_come_first(
    store: EventStore, workspace: Workspace, live: Model, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LONGEST_WAY", 30.0)
    asked: list[bool] = []

    def busy() -> bool:
        asked.append(len(asked) < 5)
        return asked[-1]

    one = watcher(workspace, store, live)
    one._busy = busy
    tell(store, "a", at=NOW - DAY_US)
    one.step()
    assert asked[:6] == [True] * 5 + [False]


def test_while_requests_come_without_a_pause_only_a_few_are_looked_at_in_one_go(
    store: EventStore, workspace: Workspace, live: Model, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LONGEST_WAY", 0.02)
    one = watcher(workspace, store, live)
    one.step()
    clock.now += SECOND
    ids = [f"lead{number:02}" for number in range(2 * watch.FEW + 1)]
    for lead_id in ids:
        tell(store, lead_id, EAGER, at=clock.now)
    looked: list[int] = []
    look = one.look

    def noted(loaded: Loaded, some: Sequence[str]) -> int:
        looked.append(len(some))
        return look(loaded, some)

    monkeypatch.setattr(one, "look", noted)
    one._busy = lambda: True
    one.step()
    assert looked[:3] == [watch.FEW, watch.FEW, 1]
    assert sorted(change.lead_id for change in changes(store)) == ids


def test_what_was_not_looked_at_before_the_end_stays_new(
    store: EventStore, store_url: str, workspace: Workspace, live: Model, clock: Clock
) -> None:
    one = watcher(workspace, store, live)
    one.step()
    clock.now += SECOND
    ids = [f"lead{number:02}" for number in range(2 * watch.BATCH)]
    for lead_id in ids:
        tell(store, lead_id, EAGER, at=clock.now)
    one._stop.set()
    one.step()
    assert len(changes(store)) == watch.BATCH
    one.stop()
    other_store = EventStore(store_url)
    clock.now += watch.LEASE_US
    watcher(workspace, other_store, live).step()
    other_store.close()
    assert sorted(change.lead_id for change in changes(store)) == ids


def test_it_stops_and_leaves_its_turn(store: EventStore, store_url: str, workspace: Workspace, live: Model) -> None:
    one = watcher(workspace, store, live)
    one.step()
    one.stop()
    other_store = EventStore(store_url)
    try:
        assert watcher(workspace, other_store, live).step() <= watch.POLL_SECONDS
    finally:
        other_store.close()
