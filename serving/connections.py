"""Connections: what uvicorn leaves open around a request. Whoever is slow is cut off, and noise is answered by a problem.

uvicorn limits how long a connection may be idle between requests, and nothing else. Here a clock runs from the first byte of a
connection or a request until the request has come in whole, and another while an answer is not taken. What stands around a body
is counted, what could be read as two requests is refused, and of all connections some files are left for the store.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.problems import MEDIA_TYPE, Problem
from serving.request_ids import made

RECEIVE_SECONDS = 15.0
SEND_SECONDS = 15.0
"""So often it is looked whether an answer is being taken."""
SEND_BYTES = 64 * 1024
"""So much of it must have been taken each time, or all the rest: a client of four kilobytes a second is slow enough."""
AROUND_LIMIT = 64 * 1024
"""Bytes of a request beside its body, so many more than the body has: address, headers, sizes of pieces and what follows them."""
MOST_FILES = 8192
KEPT_FILES = 128
"""Of the files that the process may open these are for the store, the logs and the registry."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, patient up to a limit."""

    _clock: asyncio.TimerHandle | None = None
    _sending: asyncio.TimerHandle | None = None
    _in_head = False
    _begun = False
    _around = 0

    def connection_made(self, transport: Any) -> None:
        """Start the clock with the connection: headers must come, too."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.abort()
            return
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._disarm()
        self._stop_looking()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless what stands around the body grows without end. Bytes that begin no request are no sign of life."""
        self._begun = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._begun:  # what was read before a request began is not counted with it
            self._around += len(data)
            if self._around > AROUND_LIMIT:
                self._refuse(Problem("headers_too_large", f"What is not the body may be at most {AROUND_LIMIT} bytes."))
                return
        if self._clock is None and self.timeout_keep_alive_task is None and (self.cycle is None or self.cycle.response_complete):
            self._arm()  # uvicorn has stopped its own clock

    def on_message_begin(self) -> None:
        """Start the clock anew for each request on the connection."""
        super().on_message_begin()
        self._in_head = self._begun = True
        self._around = 0
        self._arm()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what follows a body in pieces is none, whatever it is called, since nobody in front has judged it."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Refuse what others on the way may read otherwise; uvicorn answers an error of its reader with 400."""
        self._in_head = False
        if is_ambiguous(self.parser.get_http_version(), self.headers):
            raise ValueError
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._around -= 2 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Stop the clock: the request is here."""
        self._disarm()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Look after what is not sent yet."""
        super().on_response_complete()
        self._look_after()

    def pause_writing(self) -> None:
        """Look after an answer that is too long to be sent at once."""
        super().pause_writing()
        self._look_after()

    def resume_writing(self) -> None:
        """Stop looking: nearly all was taken."""
        self._stop_looking()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with a problem like any other, and close."""
        self._refuse(Problem("bad_request", msg))

    def _refuse(self, problem: Problem) -> None:
        body = bytes(problem.response().body)
        lines = [
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
            f"content-type: {MEDIA_TYPE}",
            f"content-length: {len(body)}",
            "connection: close",
            f"x-request-id: {made()}",
        ]
        self.transport.write("\r\n".join([*lines, "\r\n"]).encode("ascii") + body)
        self.transport.close()
        self._look_after()

    def _arm(self) -> None:
        self._disarm()
        self._clock = self.loop.call_later(RECEIVE_SECONDS, self.transport.abort)

    def _disarm(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _look_after(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left and self._sending is None:
            self._sending = self.loop.call_later(SEND_SECONDS, self._look, left)

    def _look(self, before: int) -> None:
        self._sending = None
        left = self.transport.get_write_buffer_size()
        if left and before - left < SEND_BYTES:
            self.transport.abort()
        else:
            self._look_after()

    def _stop_looking(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None


def is_ambiguous(version: str, headers: list[tuple[bytes, bytes]]) -> bool:
    """Tell whether somebody in front may have understood a request otherwise.

    >>> host = (b"host", b"a")
    >>> is_ambiguous("1.1", [host]), is_ambiguous("1.1", []), is_ambiguous("0.9", [])
    (False, True, True)
    >>> chunked = (b"transfer-encoding", b"gzip, chunked")
    >>> is_ambiguous("1.1", [host, chunked]), is_ambiguous("1.1", [host, (b"transfer-encoding", b"Chunked")])
    (True, False)
    """
    hosts = keys = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"authorization":
            keys += 1
        elif name == b"transfer-encoding" and (version != "1.1" or value.lower() != b"chunked"):
            return True
    return keys > 1 or (hosts == 0 and version == "1.1") or version not in ("1.1", "1.0")


def most_connections() -> int:
    """Return how many connections the process may have, by the files that it may open."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if files == resource.RLIM_INFINITY else max(files - KEPT_FILES, 16)


def open_more_files() -> None:
    """Let the process open more files than the 1,024 that a shell grants, if the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a container may not allow it, and what there is will do
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
