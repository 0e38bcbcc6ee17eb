"""Observed: every request gets its id, gives back the room it took, and leaves a line in the log and a span in the trace."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import method_of, route_of
from serving.overload import Rooms
from serving.request_ids import HEADER, NOTE, Note, note_of
from serving.tracing import Tracing

log = logging.getLogger("trialwise.access")


class Observed:
    """The outermost layer: whatever happens further in, it sees it."""

    def __init__(self, app: ASGIApp, *, rooms: Rooms, tracing: Tracing | None) -> None:
        self.app = app
        self.rooms = rooms
        self.tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note what became of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        note = note_of(scope["headers"])
        start = time.perf_counter()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(HEADER, note.request_id.encode("ascii")), *note.headers]
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        token = NOTE.set(note)
        span = self.tracing.begin(scope["headers"]) if self.tracing is not None else None
        try:
            await self.app(scope, receive, noting)
        finally:
            NOTE.reset(token)
            self.rooms.leave(note)
            route, method = route_of(scope), method_of(scope)
            seconds = time.perf_counter() - start
            if span is not None and self.tracing is not None:
                self.tracing.end(span, method, route, status, note)
            if log.isEnabledFor(logging.INFO):
                say(note, method, route, status, seconds)


def say(note: Note, method: str, route: str, status: int, seconds: float) -> None:
    """Leave the line of one request in the log."""
    told = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1), "key": note.key_id}
    log.info("%s %s %d", method, route, status, extra={"told": told, "request_id": note.request_id})
