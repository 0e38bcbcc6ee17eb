"""Request ids: on every answer, the caller's own if it has the form of one, and nothing that could be a name or a line."""

from __future__ import annotations

import pytest

from features.workspace import Workspace
from serving import app as app_module
from serving.app import create_app
from serving.request_ids import note_of
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry

ASKED = [
    ("GET", "/livez", 200), ("GET", "/nothing", 404), ("DELETE", "/v1/leads", 405), ("POST", "/v1/track", 415),
    ("GET", "/v1/leads?limit=x", 422), ("GET", "/livez?" + "x" * 5000, 414), ("GET", "/v1/leads/x/score", 404),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), ASKED)
def test_every_answer_bears_its_id(client: TestClient, method: str, path: str, status: int) -> None:
    brought = "0af7651916cd43dd8448eb211c80319c"
    answer = client.request(method, path, headers={"X-Request-Id": brought})
    assert (answer.status_code, answer.headers["x-request-id"]) == (status, brought)
    made = {client.request(method, path).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3


def test_a_failure_inside_bears_its_id(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(workspace, settings, source=registry)
    monkeypatch.setattr(app_module.EventStore, "lead", lambda *_: 1 / 0)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        answer = client.get("/v1/leads/a/features", headers={"X-Request-Id": "trace-0001"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "trace-0001")


@pytest.mark.parametrize(
    "given", [b"", b"short", b"x" * 65, b"ada@example.com", b"a b c d e f", b"line\r\nbreak", b"\xff" * 10, b"../../etc/passwd"]
)
def test_what_has_not_the_form_of_an_id_is_replaced(given: bytes) -> None:
    assert note_of([(b"x-request-id", given)]).request_id.encode() != given
