"""The challenger in the shadow: it says what it would have said as the champion, and nobody who asks for a score can tell."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from features.workspace import Workspace, parse_workspace
from models import artifact
from serving import shadow as module
from serving.kept_models import KeptModels
from serving.live import LiveModel
from serving.metrics import Metrics
from serving.proving import Loaded
from serving.services import Services
from serving.shadow import MOST_OF_ONE, MOST_WAITING, Record, Shadow
from serving.shadow_metrics import ShadowMetrics
from tests.serving.client import TestClient
from tests.serving.conftest import WORKSPACE, FakeRegistry, make_scorer, wait_for
from tests.serving.test_scores import fill, posted, when


@pytest.fixture(scope="session")
def elsewhere(folder: Path) -> Path:
    """A model of another definition: its sessions end sooner, and it knows other things."""
    other = parse_workspace(WORKSPACE + "sessions: {gap_minutes: 10}\n", ".")
    artifact.save(make_scorer(other, 3), folder / "model-elsewhere")
    return folder / "model-elsewhere"


@pytest.fixture
def registry(models: dict[str, Path], elsewhere: Path) -> FakeRegistry:
    registry = FakeRegistry(models | {"3": elsewhere})
    registry.version = "1"
    return registry


def services(client: TestClient) -> Services:
    found: Services = client.app.state.services  # type: ignore[attr-defined]
    return found


def told(client: TestClient) -> dict[str, Any]:
    return client.get("/v1/model").json()["shadow"] or {}


def challenge(client: TestClient, registry: FakeRegistry, version: str) -> None:
    registry.rival = version
    wait_for(lambda: told(client).get("version") == version)


def ask(client: TestClient) -> list[dict[str, Any]]:
    """Ask for scores by every door, each as of a time that is past."""
    scores: list[dict[str, Any]] = []
    for day in (1, 3, 5):
        scores.append(client.get("/v1/leads/a/score", params={"as_of": when(day)}).json())
        scores += client.post("/v1/leads/scores", json={"lead_ids": ["a", "b"], "as_of": when(day)}).json()["scores"]
        scores += client.post("/v1/score", json={"leads": [posted("c"), posted("d", 5)], "as_of": when(day)}).json()["scores"]
    return scores


def mean(scores: list[dict[str, Any]]) -> float:
    return float(sum(score["probability"] for score in scores) / len(scores))


@pytest.mark.parametrize("version", ["2", "3"])
def test_the_shadow_says_what_the_challenger_then_says_as_champion(
    client: TestClient, registry: FakeRegistry, version: str
) -> None:
    fill(client, "a")
    fill(client, "b", 7)
    assert told(client) == {}
    before = ask(client)
    challenge(client, registry, version)
    scores = ask(client)
    assert [one["probability"] for one in scores] == [one["probability"] for one in before]
    wait_for(lambda: told(client)["scored"] == len(scores))
    found = told(client)
    assert found["digest"] == artifact.folder_digest(registry.models[version])
    assert (found["dropped"], found["failed"], found["problem"]) == (0, 0, None)
    registry.rival, registry.version = None, version
    wait_for(lambda: client.get("/v1/model").json()["version"] == version)
    after = ask(client)
    assert found["champion_mean"] == pytest.approx(mean(scores), abs=1e-12)
    assert found["challenger_mean"] == pytest.approx(mean(after), abs=1e-12)
    assert found["mean_shift"] == pytest.approx(mean(after) - mean(scores), abs=1e-12)
    apart = [abs(one["probability"] - other["probability"]) for one, other in zip(scores, after, strict=True)]
    assert found["mean_absolute_shift"] == pytest.approx(sum(apart) / len(apart), abs=1e-12)
    assert found["grade_changes"] == sum(one["grade"] != other["grade"] for one, other in zip(scores, after, strict=True))
    wait_for(lambda: told(client) == {})


def test_a_vector_of_features_is_compared_within_one_definition_only(client: TestClient, registry: FakeRegistry) -> None:
    body = {"dataframe_records": [{"trial_age_d": 2.0, "core_use_count_7d": uses} for uses in range(8)]}
    vector = {"leads": [{"lead_id": "v", "features": {"trial_age_d": 2.0, "core_use_count_7d": 4}}]}
    for version, scored, failed in (("2", 9, 0), ("3", 0, 9)):
        challenge(client, registry, version)
        assert client.post("/invocations", json=body).status_code == 200
        assert len(client.post("/v1/score", json=vector).json()["scores"]) == 1
        wait_for(lambda: told(client)["scored"] + told(client)["failed"] == 9)
        assert (told(client)["scored"], told(client)["failed"]) == (scored, failed)


def test_metrics_say_the_same(client: TestClient, registry: FakeRegistry) -> None:
    challenge(client, registry, "2")
    scores = client.post("/v1/score", json={"leads": [posted("c"), posted("d")]}).json()["scores"]
    wait_for(lambda: told(client)["scored"] == 2)
    text = client.get("/metrics").text
    assert 'trialwise_shadow_leads_total{outcome="scored",version="2"} 2.0' in text
    assert 'trialwise_shadow_info{version="2"} 1.0' in text
    assert f'trialwise_shadow_champion_probability_ratio_sum{{version="2"}} {mean(scores) * 2}' in text
    registry.rival = None
    wait_for(lambda: told(client) == {})
    assert 'trialwise_shadow_info{version="2"} 0.0' in client.get("/metrics").text


def test_a_challenger_that_does_not_prove_itself_is_told_and_harms_nobody(
    client: TestClient, registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.models |= {"bad": tmp_path / "bad"}
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text("{}")
    registry.rival = "bad"
    wait_for(lambda: told(client).get("problem"))
    assert (told(client)["version"], told(client)["scored"]) == (None, 0)
    assert client.get("/readyz").status_code == 200
    assert len(client.post("/v1/score", json={"leads": [posted("c")]}).json()["scores"]) == 1
    registry.rival = None
    wait_for(lambda: told(client) == {})


class Hands:
    """A shadow without its thread."""

    def __init__(self, workspace: Workspace, home: Path, registry: FakeRegistry) -> None:
        models = KeptModels(workspace, home, registry)
        self.live = LiveModel("acme", models, Metrics())
        self.live.poll()
        self.shadow = Shadow("acme", models, self.live, ShadowMetrics(CollectorRegistry()))
        assert self.live.current is not None
        self.champion: Loaded = self.live.current

    def note(self, count: int) -> None:
        self.shadow.note(self.champion, [record(0.2)] * count, lambda _loaded, _place: record(0.3))


def record(probability: float | None, grade: str = "B") -> Record:
    return {"probability": probability, "grade": grade}


@pytest.fixture
def hands(workspace: Workspace, tmp_path: Path, registry: FakeRegistry) -> Hands:
    registry.rival = "2"
    return Hands(workspace, tmp_path, registry)


def test_what_does_not_fit_is_dropped_and_counted(hands: Hands) -> None:
    hands.note(5)
    assert hands.shadow.told() is None
    assert hands.shadow.poll()
    hands.note(MOST_OF_ONE + 30)
    assert hands.shadow._figures.dropped == 30
    for _ in range(MOST_WAITING):
        hands.note(1)
    assert len(hands.shadow._waiting) == MOST_WAITING
    assert hands.shadow._figures.dropped == 30 + MOST_OF_ONE
    hands.shadow._ask_at = float("inf")
    while hands.shadow._waiting:
        hands.shadow.step()
    found = hands.shadow.told() or {}
    assert (found["scored"], found["dropped"]) == (MOST_WAITING, 30 + MOST_OF_ONE)
    assert found["mean_shift"] == pytest.approx(0.1)


def test_who_pays_already_is_nobodys_case(hands: Hands) -> None:
    hands.shadow.poll()
    hands.shadow.note(hands.champion, [record(None)], lambda *_: record(0.3))
    assert not hands.shadow._waiting
    assert hands.shadow._figures.dropped == 0


def test_a_challenger_that_throws_ends_nothing(hands: Hands, caplog: pytest.LogCaptureFixture) -> None:
    hands.shadow.poll()

    def throws(*_: object) -> Record:
        raise ZeroDivisionError("lead secret@acme.example")

    for _ in range(3):
        hands.shadow.note(hands.champion, [record(0.2)], throws)
        hands.shadow.step()
    assert hands.shadow._figures.failed == 3
    assert len([line for line in caplog.messages if "cannot score" in line]) == 1
    assert "secret" not in caplog.text


def test_another_champion_begins_another_comparison(hands: Hands, registry: FakeRegistry) -> None:
    hands.shadow.poll()
    hands.shadow._ask_at = float("inf")
    hands.note(1)
    hands.shadow.step()
    assert (hands.shadow.told() or {})["scored"] == 1
    registry.version = "3"
    hands.live.poll()
    assert hands.live.current is not None
    hands.champion = hands.live.current
    hands.note(1)
    hands.shadow.step()
    assert (hands.shadow.told() or {})["scored"] == 1
    registry.version = "2"  # the challenger itself is promoted
    hands.live.poll()
    hands.champion = hands.live.current
    hands.note(3)
    assert not hands.shadow._waiting
    assert hands.shadow.poll()
    assert hands.shadow.told() is None


def test_trouble_is_asked_about_more_and_more_seldom(
    hands: Hands, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    registry.is_down = True
    asked = []
    for _ in range(400):
        before = hands.shadow._ask_at
        hands.shadow.step()
        if hands.shadow._ask_at != before:
            asked.append(hands.shadow._ask_at - now)
        now += 1.0
    assert asked[:3] == [30.0, 60.0, 60.0]
    assert set(asked[2:]) == {60.0}
    assert hands.shadow.problem is not None
    registry.is_down = False
    now += 60
    hands.shadow.step()
    assert hands.shadow.problem is None


def test_a_challenger_that_takes_for_ever_keeps_nobody_waiting(
    client: TestClient, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenge(client, registry, "2")
    hangs = threading.Event()
    monkeypatch.setattr(services(client).shadow, "_compare", lambda *_: hangs.wait(60))
    for _ in range(8):
        assert client.post("/v1/score", json={"leads": [posted("c")] * 50}).status_code == 200
    wait_for(lambda: told(client)["dropped"] > 0)
    assert client.get("/readyz").status_code == 200
    hangs.set()
