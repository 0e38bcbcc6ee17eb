"""Turned away: while there is no room at a door, whoever comes is told so at once, before anything else is done for them.

A refusal that goes through all layers takes a third of a millisecond: under four times the load that a server can bear it would
do little else. Here it costs little more than reading the head of a request; where the connection itself asks
(`serving/connections.py`) not even a task is made for it. Web pages are not turned away here: their browsers would not let them
read why.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.metrics import Metrics
from serving.overload import Gate, Rooms, overloaded
from serving.problems import MEDIA_TYPE
from serving.refusal_lines import RefusalLines
from serving.request_ids import HEADER, note_of

Headers = Sequence[tuple[bytes, bytes]]


class Refusals:
    """Who is turned away, and with which words: it looks only whether the door that a request goes to has room.

    Parameters
    ----------
    routers
        The doors; those whose address holds a name are left to the layers further in.
    """

    def __init__(self, *, rooms: Rooms, metrics: Metrics, routers: Iterable[APIRouter]) -> None:
        self.metrics = metrics
        self.lines = RefusalLines()
        self.gates: dict[tuple[str, str], Gate] = {}
        for router in routers:
            for route in router.routes:
                gate = rooms.gate(route) if isinstance(route, APIRoute) and "{" not in route.path else None
                if gate is not None and isinstance(route, APIRoute):
                    self.gates.update(((method, route.path), gate) for method in route.methods or ())
        problem = overloaded()
        told = json.loads(bytes(problem.response().body)) | {"message": problem.detail}  # Segment's clients look for a message
        self.body = json.dumps(told).encode()
        head = {"content-type": MEDIA_TYPE, "content-length": str(len(self.body)), **problem.headers}
        self._head = [(name.lower().encode(), value.encode()) for name, value in head.items()]
        self.code, self.status = problem.code, problem.status

    def expect(self, method: str, path: str) -> None:
        """Keep room for a request that is let through and has not taken it yet."""
        gate = self.gates.get((method, path))
        if gate is not None:
            gate.expect()

    def head(self, method: str, path: str, headers: Headers) -> list[tuple[bytes, bytes]] | None:
        """Return the headers of the refusal of a request, which is then counted and noted, or None if there is room for it."""
        gate = self.gates.get((method, path))
        if gate is None or not gate.is_full or any(name == b"origin" for name, _ in headers):
            return None
        begin, note = time.perf_counter(), note_of(headers)
        gate.refused()
        self.metrics.refused.labels(self.code).inc()
        seconds = time.perf_counter() - begin
        self.metrics.observe(method, path, self.status, seconds)
        self.lines.tell(note, method, path, self.status, seconds)
        return [*self._head, (HEADER, note.request_id.encode("ascii"))]


class TurnedAway:
    """The layer before all others, for requests that a connection has let through."""

    def __init__(self, app: ASGIApp, *, refusals: Refusals) -> None:
        self.app = app
        self.refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            head = self.refusals.head(scope["method"], scope["path"], scope["headers"])
            if head is not None:
                await send({"type": "http.response.start", "status": self.refusals.status, "headers": head})
                await send({"type": "http.response.body", "body": self.refusals.body})
                return
        await self.app(scope, receive, send)
