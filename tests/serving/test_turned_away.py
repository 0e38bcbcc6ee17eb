"""Turned away before all layers: the same problem, counted and logged like any answer, and readable by web pages."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
import uvicorn

from features.workspace import Workspace
from serving.app import create_app
from serving.connections import REFUSALS, PatientProtocol
from serving.overload import Gate
from serving.settings import Settings, read_origins
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for
from tests.serving.test_run import free_port

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


@pytest.mark.parametrize("path", ["/ping", "/health", "/version", "/v2", "/v2/health/live", "/v2/health/ready", "/livez"])
def test_who_only_asks_how_the_server_is_gets_an_answer(full: TestClient, path: str) -> None:
    assert "too much to do" not in full.get(path).text  # there may be no model yet, which is another matter


def test_a_web_page_can_read_why(full: TestClient) -> None:
    answer = full.post("/v1/t", content="{}", headers={"Origin": PAGE, "Content-Type": "text/plain"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (503, PAGE)
    assert full.post("/v1/t", content="{}", headers={"Origin": "https://evil.example"}).status_code == 403


@contextmanager
def connected(workspace: Workspace, settings: Settings, registry: FakeRegistry) -> Iterator[tuple[socket.socket, BinaryIO]]:
    """A connection to a real server."""
    config = uvicorn.Config(create_app(workspace, settings, source=registry), port=free_port(), http=PatientProtocol, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        with socket.create_connection(("127.0.0.1", config.port), timeout=10) as one, one.makefile("rb") as answers:
            yield one, answers
    finally:
        server.should_exit = True
        thread.join()


def asked(door: str, body: bytes, *more: str) -> bytes:
    lines = [f"POST {door} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


def read(answers: BinaryIO) -> tuple[int, dict[bytes, bytes], bytes]:
    """Return the next answer: its status, its headers and its body."""
    status, headers = int(answers.readline().split()[1]), {}
    while line := answers.readline().strip():
        name, _, value = line.partition(b": ")
        headers[name] = value
    return status, headers, answers.read(int(headers[b"content-length"]))


def test_a_connection_turns_away_by_itself_and_stays_open(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says is what the layers say; the body is passed over, even if it comes late, and whatever is behind it is read."""
    body = b'{"userId": "a", "event": "x", "messageId": "1"}'
    with connected(workspace, replace(settings, open_to_all=True), registry) as (one, answers):
        with monkeypatch.context() as patch:
            patch.setattr(Gate, "is_full", True)
            patch.setattr("serving.turned_away.TurnedAway.__call__", None)  # no task is made
            one.sendall(asked("/v1/track?a=1", body) * 2)
            told = [read(answers) for _ in range(2)]
            one.sendall(asked("/v1/score", body, "X-Request-Id: 0af7651916cd43dd")[:-5])
            status, headers, said = read(answers)
            one.sendall(body[-5:])
        assert {status for status, _, _ in told} == {503}
        assert (status, headers[b"retry-after"], headers[b"x-request-id"]) == (503, b"1", b"0af7651916cd43dd")
        assert b'"overloaded"' in said
        one.sendall(asked("/v1/track", body))
        assert read(answers)[0] == 200
        with monkeypatch.context() as patch:
            patch.setattr(Gate, "is_full", True)
            one.sendall(asked("/v1/track", b"", "Expect: 100-continue"))  # through the layers
            assert read(answers)[0] == 503
            one.sendall(asked("/v1/track", b"", "Connection: close"))
            status, headers, _ = read(answers)
            assert (status, headers[b"connection"]) == (503, b"close")
            assert answers.read() == b""


def test_who_takes_no_refusals_gets_no_more_of_them() -> None:
    """Through the layers an answer waits until those before it are taken; here it would only be kept."""
    taken: Any = SimpleNamespace(
        app_state={REFUSALS: SimpleNamespace(head=lambda *_: [])},
        cycle=None, expect_100_continue=False, flow=SimpleNamespace(write_paused=True),
        parser=SimpleNamespace(should_upgrade=lambda: False),
    )  # fmt: skip
    assert PatientProtocol._turn_away(taken) is False
