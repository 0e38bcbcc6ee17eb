"""Pressure on a server: requests come at a pace of their own, whether the ones before are answered or not."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from typing import NamedTuple


class Told(NamedTuple):
    """One answer: to which kind of request, its status and how many seconds it took."""

    kind: str
    status: int
    seconds: float


Wave = Iterator[tuple[str, bytes]]
"""Kinds and whole requests, without end."""


async def press(port: int, requests: Wave, seconds: float, *, rate: float | None = None, connections: int = 8) -> list[Told]:
    """Send requests for some seconds, at a rate or, without one, each connection the next when the last one is answered."""
    told: list[Told] = []
    begin = time.perf_counter()
    due = (begin + place / rate for place in itertools.count()) if rate is not None else itertools.repeat(begin)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (at := next(due)) < begin + seconds and (now := time.perf_counter()) < begin + seconds:
            if at > now:
                await asyncio.sleep(at - now)
            kind, request = next(requests)
            sent = time.perf_counter()
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            told.append(Told(kind, int(head[9:12]), time.perf_counter() - sent))
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return told


def posted(path: str, body: bytes) -> bytes:
    """Return a whole request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def percentile(told: list[Told], share: float, *statuses: int) -> float:
    """Return the milliseconds within which a share of the answers of some statuses came; 0 where there is none."""
    took = sorted(one.seconds for one in told if one.status in statuses)
    return took[min(len(took) - 1, int(share * len(took)))] * 1e3 if took else 0.0
