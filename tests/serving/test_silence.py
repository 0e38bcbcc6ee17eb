"""Silence: a behaviour that stops is named in answers and metrics; one that merely is rare here, or allowed, is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from features.clock import DAY_US, now_us
from features.store import EventStore
from features.storing.rows import Message
from features.workspace import Workspace
from models.phrasing import Phrasing
from serving import silence
from serving.metrics import Metrics
from serving.proving import Loaded, prove
from serving.silence import LEAST_DAYS, Counts, Quiet, Silence, judge
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry

TODAY = 20_500
NOW = TODAY * DAY_US + DAY_US // 2
LEADS = [(day, None, 40) for day in range(TODAY - 40, TODAY + 1)]
"""Forty leads a day, and each is looked at for seven days: 1,960 lead-days in a week."""


@pytest.fixture(scope="module")
def loaded(workspace: Workspace, models: dict[str, Any]) -> Loaded:
    registry = FakeRegistry(models)
    registry.version = "1"
    ref = registry.champion("acme")
    assert ref is not None
    found = prove(ref, models["1"], workspace)
    volumes = {"session": 1.5, "core_use": 0.5, "sales": 0.001}
    return replace(found, scorer=replace(found.scorer, reference=replace(found.scorer.reference, volumes=volumes)))


def days(**names: tuple[int, int]) -> dict[tuple[str, int], tuple[int, int]]:
    """Return so many events of each name a day: in the last seven days, and in the three weeks before."""
    found = {}
    for name, (recent, before) in names.items():
        for age in range(28):
            number = recent if age < 7 else before
            if number:
                found[name.replace("_", "."), TODAY - age] = (number, number)
    return found


USUAL = {"login": (400, 400), "feature_a": (120, 120)}


def judged(loaded: Loaded, *, allowed: frozenset[str] = frozenset(), **names: tuple[int, int]) -> Quiet:
    return judge(loaded, days(**{**USUAL, **names}), LEADS, NOW, set(allowed))


def test_nothing_is_said_while_all_comes_in(loaded: Loaded) -> None:
    assert judged(loaded) == Quiet()


def test_a_behaviour_that_stopped_is_named(loaded: Loaded) -> None:
    assert judged(loaded, feature_a=(0, 120)) == Quiet(("core_use",))
    assert judged(loaded, feature_a=(5, 120)) == Quiet(("core_use",))
    assert judged(loaded, feature_a=(40, 120)) == Quiet()
    assert judged(loaded, login=(0, 400)).behaviours == ("session",)


def test_a_behaviour_that_never_came_here_is_named_too(loaded: Loaded) -> None:
    assert judged(loaded, feature_a=(0, 0)) == Quiet(("core_use",))


def test_what_is_as_rare_as_it_always_was_here_is_not(loaded: Loaded) -> None:
    """Visitors count as leads here and did not in training: less than was learnt, but no less than before."""
    assert judged(loaded, feature_a=(2, 2)) == Quiet()


def test_what_is_allowed_to_be_silent_is_not_named(loaded: Loaded) -> None:
    assert judged(loaded, allowed=frozenset({"core_use"}), feature_a=(0, 120)) == Quiet()


def test_a_new_name_of_some_volume_is_named(loaded: Loaded) -> None:
    assert judged(loaded, use_v2=(60, 0)) == Quiet((), ("use.v2",))
    assert judged(loaded, allowed=frozenset({"use.v2"}), use_v2=(60, 0)) == Quiet()
    assert judged(loaded, use_v2=(60, 60)) == Quiet()
    assert judged(loaded, use_v2=(2, 0)) == Quiet()


def test_two_weeks_are_needed_to_say_anything(loaded: Loaded) -> None:
    found = {key: value for key, value in days(login=(400, 400)).items() if key[1] > TODAY - LEAST_DAYS}
    assert judge(loaded, found, LEADS, NOW, set()) == Quiet()
    assert judge(loaded, {}, LEADS, NOW, set()) == Quiet()


def test_fewer_leads_are_no_silence(loaded: Loaded) -> None:
    fewer = [(day, paid, 1) for day, paid, _ in LEADS]
    assert judge(loaded, days(**{**USUAL, "feature_a": (0, 120)}), fewer, NOW, set()) == Quiet()


def message(number: int, name: str, at: int, count: int = 1) -> Message:
    return Message(f"m{number}", "track", f"lead{number % 50}", name, at, at, f"d{number}", count=count)


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def test_every_event_is_counted_once_however_it_is_read(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "BLOCK", 7)
    counts, stop = Counts(store), threading.Event()
    counts.update(NOW, stop)
    assert counts.days == {}
    store.add([message(i, "login", NOW - i * DAY_US, 2) for i in range(40)])  # the last eleven are too old
    for _ in range(2):
        counts.update(NOW, stop)
    assert sum(rows for rows, _ in counts.days.values()) == 28 + 1
    late = Counts(store)
    late.update(NOW, stop)
    assert late.days == counts.days
    store.add([message(100 + i, "login", NOW) for i in range(20)])
    for _ in range(3):
        for one in (counts, late):
            one.update(NOW, stop)
    assert late.days == counts.days
    assert counts.days["login", TODAY] == (21, 22)
    counts.update(NOW + 40 * DAY_US, stop)
    assert counts.days == {}


def test_what_is_found_stands_in_answers_and_metrics(client: TestClient, workspace: Workspace) -> None:
    services = client.app.state.services
    now = now_us()
    whens = [(lead, age, now - age * DAY_US) for lead in range(60) for age in range(28)]
    services.store.add([Message(f"{lead}-{age}", "track", f"l{lead}-{age}", "opened", at, at, "d") for lead, age, at in whens])
    watch: Silence = services.silence
    services.silence.stop()
    watch.look(now_us())  # its thread may have looked before the events came; what is newest now counts from the next look on
    found = watch.look(now_us())
    assert found.behaviours == ("session",)
    answer = client.get("/v1/leads/l1-0/score").json()
    assert {"code": "behaviour_silent", "detail": "The behaviour session has (almost) stopped coming in"} in answer["warnings"]
    turkish = client.get("/v1/leads/l1-0/score", params={"lang": "tr"}).json()["warnings"]
    assert Phrasing("tr").warning("behaviour_silent", names="session") in [one["detail"] for one in turkish]
    assert Quiet(("session",), ("new",)).warnings() == (
        ("behaviour_silent", "behaviour_silent", "session"), ("behaviour_silent", "name_unmapped", "new"),
    )  # fmt: skip
    assert 'trialwise_behaviour_silent{behaviour="session"} 1.0' in client.get("/metrics").text
    watch._workspace = workspace.model_copy(update={"allow": ("session",)})
    assert watch.look(now_us()).behaviours == ()
    assert 'trialwise_behaviour_silent{behaviour="session"} 0.0' in client.get("/metrics").text


def test_without_a_model_nothing_is_silent(workspace: Workspace, store: EventStore) -> None:
    class NoModel:
        current = None

    assert Silence(workspace, store, NoModel(), Metrics()).look(NOW) == Quiet()
