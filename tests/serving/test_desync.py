"""Requests with two meanings: refused and cut off, or judged exactly like the plain one. And clients without end.

That is check 29 and check 31.
"""

from __future__ import annotations

import os
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from features.workspace import Workspace
from serving.app import create_app
from serving.connections import RECEIVE_SECONDS
from serving.limits import Limits
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry
from tests.serving.test_run import server

HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST /v1/track HTTP/1.1\r\n" + HOST
SMUGGLED = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"
REFUSED = {
    "both lengths": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "both, the other way round": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + SMUGGLED,
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
    "a length that is none": POST + b"Content-Length: 2, 2\r\n\r\n{}" + SMUGGLED,
    "a chunk of no size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk that ends wrong": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n" + SMUGGLED,
    "chunked before another": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a coding that nobody undoes": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunked, as HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "two keys": b"GET /v1/model HTTP/1.1\r\n" + HOST + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n" + SMUGGLED,
    "a header folded": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "lines that end half": (b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n").replace(b"\r\n", b"\n") + SMUGGLED,
    "a size beyond 64 bits": POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a header without a name": b"GET /livez HTTP/1.1\r\n" + HOST + b": x\r\n\r\n",
    "a blank before the colon": POST + b"Content-Length : 2\r\n\r\n{}" + SMUGGLED,
    "no version": b"GET /livez\r\n\r\n" + SMUGGLED,
    "a NUL in a header": b"GET /livez HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
    "a control in the address": b"GET /li\x01vez HTTP/1.1\r\n" + HOST + b"\r\n",
}
"""What has two meanings: whoever stands in front may have read another request out of it."""

TRICKS: dict[str, tuple[str, str, dict[str, str]]] = {
    "two slashes": ("GET", "//v1/model", {}),
    "a dot": ("GET", "/./v1/model", {}),
    "up and down": ("GET", "/livez/../v1/model", {}),
    "coded up and down": ("GET", "/livez/%2e%2e/v1/model", {}),
    "a coded slash": ("GET", "/v1%2fmodel", {}),
    "an at sign": ("GET", "/@evil.example/v1/model", {}),
    "a semicolon": ("GET", "/v1/model;/livez", {}),
    "a slash at the end": ("GET", "/v1/model/", {}),
    "capitals": ("GET", "/V1/MODEL", {}),
    "another address in a header": ("GET", "/v1/model", {"X-Original-URL": "/livez", "X-Rewrite-URL": "/livez"}),
    "another method in a header": ("GET", "/v1/model", {"X-HTTP-Method-Override": "HEAD", "X-Method-Override": "GET"}),
    "another host in a header": ("GET", "/v1/model", {"X-Forwarded-Host": "localhost", "X-Forwarded-For": "127.0.0.1"}),
    "a method of its own": ("LIVEZ", "/v1/model", {}),
    "head": ("HEAD", "/v1/model", {}),
    "a question in the host": ("GET", "/v1/model", {"Host": "a/?"}),
    "a name before the host": ("GET", "/v1/model", {"Host": "admin@localhost"}),
}


@pytest.fixture
def closed(workspace: Workspace, tmp_path: Path, registry: FakeRegistry) -> Iterator[TestClient]:
    settings = Settings(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", key_secret="x")
    patient = replace(settings, limits=Limits(failed_logins=1000))
    with TestClient(create_app(workspace, patient, source=registry), base_url="http://example.com") as client:
        yield client


@pytest.mark.parametrize("name", TRICKS)
def test_no_trick_opens_a_door(closed: TestClient, name: str) -> None:
    method, path, headers = TRICKS[name]
    answer = closed.request(method, path, headers=headers, follow_redirects=False)
    assert answer.status_code in (400, 401, 404, 405), answer.text
    if method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json"


def raw(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=RECEIVE_SECONDS + 10)


def test_what_has_two_meanings_is_refused_and_cut_off(folder: Path, tmp_path: Path) -> None:
    with server(folder, tmp_path) as (client, _):
        for name, sent in REFUSED.items():
            with raw(client) as one:
                one.sendall(sent)
                answer = one.makefile("rb").read()  # to the end: the connection is closed
            assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 421")), (name, answer[:60])
            assert answer.count(b"HTTP/1.1") == 1, name
            assert b"trialwise_" not in answer, name


@pytest.mark.faults
def test_seven_hundred_slow_clients_are_cut_off_and_others_served(folder: Path, tmp_path: Path) -> None:
    with server(folder, tmp_path) as (client, process), ExitStack() as stack:
        descriptors = Path(f"/proc/{process.pid}/fd")
        before = len(os.listdir(descriptors))
        heads = [stack.enter_context(raw(client)) for _ in range(500)]
        bodies = [stack.enter_context(raw(client)) for _ in range(200)]
        begin = time.monotonic()
        for one in heads:
            one.sendall(b"GET /livez HTTP/1.1\r\nHo")
        for one in bodies:
            one.sendall(POST + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        ended: list[float] = []

        def trickle() -> None:
            left = set(bodies)
            while left and time.monotonic() - begin < 60:
                time.sleep(1)
                for one in tuple(left):
                    try:
                        one.sendall(b" ")
                    except OSError:
                        left.discard(one)
                        ended.append(time.monotonic() - begin)

        thread = threading.Thread(target=trickle)
        thread.start()
        times = []
        while thread.is_alive() and time.monotonic() - begin < 60:
            start = time.perf_counter()
            assert client.post("/v1/batch", json={"batch": []}).status_code == 200
            times.append(time.perf_counter() - start)
            time.sleep(0.05)
        thread.join()
        assert len(ended) == 200
        assert max(ended) <= RECEIVE_SECONDS + 3  # a write is refused only after the close has come back
        for one in heads:
            with suppress(ConnectionResetError):
                assert one.recv(1) == b""
        assert statistics.quantiles(times, n=100)[98] < 0.25
        assert len(os.listdir(descriptors)) <= before + 2
