"""Straight: requests go to a door of a fixed address without a search, and without what the search would prepare for others.

FastAPI tries its routes one after the other and prepares parameters, dependencies and files for whatever it finds: a fifth of
what it takes to score a vector. A door that takes the request itself and makes its own response needs none of it, unless its
router has a kind of route of its own, which does something more. Everything else about it stays FastAPI's: it is described there,
and whatever it raises is handled by the application's handlers.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, get_type_hints

from fastapi.routing import APIRoute, APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]


class Straight:
    """The innermost layer: requests to the doors of some routers that can be found by method and address go through them at once.

    What such a door raises is handled as the application handles it.
    """

    def __init__(self, app: ASGIApp, *, routers: Iterable[APIRouter]) -> None:
        self.app = app
        self.doors: Mapping[tuple[str, str], APIRoute] = dict(found for router in routers for found in _doors(router))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the door answer; a request that is nobody's here is searched for.

        HEAD is answered by the door of GET (RFC 9110, 9.3.2); uvicorn keeps the body back.
        """
        if scope["type"] == "http" and scope["method"] == "HEAD":
            asked = {**scope, "method": "GET"}
            try:
                await self(asked, receive, send)
            finally:
                scope["route"] = asked.get("route")  # whoever stands further out counts by it
            return
        route = self.door(scope)
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, {}
        request = Request(scope, receive, send)
        endpoint: Endpoint = route.endpoint
        try:
            response = await endpoint(request)
        except Exception as error:
            response = await _handled(request, error)
        await response(scope, receive, send)

    def door(self, scope: Scope) -> APIRoute | None:
        """Return whose request this is, if it is anybody's here."""
        if scope["type"] != "http" or scope.get("root_path"):
            return None
        return self.doors.get((scope["method"], scope["path"]))


async def _handled(request: Request, error: Exception) -> Response:
    handlers = request.app.exception_handlers
    handler = next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)
    if handler is None:
        raise error
    response: Response = await handler(request, error)
    return response


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
