"""Web pages: whose may send events, and with which keys. What a page holds, every visitor can read.

A browser names the page's origin with every request that it sends to another host. Origins that are not listed are refused; those
that are may use the ingest doors, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access import Caller
from serving.problems import Problem
from serving.settings import ORIGINS

REMEMBERED_SECONDS = 7200
"""How long a browser need not ask again; none remembers longer."""

_PAGE = "trialwise.page"

SENT = "authorization, content-encoding, content-type, x-retry-count, x-write-key"
"""The headers that the clients of analytics tools set."""


def from_page(request: Request) -> bool:
    """Tell whether a web page that may send has sent a request."""
    return _PAGE in request.scope


def check_key(request: Request, caller: Caller) -> None:
    """Refuse a key that may do more than a web page should."""
    if from_page(request) and caller.key_id is not None and not caller.scopes <= {"page", "ingest"}:
        raise Problem("wrong_scope", "What a web page holds, everybody can read: give it a key of scope page alone.")


class Browsers:
    """Let the web pages of some origins use some doors, and tell their browsers so.

    Parameters
    ----------
    origins
        The pages, each as scheme, host and port.
    doors
        The paths that they may use; one that ends in ``*`` stands for all that begin so.
    """

    def __init__(self, app: ASGIApp, *, origins: frozenset[str], doors: Iterable[str]) -> None:
        self.app = app
        self.origins = origins
        every = list(doors)
        self.doors = frozenset(every)
        self.beginnings = tuple(door[:-1] for door in every if door.endswith("*"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, answer a browser's question about it, or refuse it."""
        if scope["type"] != "http" or not self._is_door(scope["path"]):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            await self.app(scope, receive, send)
        elif origin.lower() not in self.origins:
            problem = Problem("wrong_origin", f"Name the origin of the page in {ORIGINS} to let it send.")
            await problem.response()(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._permission(origin)(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send, origin)

    def _is_door(self, path: str) -> bool:
        return path in self.doors or path.startswith(self.beginnings)

    def _permission(self, origin: str) -> Response:
        allowed = {
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": SENT,
            "Access-Control-Max-Age": str(REMEMBERED_SECONDS),
        }
        return Response(status_code=204, headers=allowed | _seen_by(origin))

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, origin: str) -> None:
        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_seen_by(origin) | {"Access-Control-Expose-Headers": "Retry-After"})
            await send(message)

        scope[_PAGE] = origin
        await self.app(scope, receive, telling)


def _seen_by(origin: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
