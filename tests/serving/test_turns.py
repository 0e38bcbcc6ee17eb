"""Turns: short work is done on the loop, others take or are refused their room before it, and long work goes elsewhere."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator

import pytest

from serving.overload import Gate
from serving.problems import Problem
from serving.request_ids import NOTE, Note
from serving.turns import LONGEST, MOMENT, Turns


def clock(*seconds: float) -> Iterator[float]:
    """Give the times at which pieces of work begin and end that take so long."""
    now = 0.0
    for took in seconds:
        yield now
        now += took
        yield now


def test_work_is_done_on_the_event_loop_one_piece_after_the_other() -> None:
    turns, order = Turns(), []

    async def one(name: str) -> None:
        order.append(f"{name} came")
        assert await turns.take(threading.current_thread) is threading.current_thread()
        order.append(f"{name} done")

    async def all_of_them() -> None:
        await asyncio.gather(one("a"), one("b"), one("c"))

    asyncio.run(all_of_them())
    assert order == ["a came", "b came", "c came", "a done", "b done", "c done"]


def test_whoever_is_too_many_is_refused_before_anything_is_computed() -> None:
    turns, gate, computed = Turns(), Gate("computing", 2), []

    async def one(name: str) -> str:
        note = Note(name)
        NOTE.set(note)
        try:
            gate.enter()
        except Problem as problem:
            assert computed == []
            return problem.code
        await turns.take(lambda: computed.append(name))
        gate.leave(note)
        return name

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(asyncio.create_task(one(name)) for name in "abc"))

    assert asyncio.run(all_of_them()) == ["a", "b", "overloaded"]
    assert gate.inside == 0


def test_work_that_grew_long_goes_elsewhere_until_it_is_short_again() -> None:
    times = clock(*[MOMENT * 20] * 2, *[0.0] * 40)
    turns = Turns(clock=lambda: next(times))
    turns.timed(lambda: None)
    assert turns.are_short is False
    turns.timed(lambda: None)
    for _ in range(40):
        turns.timed(lambda: None)
    assert turns.are_short is True


def test_a_failure_ends_the_turn() -> None:
    turns = Turns()

    async def both() -> int:
        with pytest.raises(ZeroDivisionError):
            await turns.take(lambda: 1 // 0)
        return await turns.take(lambda: 7)

    assert asyncio.run(both()) == 7


@pytest.mark.parametrize(("others", "done"), [(0.0, 1), (MOMENT * 6, 6), (LONGEST * 4, 10)])
def test_a_turn_lasts_as_long_as_the_loop_was_with_others(others: float, done: int) -> None:
    """Each piece takes a moment. While thousands are refused, those who were let in do not wait for one turn each."""
    now, found = 0.0, list[int]()
    turns = Turns(clock=lambda: now)

    def work() -> None:
        nonlocal now
        now += MOMENT

    def busy_with_others() -> None:
        nonlocal now
        now += others
        found.append(20 - len(turns._waiting))

    async def all_of_them() -> None:
        asking = [asyncio.create_task(turns.take(work)) for _ in range(20)]
        for _ in range(4):
            await asyncio.sleep(0)
            busy_with_others()
        await asyncio.gather(*asking)

    asyncio.run(all_of_them())
    assert done in [after - before for before, after in itertools.pairwise(found)]


def test_whoever_is_gone_is_passed_over() -> None:
    turns, computed = Turns(), list[str]()

    async def both() -> None:
        gone = asyncio.create_task(turns.take(lambda: computed.append("gone")))
        here = asyncio.create_task(turns.take(lambda: computed.append("here")))
        asyncio.get_running_loop().call_soon(gone.cancel)
        await asyncio.gather(gone, here, return_exceptions=True)

    asyncio.run(both())
    assert computed[-1] == "here"
    assert len(turns._waiting) == 0
