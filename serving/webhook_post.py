"""One attempt: a signed body is posted, and of the answer only the status and Retry-After matter.

Redirects are not followed, no more than four kilobytes are read, and all of it is over within fifteen seconds, however slowly the
other side speaks.
"""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import h11

from serving.guarded_connect import NoConnection, Trust, connect
from serving.webhook_endpoints import Endpoint

ATTEMPT_SECONDS = 15.0
READ_BYTES = 4096
LINGER_SECONDS = 1.0
"""So long the rest of an answer is waited for, only to part politely."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answered."""

    status: int | None
    """None where it did not answer."""
    trouble: str = ""
    """Why it did not, in one word."""
    retry_after: float | None = None
    """After how many seconds it wants to hear from us again."""


def post(endpoint: Endpoint, headers: dict[str, str], body: bytes, trust: Trust, seconds: float = ATTEMPT_SECONDS) -> Reply:
    """Post a body once."""
    deadline = time.monotonic() + seconds
    try:
        opened = connect(endpoint.host, endpoint.port, secure=endpoint.secure, trust=trust, deadline=deadline)
    except NoConnection as trouble:
        return Reply(None, str(trouble))
    with opened:
        try:
            return _exchange(opened, endpoint, headers, body, deadline)
        except TimeoutError:
            return Reply(None, "timeout")
        except OSError:
            return Reply(None, "connection_lost")
        except h11.ProtocolError:
            return Reply(None, "no_http")


def _exchange(opened: socket.socket, endpoint: Endpoint, headers: dict[str, str], body: bytes, deadline: float) -> Reply:
    spoken = h11.Connection(h11.CLIENT, max_incomplete_event_size=READ_BYTES)
    own = {"Host": endpoint.authority, "User-Agent": "trialwise", "Content-Length": str(len(body)), "Connection": "close"}
    request = h11.Request(method="POST", target=endpoint.target, headers=list((own | headers).items()))
    parts = [spoken.send(event) for event in (request, h11.Data(data=body), h11.EndOfMessage())]
    _limit(opened, deadline)
    opened.sendall(b"".join(part for part in parts if part))
    left = READ_BYTES
    reply = None
    while True:
        event = spoken.next_event()
        if isinstance(event, h11.Response):
            reply = Reply(event.status_code, "", _retry_after(dict(event.headers).get(b"retry-after")))
            deadline = min(deadline, time.monotonic() + LINGER_SECONDS)
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or left <= 0:
            return reply or Reply(None, "no_http")
        elif event is h11.NEED_DATA:
            # Once the status is known the rest may be missing.
            with contextlib.suppress(*((OSError,) if reply else ())):
                _limit(opened, deadline)
                read = opened.recv(left)
                left -= len(read)
                spoken.receive_data(read)
                continue
            return reply or Reply(None, "no_http")


def _limit(opened: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    opened.settimeout(left)


def _retry_after(text: bytes | None) -> float | None:
    """Read a Retry-After: seconds, or a date of HTTP."""
    if text is None:
        return None
    if text.isdigit() and len(text) < 9:
        return float(text)
    try:
        moment = parsedate_to_datetime(text.decode("ascii"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
