"""Live percentile: a stored lead's place among the live leads of today, beside the frozen one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from features.clock import HOUR_US, now_us
from features.store import EventStore
from features.workspace import Workspace
from models.live_place import FEWEST
from serving.live_percentile import OLDEST_SECONDS, LivePercentile
from tests import store_fixture
from tests.serving.client import TestClient
from tests.serving.test_ingest_routes import store_of
from tests.serving.test_scores import fill, posted, when
from tests.serving.watched import EAGER, NOW, Model, model, pay, tell, watcher

store_url = store_fixture.store_url


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url, wait_ms=20_000)
    store.migrate()
    yield store
    store.close()


@pytest.fixture(scope="session")
def live(models: dict[str, Path], workspace: Workspace) -> Model:
    return model(models["1"], workspace)


def looked(store: EventStore, live: Any) -> LivePercentile:
    found = LivePercentile(store, live)
    found.look()
    return found


def filled(found: LivePercentile, live: Model, probability: float | None, as_of: int | None = None) -> float | None:
    record: dict[str, Any] = {"probability": probability, "percentile_live": None}
    assert live.current is not None
    found.fill([record], live.current, now_us() if as_of is None else as_of)
    place: float | None = record["percentile_live"]
    return place


def test_the_watch_writes_where_live_leads_stand(store: EventStore, workspace: Workspace, live: Model) -> None:
    assert live.current is not None
    for name, did in (("quiet", []), ("eager", EAGER), ("payer", EAGER)):
        tell(store, name, did)
    watching = watcher(workspace, store, live)
    watching.look(live.current, ["quiet", "eager", "payer"])
    assert len(store.latest.of_model(live.current.ref.digest)) == 3
    pay(store, "payer", NOW)
    watching.look(live.current, ["payer"])
    assert len(store.latest.of_model(live.current.ref.digest)) == 2


def test_a_place_is_the_share_of_live_leads_below(store: EventStore, live: Model) -> None:
    assert live.current is not None
    names = [f"l{i}" for i in range(FEWEST)]
    store.add_leads([(name, 1) for name in names], [], [])
    store.latest.write(live.current.ref.digest, 1, {name: (i + 1) / 100 for i, name in enumerate(names[1:])})
    assert filled(looked(store, live), live, 0.1) is None  # one too few
    store.latest.write(live.current.ref.digest, 1, {names[0]: 0.9})
    found = looked(store, live)
    assert [filled(found, live, p) for p in (0.0, 0.105, 0.5, 1.0)] == [0.0, 50.0, 95.0, 100.0]
    assert filled(found, live, 0.9) == 97.5  # itself counts half
    assert filled(found, live, None) is None


def test_what_is_not_of_now_has_no_place(store: EventStore, live: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    assert live.current is not None
    names = [f"l{i}" for i in range(FEWEST)]
    store.add_leads([(name, 1) for name in names], [], [])
    store.latest.write(live.current.ref.digest, 1, dict.fromkeys(names, 0.5))
    found = looked(store, live)
    assert filled(found, live, 0.6) == 100.0
    assert filled(found, live, 0.6, now_us() - HOUR_US - 1_000_000) is None
    other = Model(replace(live.current, ref=replace(live.current.ref, digest="other")))
    assert filled(found, other, 0.6) is None
    assert filled(LivePercentile(store, live), live, 0.6) is None  # nothing was read yet
    later = time.monotonic() + OLDEST_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert filled(found, live, 0.6) is None


def test_both_are_in_every_answer_about_a_stored_lead(client: TestClient) -> None:
    fill(client)
    services = client.app.state.services
    digest = services.live.current.ref.digest
    assert client.get("/v1/leads/a/score").json()["percentile_live"] is None
    names = [f"l{i}" for i in range(FEWEST)]
    store_of(client).add_leads([(name, 1) for name in names], [], [])
    store_of(client).latest.write(digest, 1, dict.fromkeys(names[:10], 0.0) | dict.fromkeys(names[10:], 1.0))
    services.live_percentile.look()
    one = client.get("/v1/leads/a/score").json()
    many = client.post("/v1/leads/scores", json={"lead_ids": ["a"]}).json()["scores"][0]
    listed = client.get("/v1/leads").json()["items"][0]
    assert all(40.0 <= score["percentile_live"] <= 60.0 for score in (one, many, listed))
    assert all(0.0 <= score["percentile"] <= 100.0 for score in (one, many, listed))
    assert client.get("/v1/leads/a/score", params={"as_of": when(4)}).json()["percentile_live"] is None
    body = {"leads": [posted()], "as_of": when(4)}
    assert client.post("/v1/score", json=body).json()["scores"][0]["percentile_live"] is None
