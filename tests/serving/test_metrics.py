"""Metrics: names and labels by the conventions, and of several workers the sum, whichever is asked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.metrics import Metrics, forget_the_dead
from tests.serving.client import TestClient
from tests.serving.conftest import wait_for
from tests.serving.test_run import server, track

UNITS = ("_total", "_seconds", "_info", "_bytes", "_ratio")
STATES = {"trialwise_model_stale", "trialwise_behaviour_silent", "trialwise_new_event_names", "trialwise_webhook_waiting"}
"""Gauges without a unit: a state, or a number of things."""


def families(text: str) -> dict[str, str]:
    return {one.name: one.type for one in text_string_to_metric_families(text)}


def test_names_and_labels_follow_the_conventions(client: TestClient) -> None:
    client.post("/v1/score", json={"leads": [{"lead_id": "a", "started_at": "2026-01-01"}]})
    client.post("/v1/score", json={})
    client.get("/v1/leads/nobody/score")
    text = client.get("/metrics").text
    assert 'trialwise_score_requests_total{outcome="ok",protocol="score"} 1.0' in text
    assert 'trialwise_score_requests_total{outcome="refused",protocol="score"} 1.0' in text
    assert 'trialwise_score_requests_total{outcome="refused",protocol="lead"} 1.0' in text
    assert 'trialwise_scores_total{protocol="score"} 1.0' in text
    assert 'trialwise_model_info{alias="champion",version="1"} 1.0' in text
    assert "trialwise_score_duration_seconds_bucket" in text
    for name, kind in families(text).items():
        full = name + "_total" if kind == "counter" else name
        assert re.fullmatch(r"trialwise_[a-z_]+", name)
        assert full.endswith(UNITS) or full in STATES, full
    labels = {label for one in text_string_to_metric_families(text) for sample in one.samples for label in sample.labels}
    assert not labels & {"lead_id", "lead", "email", "key", "pid"}


def test_a_model_that_served_before_goes_to_zero() -> None:
    metrics = Metrics()
    for version in ("1", "2", "2"):
        metrics.serves(version)
    text = metrics.text().decode()
    assert 'trialwise_model_info{alias="champion",version="1"} 0.0' in text
    assert 'trialwise_model_info{alias="champion",version="2"} 1.0' in text


def test_gauges_that_follow_something_are_read_when_they_are_asked_for() -> None:
    metrics, found = Metrics(), [0.0]
    metrics.follow(metrics.model_stale, lambda: found[0])
    found[0] = 1.0
    assert b"trialwise_model_stale 1.0" in metrics.text()


def test_only_the_dead_are_forgotten(tmp_path: Path) -> None:
    for name in (f"gauge_livemax_{os.getpid()}.db", "gauge_livemax_4194303.db", "counter_4194303.db"):
        (tmp_path / name).touch()
    forget_the_dead(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counter_4194303.db", f"gauge_livemax_{os.getpid()}.db"]


@pytest.fixture(scope="module")
def pair(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with server(folder, tmp_path_factory.mktemp("pair"), workers=2) as (client, _):
        yield client


@pytest.mark.slow
def test_two_workers_tell_one_truth(pair: httpx.Client) -> None:
    """Whichever worker is asked adds up what both of them counted."""

    def fresh(method: str, path: str, **more: object) -> httpx.Response:
        with httpx.Client(base_url=pair.base_url, timeout=20) as one:  # a connection of its own: either worker may take it
            return one.request(method, path, **more)  # type: ignore[arg-type]

    for number in range(30):
        assert fresh("POST", "/v1/track", json=track(str(number))).status_code == 200
    told = {fresh("GET", "/metrics").text.split('trialwise_events_total{outcome="accepted"} ')[1].split()[0] for _ in range(10)}
    assert told == {"30.0"}
    text = fresh("GET", "/metrics").text
    assert "pid=" not in text
    wait_for(lambda: "trialwise_model_stale" in fresh("GET", "/metrics").text)
