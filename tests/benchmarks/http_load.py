"""A small load generator: so many connections, each sending the next request when the last one is answered.

It writes bytes that were made beforehand and reads only what it needs of the answers, so that it costs far less than any server.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from pathlib import Path

CONNECTIONS = 8


async def _one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """Send a request and return its answer's body; anything but 200 ends the run."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
    body = await reader.readexactly(length)
    if b" 200 " not in lines[0]:
        raise SystemExit(f"{lines[0].decode()}: {body[:500].decode()}")
    return body


async def run(port: int, requests: list[bytes], seconds: float) -> dict[str, float]:
    """Send requests for some seconds after a warm-up of a fifth of that; return requests/s and milliseconds at p50 and p99."""
    turn = itertools.cycle(requests)
    begin = time.perf_counter() + seconds / 5
    took: list[float] = []
    sent = 0

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        nonlocal sent
        while (now := time.perf_counter()) < begin + seconds:
            await _one(reader, writer, next(turn))
            sent += 1
            if now >= begin:
                took.append(time.perf_counter() - now)
        writer.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    took.sort()
    return {
        "requests": sent,
        "rate": len(took) / seconds,
        "p50": took[len(took) // 2] * 1e3,
        "p99": took[int(len(took) * 0.99)] * 1e3,
    }


def posts(path: str, bodies: list[bytes], key: str | None) -> list[bytes]:
    """Return whole requests, ready to be written."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"Authorization: Bearer {key}"] if key else []
    return ["\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body for body in bodies]


def main() -> None:
    """Load one server and print what it did as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bodies", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--key")
    parser.add_argument("--seconds", type=float, default=10)
    asked = parser.parse_args()
    bodies = [json.dumps(one).encode() for one in json.loads(asked.bodies.read_text(encoding="utf-8"))]
    print(json.dumps(asyncio.run(run(asked.port, posts(asked.path, bodies, asked.key), asked.seconds))))


if __name__ == "__main__":
    main()
