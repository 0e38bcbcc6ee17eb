"""A real server in its own process: who may listen, what survives kill -9, and how long a slow client is suffered (check 28)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import InputError, OutsideError
from features.store import EventStore
from serving import api_keys, run
from serving.guards import EVENT_LIMIT, SCORE_LIMIT
from serving.settings import Settings
from tests.serving.conftest import wait_for

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def server(folder: Path, home: Path, workers: int = 1, **more: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    port = free_port()
    code = f"from serving.run import serve; serve({str(folder / 'acme.yaml')!r}, port={port}, workers={workers}, open_=True)"
    environment = os.environ | {"TRIALWISE_HOME": str(home), "TRIALWISE_DRAIN_SECONDS": "0"} | more
    log = (home / f"log-{port}").open("wb")
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            wait_for(lambda: process.poll() is not None or answers(client), 60)
            yield client, process
    finally:
        if workers == 1:
            process.kill()
        else:
            process.terminate()
        process.wait(timeout=30)
        log.close()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def track(message_id: str) -> dict[str, Any]:
    return {"type": "track", "userId": "a/b%2F", "event": "Login", "messageId": message_id}


HOST = b"Host: 127.0.0.1\r\n"
JSON = b"Content-Type: application/json\r\nConnection: close\r\n"
NOISE = {
    b"GET /livez HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\nConnection: close\r\n\r\n": 421,
    b"GET /livez HTTP/1.1\r\nHost: a/?\r\nConnection: close\r\n\r\n": 421,
    b"POST /v1/track HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 400,
    b"POST /v1/track HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}": 400,
    b"POST /v1/track HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
    b"FOO /livez HTTP/1.1\r\n\r\n": 400,
    b"\x16\x03\x01\x02\x00\r\n\r\n": 400,
    b"POST /v1/track HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: %d\r\n\r\n" % (EVENT_LIMIT + 1): 413,
    b"POST /v1/score HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: %d\r\n\r\n" % (SCORE_LIMIT + 1): 413,
    b"GET /nothing HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n": 404,
    b"GET /v1/model/ HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n": 404,
}
"""What is no request, or one with two meanings, or says of a body that it will be too large, and the status that answers it."""


@pytest.mark.slow  # three servers; tests/faults/test_crash.py kills five, also by make test-slow
def test_what_was_acknowledged_survives_kill_9_and_counts_once(folder: Path, tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for turn in range(3):
        with server(folder, tmp_path) as (client, process):
            stop = threading.Event()
            client.get("/readyz")

            def send(worker: int, turn: int = turn, client: httpx.Client = client, stop: threading.Event = stop) -> None:
                i = 0
                while not stop.is_set():
                    ids = [f"{turn}-{worker}-{i}-{j}" for j in range(5)]
                    try:
                        answer = client.post("/v1/batch", json={"batch": [track(one) for one in ids + ids[:1]]})
                    except httpx.TransportError:
                        return
                    if answer.status_code == 200:
                        acknowledged.update(ids)
                    i += 1

            threads = [threading.Thread(target=send, args=(worker,)) for worker in range(4)]
            for thread in threads:
                thread.start()
            time.sleep(0.4)
            process.send_signal(signal.SIGKILL)
            process.wait()
            stop.set()
            for thread in threads:
                thread.join()
    assert len(acknowledged) > 20
    store = EventStore(f"sqlite:///{tmp_path / 'trialwise.db'}")
    with store.reading() as connection:
        stored = [row[0] for row in connection.exec_driver_sql("SELECT message_id FROM event")]
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    store.close()
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored)


def test_a_server_without_a_model_lives_takes_events_and_drains(folder: Path, tmp_path: Path) -> None:
    with server(folder, tmp_path) as (client, process):
        assert client.get("/readyz").status_code == 503
        assert client.post("/v1/track", json=track("1")).json()["accepted"] == 1
        found = client.get("/v1/leads/a%2Fb%252F/features").json()
        assert (found["lead_id"], found["features"]["any_count_all"]) == ("a/b%2F", 1)
        for noise, status in NOISE.items():
            with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as raw:
                raw.sendall(noise)
                answer = raw.makefile("rb").read()
            assert answer.startswith(f"HTTP/1.1 {status}".encode()), noise
            assert b"content-type: application/problem+json" in answer.lower()
        process.terminate()
        assert process.wait(timeout=20) == 0


@pytest.mark.slow
def test_two_workers_share_one_store(folder: Path, tmp_path: Path) -> None:
    with server(folder, tmp_path, workers=2) as (client, _):
        told = []
        for i in range(40):
            with httpx.Client(base_url=client.base_url) as fresh:
                told.append(fresh.post("/v1/track", json=track(str(i // 2))).json()["accepted"])
        assert sum(told) == 20
        assert client.get("/v1/leads/a%2Fb%252F/features").json()["features"]["any_count_all"] == 20


def test_a_request_that_never_ends_is_cut_off(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import serving.connections; serving.connections.RECEIVE_SECONDS = 0.5; from serving.run import serve;"
    code += f"serve({str(folder / 'acme.yaml')!r}, port=%d, open_=True)"
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", code % port], cwd=ROOT, env=os.environ | {"TRIALWISE_HOME": str(tmp_path)})
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            wait_for(lambda: answers(client), 60)
            head = f"POST /v1/track HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            head += "Content-Length: 100\r\n\r\n"
            for start in (b"GET /livez HTTP/1.1\r\nHo", head.encode() + b'{"userId"', b""):
                with socket.create_connection(("127.0.0.1", port)) as slow:
                    slow.sendall(start)
                    slow.settimeout(10)
                    begin = time.monotonic()
                    try:
                        rest = slow.recv(100)
                    except ConnectionResetError:
                        rest = b""
                    assert rest == b""
                    assert 0.3 < time.monotonic() - begin < 5
            time.sleep(0.7)
            assert client.get("/livez").status_code == 200
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow  # what the client sends is tested with every commit, the clients themselves by make test-slow
def test_segments_own_client_is_understood(folder: Path, tmp_path: Path) -> None:
    from segment.analytics.client import Client

    failures: list[object] = []
    with server(folder, tmp_path) as (client, _):
        for zipped in (False, True):
            sender = Client(
                write_key="any", host=str(client.base_url).rstrip("/"), gzip=zipped, sync_mode=False, max_retries=1,
                on_error=lambda error, _items: failures.append(error),
            )  # fmt: skip
            sender.identify("ada", {"country": "DE"}, anonymous_id="anon")
            sender.track("ada", "Feature Exported", {"minutes": 2.5})
            sender.page("ada", "docs", "Home", {"path": "/docs"})
            sender.screen("ada", "app", "Start")
            sender.group("ada", "acme", {"plan": "pro"})
            sender.alias("old", "ada")
            sender.flush()
            sender.shutdown()
        assert failures == []
        metrics = client.get("/metrics").text
    assert 'trialwise_events_total{outcome="accepted"} 12.0' in metrics
    store = EventStore(f"sqlite:///{tmp_path / 'trialwise.db'}")
    ada = store.lead("ada")
    assert ada is not None
    assert sorted(event.name for event in ada.events) == ["Feature Exported"] * 2 + ["page:/docs"] * 2 + ["screen:Start"] * 2
    assert {event.properties for event in ada.events} == {'{"minutes":2.5}', '{"path":"/docs"}', "{}"} | {
        event.properties for event in ada.events if event.name.startswith("screen")
    }
    assert [(fact.name, fact.value) for fact in ada.facts][:1] == [("country", "DE")]
    assert [account for account, _ in ada.accounts] == ["acme"]
    with store.reading() as connection:
        links = connection.exec_driver_sql("SELECT from_id, to_id FROM identity_link ORDER BY from_id").all()
    store.close()
    assert [tuple(link) for link in links] == [("anon", "ada"), ("old", "ada")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", key_secret="x")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.com"])
def test_an_open_server_listens_on_loopback_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(InputError, match="an open server listens on loopback only"):
        run.may_listen(Settings(tmp_path, f"sqlite:///{tmp_path / 's.db'}", open_to_all=True), host)


def test_a_closed_server_needs_a_key(settings: Settings) -> None:
    with pytest.raises(InputError, match="the server has no keys"):
        run.may_listen(settings, "0.0.0.0")
    store = EventStore(settings.database_url)
    made = api_keys.mint(store, b"x", ["score"])
    run.may_listen(settings, "0.0.0.0")
    store.keys.revoke(made["id"], 1)
    store.close()
    with pytest.raises(InputError, match="the server has no keys"):
        run.may_listen(settings, "0.0.0.0")


def test_a_damaged_store_is_said_before_any_process_starts(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("not a database, and longer than the header of one would be: " * 20)
    with pytest.raises(OutsideError, match="the store is not available"):
        run.may_listen(Settings(tmp_path, f"sqlite:///{tmp_path / 's.db'}", open_to_all=True), "127.0.0.1")


def test_another_secret_than_that_of_the_forgotten_is_said_before_any_process_starts(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    store = EventStore(url)
    store.migrate()
    store.add_tombstones(["a"], b"x", 1)
    store.close()
    run.may_listen(Settings(tmp_path, url, key_secret="x", open_to_all=True), "127.0.0.1")
    with pytest.raises(InputError, match="forgotten under another secret"):
        run.may_listen(Settings(tmp_path, url, key_secret="y", open_to_all=True), "127.0.0.1")


def test_a_port_in_use_is_said_in_words(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OutsideError, match="in use"):
            run.serve(folder / "acme.yaml", port=taken.getsockname()[1], open_=True)
