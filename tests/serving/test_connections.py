"""Around a request: what grows without end, what comes after the body, who takes no answer, and who sends nothing more."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from serving import connections
from serving.connections import AROUND_LIMIT, KEPT_FILES, PatientProtocol, most_connections, open_more_files
from tests.serving.conftest import wait_for
from tests.serving.test_run import free_port

HOST = b"Host: a\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"
BIG = 32 * 1024 * 1024


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Say which headers a request has and how long its body is, or answer with very much."""
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    names = b",".join(sorted(name for name, _ in scope["headers"]))
    body = b"x" * BIG if scope["path"] == "/big" else b"%d %s" % (size, names)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def port() -> Iterator[int]:
    found = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=found, http=PatientProtocol, ws="none", lifespan="off", log_level="critical")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started)
    yield found
    server.should_exit = server.force_exit = True
    thread.join()


@contextmanager
def opened(port: int, sent: bytes = b"") -> Iterator[socket.socket]:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(20)
        one.connect(("127.0.0.1", port))
        one.sendall(sent)
        yield one


def answer(one: socket.socket) -> bytes:
    """Return the body of an answer."""
    file = one.makefile("rb")
    length = 0
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        length = int(value) if name == b"content-length" else length
    return file.read(length)


def is_closed(one: socket.socket) -> bool:
    try:
        return one.recv(65536) == b""
    except ConnectionResetError:
        return True


def test_what_follows_the_body_is_no_header(port: int) -> None:
    """A proxy that checks or strips headers has not seen it."""
    after = b"5\r\nhello\r\n0\r\nAuthorization: Bearer x\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n"
    with opened(port, POST + b"\r\n" + after) as one:
        assert answer(one) == b"5 host,transfer-encoding"
    with opened(port, POST + b"\r\n") as one:
        one.sendall(after)
        assert answer(one) == b"5 host,transfer-encoding"


ENDLESS: dict[str, tuple[bytes, Callable[[int], bytes]]] = {
    "a header": (b"GET / HTTP/1.1\r\nX: ", lambda _: b"a" * 4096),
    "headers": (b"GET / HTTP/1.1\r\n", lambda i: b"".join(b"X%d-%d: a\r\n" % (i, j) for j in range(300))),
    "an address": (b"GET /", lambda _: b"a" * 4096),
    "an extension": (POST + b"\r\n5;", lambda _: b"a" * 4096),
    "what follows": (POST + b"\r\n0\r\nX: ", lambda _: b"a" * 4096),
    "pieces of one byte": (POST + b"\r\n", lambda _: b"1\r\nx\r\n" * 700),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_grows_without_end_is_refused(port: int, name: str) -> None:
    begin, more = ENDLESS[name]
    got, sent = b"", 0
    with opened(port, begin) as one:
        while sent < 40 * AROUND_LIMIT and not got:
            try:
                sent += one.send(more(sent))
                one.settimeout(0.001)
                got = one.recv(100)
            except TimeoutError:
                one.settimeout(20)
            except OSError:
                got = b"reset"
    assert got.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400", b"reset"))
    assert sent < 8 * AROUND_LIMIT


def test_a_long_body_in_pieces_is_none_of_that(port: int) -> None:
    with opened(port, POST + b"\r\n") as one:
        for _ in range(100):
            one.sendall(b"".join(b"10\r\n" + b"x" * 16 + b"\r\n" for _ in range(300)))
        one.sendall(b"0\r\n\r\n")
        assert answer(one).startswith(b"480000 ")


@pytest.mark.parametrize("sent", [b"\r\n", b"\r", b"\n\n"])
def test_who_sends_nothing_more_is_cut_off(port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line end between two requests begins none, and stops the clock of uvicorn for good."""
    monkeypatch.setattr(connections, "RECEIVE_SECONDS", 0.3)
    with opened(port, b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") as one:
        assert answer(one).startswith(b"0 ")
        one.sendall(sent)
        assert is_closed(one)


def test_who_does_not_take_the_answer_is_cut_off_and_who_does_is_not(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SEND_SECONDS", 0.5)
    monkeypatch.setattr(connections, "SEND_BYTES", 1)
    asked = b"GET /big HTTP/1.1\r\n" + HOST + b"\r\n"
    with opened(port, asked) as idle, opened(port, asked) as busy:
        assert len(answer(busy)) == BIG
        time.sleep(1.5)
        got = 0
        try:
            while part := idle.recv(1 << 20):
                got += len(part)
        except ConnectionResetError:
            pass
        assert got < BIG


def test_some_files_are_left_for_the_store(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 3)
    ask = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
    with opened(port, ask) as a, opened(port, ask) as b, opened(port, ask) as c:
        assert all(answer(one) for one in (a, b, c))
        with opened(port) as d:
            assert is_closed(d)
    assert most_connections() == max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - KEPT_FILES, 16)


def test_more_files_than_a_shell_grants(monkeypatch: pytest.MonkeyPatch) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    told: list[Any] = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: told.append(limits))
    for limits, wanted in {(1024, 2000): (2000, 2000), (1024, -1): (8192, -1), (1024, 10**6): (8192, 10**6)}.items():
        monkeypatch.setattr(resource, "getrlimit", lambda which, limits=limits: limits)
        open_more_files()
        assert told.pop() == wanted
    for limits in ((-1, -1), (9000, 9000), (500, 500)):
        monkeypatch.setattr(resource, "getrlimit", lambda which, limits=limits: limits)
        open_more_files()
    assert told == []
    monkeypatch.undo()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
