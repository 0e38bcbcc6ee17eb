"""Slow clients in numbers: heads and bodies of a byte a second, and heads that stop halfway, beside one that is healthy.

That is check 29.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from serving.connections import RECEIVE_SECONDS
from tests.serving.conftest import wait_for
from tests.serving.pressing import share_of
from tests.serving.test_draining import is_ready, keep
from tests.serving.test_overload_live import SCORED, Row, resident_mb, table
from tests.serving.test_run import server

SECONDS, TRICKLING, HALF_SENT = 60, 200, 500
HEAD = b"POST /v1/track HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
PATIENT = RECEIVE_SECONDS + 2
"""Seconds within which a slow one has to be cut off: its clock, a byte a second, and the turn in which this test looks."""


class Slow:
    """A connection that sends what it has at once, and then a byte a second if it has more to say."""

    def __init__(self, port: int, number: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.opened, self.trickles = time.monotonic(), number < TRICKLING
        self.socket.sendall(HEAD if self.trickles and number % 2 else HEAD[:60])
        self.socket.setblocking(False)

    def is_cut_off(self) -> bool:
        """Send a byte, if it is one that does, and tell whether the server has had enough."""
        try:
            if self.trickles:
                self.socket.send(b"x")
            return self.socket.recv(100) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


@pytest.mark.faults
def test_slow_clients_keep_nobody_out(folder: Path, tmp_path: Path, models: dict[str, Path]) -> None:
    """Whoever is cut off comes again at once, so there are as many of them all the time."""
    keep(tmp_path, models)
    with server(folder, tmp_path) as (client, process):
        wait_for(lambda: is_ready(client), 60)
        port, files = client.base_url.port or 0, Path(f"/proc/{process.pid}/fd")
        for _ in range(200):
            client.post("/v1/score", json=SCORED)
        before, open_before = resident_mb(process.pid), len(os.listdir(files))
        slow = [Slow(port, number) for number in range(TRICKLING + HALF_SENT)]
        lived: list[float] = []
        took: list[float] = []
        begin = time.monotonic()
        while (now := time.monotonic()) < begin + SECONDS:
            for number, one in enumerate(slow):
                if one.is_cut_off():
                    lived.append(now - one.opened)
                    one.socket.close()
                    slow[number] = Slow(port, number)
            while time.monotonic() < now + 1:
                asked = time.perf_counter()
                assert client.post("/v1/score", json=SCORED).status_code == 200
                took.append(time.perf_counter() - asked)
                time.sleep(0.02)
        during = resident_mb(process.pid)
        oldest = max(time.monotonic() - one.opened for one in slow)
        for one in slow:
            one.socket.close()
        wait_for(lambda: len(os.listdir(files)) <= open_before + 4, 20)
    table(
        Row("healthy client p50, ms", share_of(took, 0.5)),
        Row("healthy client p99, ms", share_of(took, 0.99), 250),
        Row("longest life of a slow one, s", max([*lived, oldest]), PATIENT),
        Row("cut off", len(lived)),
        Row("memory grew by, MB", during - before, 30),
    )
    assert len(lived) >= 3 * (TRICKLING + HALF_SENT)
    assert max([*lived, oldest]) <= PATIENT + 3  # a second or two later on a machine that is busy
    assert during - before < 30
