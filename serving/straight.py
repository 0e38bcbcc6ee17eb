"""Straight: requests go to a door of a fixed address without a search, and without what the search would prepare for others.

FastAPI tries its routes one after the other and prepares parameters, dependencies and files for whatever it finds: a fifth of
what it takes to score a vector. A door that takes the request itself and makes its own response needs none of it, unless its
router has a kind of route of its own, which does something more. Everything else about it stays FastAPI's.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, get_type_hints

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]


class Straight(BaseRoute):
    """The doors of some routers that can be gone through without a search, by method and address."""

    def __init__(self, routers: Iterable[APIRouter]) -> None:
        self.doors: Mapping[tuple[str, str], APIRoute] = dict(found for router in routers for found in _doors(router))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whose request this is; one that is nobody's here is searched for."""
        if scope["type"] != "http" or scope.get("root_path"):
            return Match.NONE, {}
        route = self.doors.get((scope["method"], scope["path"]))
        return (Match.NONE, {}) if route is None else (Match.FULL, {"route": route, "endpoint": route.endpoint})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the door answer."""
        endpoint: Endpoint = scope["endpoint"]
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """Leave addresses to the routes themselves."""
        raise NotImplementedError(name, path_params)


def go_straight(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Let the requests to an application go straight wherever they can."""
    app.router.routes.insert(0, Straight(routers))


def _doors(router: APIRouter) -> Iterator[tuple[tuple[str, str], APIRoute]]:
    for route in router.routes:
        if type(route) is APIRoute and "{" not in route.path and _is_plain(route.endpoint):
            yield from (((method, route.path), route) for method in route.methods or ())


def _is_plain(endpoint: Callable[..., Any]) -> bool:
    """Tell whether a function takes the request alone and makes its own response."""
    kinds = get_type_hints(endpoint)
    answer = kinds.pop("return", None)
    made = isinstance(answer, type) and issubclass(answer, Response)
    return made and list(kinds.values()) == [Request] and inspect.iscoroutinefunction(endpoint)
