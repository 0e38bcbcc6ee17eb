"""Overload: what there is no room for is refused at once, before its body is read, and room that was taken is given back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request

from features.store import EventStore
from features.workspace import Workspace
from serving import ingest_routes, overload
from serving.app import create_app
from serving.guards import counted
from serving.limits import Limits
from serving.overload import FEW, FULL_SECONDS, PATIENCE_SECONDS, SCORERS, WRITERS, Gate, Rooms
from serving.problems import Problem
from serving.request_ids import NOTE, Note
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for

WAITING = 2


@pytest.fixture
def server(workspace: Workspace, settings: Settings, registry: FakeRegistry) -> Iterator[TestClient]:
    app = create_app(workspace, replace(settings, limits=Limits(waiting=WAITING)), source=registry)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client


class Blocked:
    """A method of the store that waits until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.go = threading.Event()
        own = getattr(EventStore, name)

        def waiting(*given: Any, **more: Any) -> Any:
            self.go.wait(30)
            return own(*given, **more)

        monkeypatch.setattr(EventStore, name, waiting)


def track(client: TestClient, number: int) -> int:
    body = {"userId": f"a{number}", "event": "x", "messageId": str(number)}
    return client.post("/v1/track", json=body).status_code


def test_more_than_there_is_room_for_is_refused_and_the_rest_is_done(server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms: Rooms = server.app.state.services.rooms
    blocked = Blocked(monkeypatch, "add")
    room = WRITERS + WAITING
    with ThreadPoolExecutor(room) as pool:
        inside = [pool.submit(track, server, number) for number in range(room)]
        wait_for(lambda: rooms.writing.is_full)

        def never() -> Iterator[bytes]:
            yield b"{"
            raise AssertionError("the body was read")

        answer = server.post("/v1/batch", content=never(), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert answer.headers["retry-after"] == "1"
        # What needs no writer is answered all the same.
        assert server.get("/readyz").status_code == 200
        assert server.get("/v1/leads").status_code == 200
        assert "trialwise_refused_requests_total" in server.get("/metrics").text
        blocked.go.set()
        assert {one.result() for one in inside} == {200}
    assert rooms.writing.inside == 0
    assert track(server, 99) == 200
    assert 'trialwise_refused_requests_total{code="overloaded"} 1.0' in server.get("/metrics").text


def test_a_request_that_got_in_is_not_refused_halfway(server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request computes in several turns; others that fill the room between two of them do not put it out."""
    rooms: Rooms = server.app.state.services.rooms
    blocked = Blocked(monkeypatch, "leads")
    room = SCORERS + WAITING
    with ThreadPoolExecutor(room) as pool:
        inside = [pool.submit(server.get, "/v1/leads/x/score") for _ in range(room)]
        wait_for(lambda: rooms.computing.is_full)
        assert server.get("/v1/leads/x/score").json()["code"] == "overloaded"
        assert track(server, 1) == 200
        blocked.go.set()
        assert {one.result().status_code for one in inside} == {404}
    leads = [{"lead_id": str(i), "started_at": "2026-01-01"} for i in range(450)]
    assert len(server.post("/v1/score", json={"leads": leads}).json()["scores"]) == 450
    assert rooms.computing.inside == 0


def test_a_gate_counts_requests_and_not_their_turns() -> None:
    rooms = Rooms(Limits(waiting=0))
    gate = Gate("x", 1, 0.01)
    gate.enter()  # outside of a request nothing is counted
    assert gate.inside == 0
    first, second = Note("first"), Note("second")
    token = NOTE.set(first)
    gate.enter()
    gate.enter()
    assert gate.is_full
    NOTE.set(second)
    with pytest.raises(Problem, match="overloaded"):
        gate.enter()
    rooms.leave(first)
    gate.enter()
    rooms.leave(second)
    NOTE.reset(token)
    assert gate.inside == 0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def serve(gate: Gate, clock: Clock, inside: list[Note], seconds: float) -> None:
    """Let one go after some time, and let another in if there is room."""
    clock.now += seconds
    gate.leave(inside.pop(0))
    fill(gate, inside, len(inside) + 1)


def fill(gate: Gate, inside: list[Note], number: int) -> None:
    while len(inside) < number and not gate.is_full:
        note = Note("x")
        token = NOTE.set(note)
        gate.enter()
        NOTE.reset(token)
        inside.append(note)


def test_slow_requests_leave_room_for_fewer() -> None:
    """Whoever got in last waits at most as long as anybody should; when they get quicker, more are let in again."""
    clock, inside = Clock(), list[Note]()
    gate = Gate("x", 80, 0.02, clock)
    fill(gate, inside, 100)
    assert gate.inside == 80  # nothing is known yet
    for _ in range(200):
        serve(gate, clock, inside, 0.005)
    assert gate.inside == pytest.approx(PATIENCE_SECONDS / 0.005, abs=2)
    for _ in range(200):
        serve(gate, clock, inside, 0.1)
    assert gate.inside == FEW
    for _ in range(300):
        serve(gate, clock, inside, 0.0005)
        fill(gate, inside, 100)
    assert gate.inside == 80


def test_while_others_are_refused_the_queue_is_short_and_a_handful_is_let_in() -> None:
    clock, inside = Clock(), list[Note]()
    gate = Gate("x", 80, 0.02, clock)
    fill(gate, inside, 100)
    for _ in range(300):
        serve(gate, clock, inside, 0.001)
        fill(gate, inside, 100)
    assert gate.inside == 80  # a burst may wait
    for _ in range(100):
        gate.refused()
        serve(gate, clock, inside, 0.001)
    assert gate.inside == pytest.approx(20, abs=2)
    for _ in range(100):
        gate.refused()
        serve(gate, clock, inside, 0.01)
    assert gate.inside == FEW
    clock.now += FULL_SECONDS + 0.1
    fill(gate, inside, 100)
    assert gate.inside > FEW


def test_who_was_let_through_counts_before_there_is_a_task_for_it() -> None:
    async def run() -> None:
        gate = Gate("x", 2, 0.01)
        for _ in range(2):
            assert not gate.is_full
            gate.expect()
        assert gate.is_full
        await asyncio.sleep(0)
        assert not gate.is_full  # those who wanted it have taken their room by now

    asyncio.run(run())


def test_a_pause_without_requests_is_no_pace() -> None:
    clock, inside = Clock(), list[Note]()
    gate = Gate("x", 80, 0.02, clock)
    for _ in range(100):
        clock.now += 60  # nobody asks
        fill(gate, inside, 1)
        clock.now += 0.001
        gate.leave(inside.pop())
    assert gate.pace == pytest.approx(0.001, rel=0.1)


def test_who_sends_slowly_takes_no_room_until_the_body_is_there(server: TestClient) -> None:
    rooms: Rooms = server.app.state.services.rooms
    seen: list[int] = []

    async def slow() -> None:
        bodies = iter([b'{"batch"', b": []}"])

        async def receive() -> dict[str, Any]:
            seen.append(rooms.writing.inside)
            body = next(bodies)
            return {"type": "http.request", "body": body, "more_body": body.startswith(b"{")}

        route = next(route for route in ingest_routes.router.routes if route.path == "/v1/batch")
        head = {"type": "http", "headers": [], "route": route, "app": server.app}
        token = NOTE.set(Note("slow"))
        assert await counted(Request(head, receive), 100) == b'{"batch": []}'
        seen.append(rooms.writing.inside)
        rooms.leave(NOTE.get() or Note(""))
        NOTE.reset(token)

    asyncio.run(slow())
    assert seen == [0, 0, 1]
    assert rooms.writing.inside == 0


def test_bodies_share_a_bounded_memory(server: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "MOST_BODY_BYTES", 1000)
    answer = server.post("/v1/batch", json={"batch": [], "x": "y" * 1000})
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert server.post("/v1/batch", json={"batch": []}).status_code == 200
    assert server.app.state.services.rooms.body_bytes == 0
