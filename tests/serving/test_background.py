"""What runs behind the answers: the watch unless it is turned off, deliveries where there is somebody to tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from features.errors import InputError
from features.store import EventStore
from features.workspace import Workspace
from serving.background import check_background, parts_of
from serving.webhook_metrics import WebhookMetrics
from tests.serving.receiver import SECRET
from tests.serving.test_guarded_connect import workspace as with_hook
from tests.serving.watched import Model


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    yield store
    store.close()


def names(workspace: Workspace, store: EventStore) -> list[str]:
    found = parts_of(workspace, store, Model(None), WebhookMetrics(CollectorRegistry()), bool)
    return [type(one).__name__ for one in found]


def test_what_runs(store: EventStore, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    hooked = with_hook("https://crm.example/hook")
    assert names(workspace, store) == ["Watcher"]
    assert names(hooked, store) == ["Watcher", "Deliverer"]
    assert [one.name for one in store.outbox.states()] == ["crm"]
    monkeypatch.setenv("TRIALWISE_WATCH", "off")
    assert names(workspace, store) == []
    assert names(hooked, store) == ["Deliverer"]


@pytest.mark.parametrize(("url", "secret"), [("http://crm.example/", SECRET), ("https://crm.example/", "hunter2")])
def test_a_server_does_not_start_with_webhooks_that_cannot_work(url: str, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIALWISE_ENV", raising=False)
    with pytest.raises(InputError, match="webhook 'crm' cannot be used"):
        check_background(with_hook(url, secret))


def test_nor_with_a_watch_that_is_neither_on_nor_off(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_WATCH", "perhaps")
    with pytest.raises(InputError, match="given perhaps; expected on or off"):
        check_background(workspace)
