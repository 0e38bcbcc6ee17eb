"""Pressure on a server: requests come at a pace of their own, whether the ones before are answered or not.

One thread and one selector, without an event loop: what it measures must be the server's time and not its own. How late it was
itself it says with each answer.
"""

from __future__ import annotations

import gc
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Told(NamedTuple):
    """One answer: to which kind of request, its status and how many seconds it took from when it was really sent."""

    kind: str
    status: int
    seconds: float
    sent: float
    """Seconds after the beginning."""
    late: float
    """Seconds that it was sent too late, or that its answer lay there unread: its own fault, or no connection was free."""


ACCEPTED_SECONDS = 0.5
"""Until all connections stand: libuv accepts one in each turn of the loop, so a crowd that comes at once waits at the port."""

Wave = Iterator[tuple[str, bytes]]
"""Kinds and whole requests, without end."""


class Asking:
    """A connection, and what it waits for."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.kind, self.sent, self.late, self.got = "", 0.0, 0.0, b""

    def send(self, kind: str, request: bytes, due: float) -> None:
        self.kind, self.got, self.sent = kind, b"", time.perf_counter()
        self.late = self.sent - due
        self.socket.sendall(request)

    def status(self) -> int | None:
        """Read what is there; return the status once the answer is whole."""
        part = self.socket.recv(1 << 18)
        assert part, "the server closed the connection"
        self.got += part
        head, ended, body = self.got.partition(b"\r\n\r\n")
        if not ended or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]):
            return None
        return int(head[9:12])


def press(port: int, requests: Wave, seconds: float, *, rate: float | None = None, connections: int = 8) -> list[Told]:
    """Send requests for some seconds, at a rate or, without one, each connection the next when the last one is answered."""
    told: list[Told] = []
    free = deque(Asking(port) for _ in range(connections))
    every = tuple(free)
    selector = selectors.DefaultSelector()
    for one in free:
        selector.register(one.socket, selectors.EVENT_READ, one)
    time.sleep(ACCEPTED_SECONDS)
    with undisturbed():
        begin = now = time.perf_counter()
        step, due = (1 / rate if rate is not None else 0.0), begin
        while now < begin + seconds or len(free) < connections:
            while free and due <= now < begin + seconds:
                free.popleft().send(*next(requests), due if rate is not None else now)
                due, now = due + step, time.perf_counter()
            wait = max(0.0, min(due, begin + seconds) - now) if free and now < begin + seconds else 60.0
            ready = selector.select(wait)
            woken = time.perf_counter()
            for key, _ in ready:
                one, now = key.data, time.perf_counter()
                if (status := one.status()) is not None:
                    told.append(Told(one.kind, status, now - one.sent, one.sent - begin, max(one.late, now - woken)))
                    free.append(one)
            now = time.perf_counter()
    for one in every:
        one.socket.close()
    return told


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let Python not look for garbage meanwhile: with all that tests import, that stops the generator for a fifth of a second."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def posted(path: str, body: bytes) -> bytes:
    """Return a whole request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def percentile(told: list[Told], share: float, *statuses: int) -> float:
    """Return the milliseconds within which a share of the answers of some statuses came; 0 where there is none."""
    return share_of([one.seconds for one in told if one.status in statuses], share)


def share_of(seconds: list[float], share: float) -> float:
    """Return the milliseconds that a share of some times does not exceed; 0 where there is none."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))] * 1e3 if seconds else 0.0
