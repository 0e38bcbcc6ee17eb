"""The JavaScript clients: installed from their lock, run by node, and in a browser on a page of another origin."""

from __future__ import annotations

import fcntl
import functools
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).with_name("clients")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def install() -> None:
    """Install the clients as the lock says, once for all test processes."""
    if shutil.which("npm") is None:
        pytest.skip("no npm here")
    with (FOLDER / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = FOLDER / "node_modules" / ".package-lock.json"
        if not made.exists() or made.stat().st_mtime < (FOLDER / "package-lock.json").stat().st_mtime:
            subprocess.run(["npm", "ci"], cwd=FOLDER, check=True, capture_output=True, timeout=300)


def node(script: str, *arguments: object) -> dict[str, Any]:
    """Run a script of the folder and return what it says."""
    done = subprocess.run(
        ["node", script, *(str(one) for one in arguments)], cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def pages() -> Iterator[int]:
    """Serve the folder with its page and the clients; yields the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(FOLDER))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
