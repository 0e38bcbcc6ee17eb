"""Turns: a busy loop stands aside while threads have work, not longer than they have, and never otherwise."""

from __future__ import annotations

import asyncio
import threading

import pytest
from anyio import CapacityLimiter

from serving import turns
from serving.turns import Turns


class Clock:
    """Seconds of the processor: at each look the loop was busy for one more."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long the loop wanted to stand aside, each time."""
    told: list[float] = []
    monkeypatch.setattr(turns.time, "thread_time", Clock())
    own = threading.Event.wait

    def wait(event: threading.Event, timeout: float | None = None) -> bool:
        if timeout is not None and timeout <= turns.MOST_SECONDS:
            told.append(timeout)
        return own(event, timeout)

    monkeypatch.setattr(threading.Event, "wait", wait)
    return told


def test_a_busy_loop_stands_aside_until_the_work_is_done(waits: list[float]) -> None:
    go = threading.Event()

    async def run() -> None:
        given = Turns()
        work = asyncio.create_task(given.in_thread(lambda: go.wait(30), CapacityLimiter(1)))
        while len(waits) < 3:
            await asyncio.sleep(0.001)
        go.set()
        assert await work
        await asyncio.sleep(0.05)
        before = len(waits)
        await asyncio.sleep(0.05)
        assert len(waits) == before  # nobody has work
        assert await given.in_thread(lambda: 7, CapacityLimiter(1)) == 7

    asyncio.run(run())
    assert set(waits) == {turns.MOST_SECONDS}


def test_work_that_fails_or_never_began_is_not_waited_for(waits: list[float]) -> None:
    go = threading.Event()

    def fail() -> None:
        raise ValueError("no")

    async def run() -> None:
        given, one = Turns(), CapacityLimiter(1)
        with pytest.raises(ValueError, match="no"):
            await given.in_thread(fail, one)
        first = asyncio.create_task(given.in_thread(lambda: go.wait(30), one))
        second = asyncio.create_task(given.in_thread(fail, one))
        await asyncio.sleep(0.01)
        second.cancel()  # it waits for the thread of the first
        go.set()
        assert await first
        await asyncio.gather(second, return_exceptions=True)
        await asyncio.sleep(0.05)
        before = len(waits)
        await asyncio.sleep(0.05)
        assert len(waits) == before

    asyncio.run(run())
