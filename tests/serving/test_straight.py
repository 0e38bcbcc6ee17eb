"""Straight: doors of a fixed address are gone through without a search, and nobody can tell from outside."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from serving.app import ROUTERS, described
from serving.problems import Problem
from serving.straight import Straight
from tests.serving.client import TestClient


async def nobody(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError


@pytest.fixture(scope="module")
def straight() -> Straight:
    return Straight(nobody, routers=ROUTERS)


def asked(method: str, path: str, **more: Any) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, **more}


def test_the_busy_doors_are_among_them(straight: Straight) -> None:
    for path in ("/v1/score", "/v1/leads/scores", "/v1/batch", "/v1/track", "/v1/t", "/v1/conversions", "/invocations"):
        found = straight.door(asked("POST", path))
        assert found is not None, path
        assert found.path_format == path


@pytest.mark.parametrize(
    "scope",
    [
        asked("GET", "/v1/score"),
        asked("POST", "/v1/score/"),
        asked("GET", "/v1/leads"),  # it takes parameters
        asked("GET", "/v1/leads/a/score"),
        asked("POST", "/v1/score", root_path="/behind/a/proxy"),
        {"type": "websocket", "path": "/v1/score"},
    ],
)
def test_what_is_nobodys_here_is_searched_for(straight: Straight, scope: dict[str, Any]) -> None:
    assert straight.door(scope) is None


def test_a_wrong_method_is_refused_as_ever() -> None:
    answer = TestClient(described()).get("/v1/score")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/v2/health/live", "/openapi.json", "/v1/leads/a/score", "/nothing"])
def test_head_is_answered_as_get_is(client: TestClient, path: str) -> None:
    asked, headed = client.get(path), client.head(path)
    assert (headed.status_code, headed.headers["content-type"]) == (asked.status_code, asked.headers["content-type"])
    assert headed.headers["content-length"] == asked.headers["content-length"]


def test_problems_are_handled_by_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    route = next(route for router in ROUTERS for route in router.routes if getattr(route, "path", "") == "/v1/score")
    seen = []

    async def fail(request: Request) -> JSONResponse:
        seen.append(request.scope["route"])
        raise Problem("no_model", "None.")

    async def told(_request: Any, problem: Any) -> JSONResponse:
        return JSONResponse({"code": problem.code}, 503)

    monkeypatch.setattr(route, "endpoint", fail)
    app: FastAPI = described()
    app.add_exception_handler(Problem, told)
    answer = TestClient(app).post("/v1/score", json={})
    assert (answer.status_code, answer.json(), seen) == (503, {"code": "no_model"}, [route])


def test_what_nobody_handles_is_left_to_the_layers_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    route = next(route for router in ROUTERS for route in router.routes if getattr(route, "path", "") == "/v1/score")

    async def fail(request: Request) -> JSONResponse:
        raise ZeroDivisionError

    monkeypatch.setattr(route, "endpoint", fail)
    with pytest.raises(ZeroDivisionError):
        TestClient(described()).post("/v1/score", json={})
