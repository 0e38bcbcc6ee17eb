"""A registry that is down, slow, broken or cuts files short: a server with a model scores on, one without says so.

That is check 10 and check 11.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.workspace import Workspace, parse_workspace
from models import artifact
from serving.app import create_app
from serving.settings import Settings
from tests.faults.registry_server import MOODS, Tracking, tracking_server
from tests.serving.client import TestClient
from tests.serving.conftest import WORKSPACE, make_scorer, wait_for
from tests.serving.test_scores import posted, when

ASKED = {"leads": [posted("a")], "as_of": when(5)}


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return parse_workspace(WORKSPACE, ".")


@pytest.fixture(scope="module")
def models(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    for version in "12":
        artifact.save(make_scorer(workspace, int(version)), folder / version)
    return {version: folder / version for version in "12"}


@pytest.fixture
def tracking(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracking]:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with tracking_server(models) as (server, address):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        yield server


def served(workspace: Workspace, home: Path) -> TestClient:
    settings = Settings(home, f"sqlite:///{home / 'store.db'}", key_secret="x", open_to_all=True, poll_seconds=0.05)
    return TestClient(create_app(workspace, settings), base_url="http://127.0.0.1")


def probability(client: TestClient) -> float:
    answer = client.post("/v1/score", json=ASKED)
    assert answer.status_code == 200, answer.text
    return float(answer.json()["scores"][0]["probability"])


def codes(client: TestClient) -> set[str]:
    return {one["code"] for one in client.post("/v1/score", json=ASKED).json()["scores"][0]["warnings"]}


def ready(client: TestClient) -> bool:
    return bool(client.get("/readyz").status_code == 200)


@pytest.mark.parametrize("mood", [mood if mood == "cut" else pytest.param(mood, marks=pytest.mark.slow) for mood in MOODS])
def test_a_model_serves_on_whatever_the_registry_does(
    workspace: Workspace, tracking: Tracking, tmp_path: Path, mood: str
) -> None:
    with served(workspace, tmp_path) as client:
        wait_for(lambda: ready(client))
        first = probability(client)
        assert "model_stale" not in codes(client)
        tracking.mood, tracking.version = mood, "2"
        wait_for(lambda: client.get("/v1/model").json()["stale"])
        for _ in range(20):
            assert probability(client) == first
        assert "model_stale" in codes(client)
        assert ready(client)
        assert client.get("/readyz").json()["checks"]["registry"] == "unavailable"
        tracking.mood = "well"
        tracking.patience.set()
        live = client.app.state.services.live  # type: ignore[attr-defined]
        wait_for(lambda: live.poll() and live.current.ref.version == "2")
        assert not client.get("/v1/model").json()["stale"]
        assert probability(client) != first


@pytest.mark.parametrize("mood", ["down", pytest.param("slow", marks=pytest.mark.slow)])
def test_a_server_starts_without_its_registry(workspace: Workspace, tracking: Tracking, tmp_path: Path, mood: str) -> None:
    tracking.mood = mood
    with served(workspace, tmp_path) as client:
        wait_for(lambda: client.get("/v1/model").json()["stale"])
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503
        answer = client.post("/v1/score", json=ASKED)
        assert (answer.status_code, answer.json()["code"]) == (503, "no_model")
    tracking.mood = "well"
    with served(workspace, tmp_path) as client:
        wait_for(lambda: ready(client))
        first = probability(client)
    tracking.mood = mood
    with served(workspace, tmp_path) as client:
        assert ready(client)  # at once, from what is kept
        wait_for(lambda: client.get("/v1/model").json()["stale"])
        assert probability(client) == first
        assert "model_stale" in codes(client)


@pytest.mark.slow
def test_a_slow_registry_is_waited_for_by_nobody_who_asks_for_a_score(
    workspace: Workspace, tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    with served(workspace, tmp_path) as client:
        wait_for(lambda: ready(client))
        tracking.mood, asked = "slow", tracking.asked
        wait_for(lambda: tracking.asked > asked)
        failed: list[Any] = []

        def ask() -> None:
            for _ in range(20):
                answer = client.post("/v1/score", json=ASKED)
                if answer.status_code != 200:
                    failed.append(answer.text)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        assert not tracking.patience.is_set()
        assert tracking.asked <= asked + 2  # one for the champion, one for the challenger: they wait, and no one asks again
        tracking.patience.set()
