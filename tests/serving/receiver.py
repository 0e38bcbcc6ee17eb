"""A real receiver of webhooks: it keeps what was posted, answers as it is told, and verifies signatures by the specification."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass
class Post:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def verify(self, key: bytes = KEY, now: float | None = None) -> None:
        """Check the signature as Standard Webhooks 1.0.0 tells a receiver to, or raise."""
        sent = int(self.headers["webhook-timestamp"])
        assert abs((time.time() if now is None else now) - sent) <= 300, "older than the five minutes that are tolerated"
        mac = hmac.new(key, digestmod=hashlib.sha256)
        for part in (self.id.encode("ascii"), b".", self.headers["webhook-timestamp"].encode("ascii"), b".", self.body):
            mac.update(part)
        wanted = base64.b64encode(mac.digest()).decode()
        versions = [one.partition(",") for one in self.headers["webhook-signature"].split(" ")]
        assert any(version == "v1" and hmac.compare_digest(given, wanted) for version, _, given in versions), "forged"


@dataclass
class Receiver:
    """What arrived, and what is answered next: a status, or a status with headers; the last one stays."""

    port: int = 0
    posts: list[Post] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(204, {})])

    def will(self, *answers: int | tuple[int, dict[str, str]]) -> None:
        self.answers = [one if isinstance(one, tuple) else (one, {}) for one in answers]

    def url(self, path: str = "/hook?a=x") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def ids(self) -> list[str]:
        return [post.id for post in self.posts]


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver, lock = Receiver(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # whoever does not like our certificate hangs up
                super().handle()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                receiver.posts.append(Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                status, headers = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
            self.send_response(status)
            for name, value in ({"Content-Length": "0"} | headers).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def speaking(*parts: bytes, pause: float = 0.0) -> Iterator[tuple[int, list[int]]]:
    """A server of raw bytes: it writes some parts with pauses to whoever connects. Yields its port and the connections so far."""
    connections: list[int] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connections.append(1)
            try:
                self.request.recv(65536)
                for part in parts:
                    self.request.sendall(part)
                    time.sleep(pause)
            except OSError:
                pass

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1], connections
        finally:
            server.shutdown()
            thread.join()
