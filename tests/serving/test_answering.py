"""Answering: rows go in pieces, a single vector on the event loop, and every score leaves a line, a count and a case."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from models.phrasing import Phrasing
from serving import answering, posted_leads
from serving.feature_table import FeatureTable
from serving.services import Services
from tests.serving.client import TestClient

VECTOR = {"lead_id": "a", "features": {"trial_age_d": 2.0, "core_use_count_7d": 3.0}}
TOLD = {"lead_id": "b", "started_at": "2026-01-01", "events": [{"event": "login", "timestamp": "2026-01-02T00:00:00Z"}]}


@pytest.fixture
def threads(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Note for each piece of posted leads whether the event loop computed it."""
    found: list[bool] = []
    own = posted_leads.score_matrix

    def noted(*given: Any, **more: Any) -> Any:
        loop = threading.current_thread().name.startswith(("asyncio-portal", "MainThread"))
        found.append(loop or "AnyIO" not in threading.current_thread().name)
        return own(*given, **more)

    monkeypatch.setattr(posted_leads, "score_matrix", noted)
    return found


def post(client: TestClient, *leads: Any) -> list[Any]:
    scores: list[Any] = client.post("/v1/score", json={"leads": list(leads), "as_of": "2026-01-08T00:00:00Z"}).json()["scores"]
    return scores


def test_one_vector_is_scored_on_the_event_loop_and_all_else_in_threads(client: TestClient, threads: list[bool]) -> None:
    (alone,) = post(client, VECTOR)
    (told,) = post(client, TOLD)
    beside = post(client, VECTOR, TOLD)
    assert threads == [True, False, False]
    assert [one["probability"] for one in beside] == [alone["probability"], told["probability"]]


def test_a_model_that_takes_long_goes_to_the_threads(client: TestClient, threads: list[bool]) -> None:
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    services.gathered._usual = 1.0
    assert len(post(client, VECTOR)) == 1
    assert threads == [False]


def test_pieces_keep_their_order_and_every_score_leaves_its_traces(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "CHUNK", 3)
    leads = [VECTOR | {"lead_id": str(i)} for i in range(8)]
    assert [one["lead_id"] for one in post(client, *leads)] == [str(i) for i in range(8)]
    assert 'trialwise_scores_total{protocol="score"} 8.0' in client.get("/metrics").text
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    services.ledger.flush()
    assert services.store.counts()["ledger"] == 8


def test_unknown_features_are_told_of_in_both_forms(client: TestClient) -> None:
    (score,) = post(client, VECTOR | {"features": {**VECTOR["features"], "shoe_size": 44.0}})  # type: ignore[dict-item]
    code = answering.UNKNOWN_FEATURES
    assert {"code": code, "detail": Phrasing("en").warning(code)} in score["warnings"]
    row = {"trial_age_d": [2.0], "shoe_size": [44.0]}
    answer = client.post("/invocations", json={"inputs": row, "params": {"reasons": 1}})
    assert answer.status_code == 200
    record: dict[str, Any] = {"warnings": []}
    answering.doubted(record, FeatureTable(1, {}, unknown=0).unknown, Phrasing())
    assert record["warnings"] == []
