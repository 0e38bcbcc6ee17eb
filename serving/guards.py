"""What every request must pass before anyone reads it: address, headers, type, encoding and size of the body."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import strict_json
from serving.overload import Rooms
from serving.problems import Problem
from serving.services import services_of

KB, MB = 1024, 1024 * 1024
EVENT_LIMIT = 32 * KB
BODY_LIMIT = 4 * MB
SCORE_LIMIT = 16 * MB
POSTHOG_LIMIT = 20 * MB
URL_LIMIT = 4 * KB
HEADER_LIMIT = 16 * KB

BYTES_A_VALUE = 16
"""A body may hold one value for so many bytes that its address takes; what people send has fewer."""

_SMALL = 64 * KB
"""Bodies up to this size are read on the event loop; larger ones would hold up everybody else."""

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


async def json_body(request: Request, limit: int, *, gzip: bool = False, plain_text: bool = False) -> Any:
    """Read the body of a request as strict JSON, counting while it arrives; with ``gzip``, also counting while it inflates.

    ``plain_text`` takes JSON that is called text/plain: all that a web page can send without asking first.
    """
    found = media_type(request)
    if found != "application/json" and not (plain_text and found == "text/plain"):
        raise Problem("unsupported_media_type", "Send Content-Type: application/json.")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in (("identity", "gzip") if gzip else ("identity",)):
        raise Problem(
            "unsupported_encoding", "This address takes gzip or plain bodies." if gzip else "This address takes plain bodies."
        )
    data = await counted(request, limit)
    if encoding == "gzip":
        data = await run_in_threadpool(inflate, data, limit)
    return await parsed(data, limit)


def media_type(request: Request) -> str:
    """Return what a body says that it is, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def parsed(data: bytes, limit: int, *, nan_is_missing: bool = False) -> Any:
    """Return the value of a JSON body; of how many values at most follows from the limit of its bytes."""
    most = limit // BYTES_A_VALUE
    if len(data) <= _SMALL:
        return strict_json.read(data, most, nan_is_missing=nan_is_missing)
    return await run_in_threadpool(partial(strict_json.read, data, most, nan_is_missing=nan_is_missing))


async def counted(request: Request, limit: int) -> bytes:
    """Return the bytes of a body, and stop as soon as they are more than the limit; without room for it none is read."""
    announced = request.headers.get("content-length")
    if announced is not None and announced.isascii() and announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    rooms = services_of(request).rooms
    rooms.check(request.scope)
    try:
        data = await _read(request, limit, rooms)
    except ClientDisconnect:
        raise Problem("bad_request", "The body ended before it was complete.") from None
    rooms.enter(request.scope)
    return data


async def _read(request: Request, limit: int, rooms: Rooms) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        rooms.hold(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


def inflate(data: bytes, limit: int) -> bytes:
    """Inflate a gzip body, and stop as soon as it grows over the limit.

    >>> import gzip
    >>> inflate(gzip.compress(b"{}"), 10)
    b'{}'
    """
    reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = reader.decompress(data, limit + 1)
    except zlib.error:
        raise Problem("bad_encoding", "The body is not gzip, though its encoding says so.") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not reader.eof or reader.unused_data:
        raise Problem("bad_encoding", "The gzip body is cut off, or something follows it.")
    return plain


def _too_large(limit: int) -> Problem:
    return Problem("too_large", f"The body may be at most {limit} bytes.", headers={"Connection": "close"})


class Doorkeeper:
    """Refuse addresses and headers that are too long, and in open mode every Host that is not this machine.

    The last rule keeps web pages out: a page may make its own host name point at 127.0.0.1, but it cannot change what the browser
    then sends as Host.
    """

    def __init__(self, app: ASGIApp, *, loopback_only: bool) -> None:
        self.app = app
        self.loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a problem."""
        if scope["type"] == "http":
            problem = self._refuse(scope)
            if problem is not None:
                await problem.response(scope["path"])(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refuse(self, scope: Scope) -> Problem | None:
        headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > URL_LIMIT:
            return Problem("uri_too_long", f"The address may be at most {URL_LIMIT} bytes.")
        if sum(len(name) + len(value) for name, value in headers) > HEADER_LIMIT:
            return Problem("headers_too_large", f"The headers may be at most {HEADER_LIMIT} bytes together.")
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) > 1:
            return Problem("wrong_host", "A request has one Host.")
        if self.loopback_only:
            host = hosts[0] if hosts else ""
            name = host if host.endswith("]") else host.rpartition(":")[0] or host
            if name.lower() not in _LOOPBACK:
                return Problem("wrong_host", "Without keys this server answers only to localhost.")
        return None
