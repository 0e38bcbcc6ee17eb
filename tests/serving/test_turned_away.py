"""Turned away before all layers: the same problem, counted and logged like any answer, and readable by web pages."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from features.workspace import Workspace
from serving.app import create_app
from serving.overload import Gate
from serving.settings import Settings, read_origins
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry

PAGE = "https://app.acme.com"


@pytest.fixture
def full(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """A server with keys whose gates are all full, and of which nothing further in may be asked who somebody is."""
    registry.version = None
    app = create_app(workspace, replace(settings, open_to_all=False, origins=read_origins(PAGE)), source=registry)
    with TestClient(app, base_url="https://example.com") as client:
        monkeypatch.setattr(Gate, "is_full", True)
        yield client


@pytest.mark.parametrize("door", ["/v1/track", "/v1/batch", "/v1/conversions", "/batch/", "/v1/score", "/v1/leads/scores"])
def test_who_comes_to_a_full_door_is_told_so_at_once(full: TestClient, door: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "trialwise.access"):
        answer = full.post(door, content=b"not read", headers={"X-Request-Id": "0af7651916cd43dd"})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "overloaded", "1")
    assert answer.json()["message"] == answer.json()["detail"]
    assert (answer.headers["content-type"], answer.headers["x-request-id"]) == ("application/problem+json", "0af7651916cd43dd")
    assert [(line.told["route"], line.told["status"]) for line in caplog.records if hasattr(line, "told")] == [(door, 503)]
    told = full.get("/metrics").text
    assert f'trialwise_http_requests_total{{method="POST",route="{door}",status="503"}} 1.0' in told
    assert 'trialwise_refused_requests_total{code="overloaded"} 1.0' in told


def test_other_doors_and_other_methods_are_open(full: TestClient) -> None:
    assert full.get("/livez").status_code == 200
    assert full.get("/v1/track").status_code == 405
    assert full.post("/v1/unknown").status_code == 404
    assert full.get("/v1/leads/a/score").status_code == 401  # its address holds a name: it is judged further in


def test_a_web_page_can_read_why(full: TestClient) -> None:
    answer = full.post("/v1/t", content="{}", headers={"Origin": PAGE, "Content-Type": "text/plain"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (503, PAGE)
    assert full.post("/v1/t", content="{}", headers={"Origin": "https://evil.example"}).status_code == 403
