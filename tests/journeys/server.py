"""A real server in its own process, for journeys over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
READY_SECONDS = 90.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(workspace: Path, home: Path, *options: str, key: str | None = None, ready: bool = True) -> Iterator[httpx.Client]:
    """Run ``trialwise serve`` (open, unless a key is given) until the block ends; yields a client of it."""
    port = free_port()
    command = [sys.executable, "-m", "trialwise", "serve", "-w", str(workspace), "--port", str(port), *options]
    if key is None:
        command.append("--open")
    log = home / f"server-{port}.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"TRIALWISE_HOME": str(home)}, stdout=out, stderr=out)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
            try:
                wait(client, process, "/readyz" if ready else "/livez", log)
                yield client
            finally:
                process.terminate()
                process.wait(timeout=30)


def wait(client: httpx.Client, process: subprocess.Popen[bytes], path: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get(path).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{path} never answered 200:\n{log.read_text(encoding='utf-8')[-3000:]}")
