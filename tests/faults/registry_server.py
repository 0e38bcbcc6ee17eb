"""A tracking server of five addresses, which serves one model and can be told to fail: slowly, with 500s, or in the middle."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from models import artifact
from models.registry import DIGEST_TAG

API = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
MOODS = ("down", "errors", "cut", "slow", "nonsense")


class Tracking:
    """What the server is told to be like, and how often it was asked who is champion."""

    def __init__(self, models: Mapping[str, Path]) -> None:
        self.models = models
        self.version = "1"
        self.mood = "well"
        self.asked = 0
        self.champion_asked: list[float] = []
        """When, on the monotonic clock, the champion was asked for."""
        self.patience = threading.Event()
        """Set when nobody is to be kept waiting any more."""

    def answer(self, address: str) -> tuple[int, bytes]:
        """Return status and body of an address."""
        path, _, query = address.partition("?")
        told = {key: values[0] for key, values in urllib.parse.parse_qs(query).items()}
        if path == f"{API}registered-models/alias":
            self.asked += 1
            if told.get("alias") != "champion":
                return 404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}).encode()
            self.champion_asked.append(time.monotonic())
            return 200, json.dumps({"model_version": self._told()}).encode()
        if path == f"{API}registered-models/get":
            return 200, json.dumps({"registered_model": {"name": "acme"}}).encode()
        if path == f"{API}model-versions/get-download-uri":
            return 200, json.dumps({"artifact_uri": f"mlflow-artifacts:/{told['version']}"}).encode()
        if path == FILES:
            folder = self.models[told["path"].partition("/")[0]]
            inside = told["path"].endswith("/data/scorer")
            files = [{"path": file.name, "is_dir": False, "file_size": file.stat().st_size} for file in folder.iterdir()]
            return 200, json.dumps({"files": files if inside else []}).encode()
        version, _, name = path.removeprefix(f"{FILES}/").partition("/data/scorer/")
        if not name:
            return 404, b"{}"
        return 200, (self.models[version] / name).read_bytes()

    def _told(self) -> dict[str, object]:
        tags = [{"key": DIGEST_TAG, "value": artifact.folder_digest(self.models[self.version])}]
        return {"name": "acme", "version": self.version, "run_id": "run", "tags": tags, "creation_timestamp": 1}


class _Handler(BaseHTTPRequestHandler):
    tracking: Tracking

    def do_GET(self) -> None:
        mood = self.tracking.mood
        status, body = self.tracking.answer(self.path)
        self.close_connection = True
        if mood == "down":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if mood == "slow":
            self.tracking.patience.wait(30)
        if mood == "errors":
            status, body = 500, b"no luck"
        if mood == "nonsense":
            body = b"<html>a proxy says hello</html>"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        is_file = self.path.startswith(f"{FILES}/")
        self.wfile.write(body[: len(body) // 2] if mood == "cut" and is_file else body)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def tracking_server(models: Mapping[str, Path]) -> Iterator[tuple[Tracking, str]]:
    """Yield the server and its address."""
    tracking = Tracking(models)
    here = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (_Handler,), {"tracking": tracking}))
    here.daemon_threads = True
    thread = threading.Thread(target=here.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield tracking, f"http://127.0.0.1:{here.server_port}"
    finally:
        tracking.patience.set()
        here.shutdown()
        here.server_close()
        thread.join()
