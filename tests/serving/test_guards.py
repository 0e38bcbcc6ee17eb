"""What never gets in: long addresses, large headers, other hosts, and a database that a body could stop (check 8, check 28)."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest

from features.workspace import Workspace
from serving import app as app_module
from serving.app import create_app
from serving.guards import HEADER_LIMIT, URL_LIMIT, inflate
from serving.problems import Problem
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "[::1]"])
def test_an_open_server_answers_to_this_machine(client: TestClient, host: str) -> None:
    assert client.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8080", "localhost@evil", "", "a/?"])
def test_an_open_server_answers_to_no_other_host(client: TestClient, host: str) -> None:
    answer = client.get("/v1/leads", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "wrong_host")


def test_long_addresses_and_headers_are_refused(client: TestClient) -> None:
    assert client.get("/livez?" + "x" * (URL_LIMIT - 6)).status_code == 200
    assert client.get("/livez?" + "x" * (URL_LIMIT - 5)).json()["code"] == "uri_too_long"
    assert client.get("/livez", headers={"X-Long": "x" * HEADER_LIMIT}).json()["code"] == "headers_too_large"


def test_other_addresses_and_methods_are_problems(client: TestClient) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("GET", "/v1/track", 405),
        ("DELETE", "/v1/leads", 405),
        ("POST", "/v1/model", 405),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_inflating_stops_at_the_limit() -> None:
    body = gzip.compress(b"x" * 1000)
    assert inflate(body, 1000) == b"x" * 1000
    with pytest.raises(Problem, match="too_large"):
        inflate(body, 999)
    with pytest.raises(Problem, match="bad_encoding"):
        inflate(body + gzip.compress(b"y"), 5000)


def test_what_fails_inside_is_a_problem_without_a_trace(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(workspace, settings, source=registry)
    monkeypatch.setattr(app_module.EventStore, "lead", lambda *_: 1 / 0)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        answer = client.get("/v1/leads/a/features")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "division" not in answer.text


def test_a_locked_database_is_answered_within_two_seconds(tmp_path: Path, workspace: Workspace, registry: FakeRegistry) -> None:
    settings = Settings(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", key_secret="x", open_to_all=True)
    with TestClient(create_app(workspace, settings, source=registry), base_url="http://127.0.0.1") as client:
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        answer = client.post("/v1/track", json={"userId": "a", "event": "x", "messageId": "1"})
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert answer.elapsed.total_seconds() < 2.5
        other.execute("ROLLBACK")
        other.close()
        assert client.post("/v1/track", json={"userId": "a", "event": "x", "messageId": "1"}).json()["accepted"] == 1


def test_metrics_count_and_name_no_lead(client: TestClient) -> None:
    client.post("/v1/track", json={"userId": "canary", "event": "x", "messageId": "1"})
    client.get("/v1/leads/canary/score")
    text = client.get("/metrics").text
    assert 'trialwise_events_total{outcome="accepted"} 1.0' in text
    assert 'route="/v1/leads/{lead_id}/score"' in text
    assert 'trialwise_model_info{alias="champion",version="1"} 1.0' in text
    assert "canary" not in text
