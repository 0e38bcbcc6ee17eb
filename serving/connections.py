"""Connections: what uvicorn leaves open before there is a request. A slow client is cut off, and noise is answered by a problem.

uvicorn limits how long a connection may be idle between requests, and nothing else. Here a clock runs from the first byte of a
connection or a request until the request has come in whole.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.problems import MEDIA_TYPE, Problem
from serving.request_ids import made

RECEIVE_SECONDS = 15.0


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, patient up to a limit."""

    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock with the connection: headers must come, too."""
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._disarm()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the clock anew for each request on the connection."""
        super().on_message_begin()
        self._arm()

    def on_message_complete(self) -> None:
        """Stop the clock: the request is here."""
        self._disarm()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with a problem like any other, and close."""
        body = bytes(Problem("bad_request", msg).response().body)
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
            f"x-request-id: {made()}\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _arm(self) -> None:
        self._disarm()
        self._clock = self.loop.call_later(RECEIVE_SECONDS, self.transport.abort)

    def _disarm(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
