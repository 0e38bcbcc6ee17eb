"""Gathered: who comes at one time is served at once, on the loop; who is too many is refused before; long work goes elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence

import pytest

from serving.gathered import MOMENT, MOST, Gathered
from serving.overload import Gate
from serving.problems import Problem
from serving.request_ids import NOTE, Note


def clock(*seconds: float) -> Iterator[float]:
    """Give the times at which goes begin and end that take so long."""
    now = 0.0
    for took in seconds:
        yield now
        now += took
        yield now


def doubled(items: Sequence[int]) -> list[int]:
    return [2 * item for item in items]


class Goes:
    """Note what was done in each go, and where."""

    def __init__(self) -> None:
        self.items: list[list[int]] = []
        self.threads: set[threading.Thread] = set()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.items.append(list(items))
        self.threads.add(threading.current_thread())
        return doubled(items)


async def all_of(gathered: Gathered, goes: Goes, items: Sequence[int], kind: str = "a") -> list[int]:
    return await asyncio.gather(*(asyncio.create_task(gathered.take(kind, item, goes)) for item in items))


def test_who_comes_at_one_time_is_served_at_once_on_the_event_loop() -> None:
    gathered, goes = Gathered(), Goes()

    async def twice() -> list[list[int]]:
        return [await all_of(gathered, goes, [1, 2, 3]), await all_of(gathered, goes, [4])]

    assert asyncio.run(twice()) == [[2, 4, 6], [8]]
    assert goes.items == [[1, 2, 3], [4]]
    assert goes.threads == {threading.current_thread()}


def test_only_what_is_wanted_alike_is_done_together() -> None:
    gathered, goes, others = Gathered(), Goes(), Goes()

    async def both() -> list[list[int]]:
        return await asyncio.gather(all_of(gathered, goes, [1, 2]), all_of(gathered, others, [3, 4], kind="b"))

    assert asyncio.run(both()) == [[2, 4], [6, 8]]
    assert (goes.items, others.items) == ([[1, 2]], [[3, 4]])


class Clock:
    """A clock that work and whoever else has the loop move on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_go_takes_no_more_than_a_moment_and_others_get_the_loop_in_between() -> None:
    time = Clock()
    gathered, goes, order = Gathered(clock=time), Goes(), []

    def slowly(items: Sequence[int]) -> list[int]:
        time.now += 0.1 * MOMENT * len(items)
        return goes(items)

    for _ in range(100):
        gathered.timed(slowly, [0])  # an item usually takes a tenth of a moment
    goes.items.clear()

    async def passing() -> None:
        while len(goes.items) < 3:
            order.append(len(goes.items))
            await asyncio.sleep(0)

    async def both() -> list[int]:
        found, _ = await asyncio.gather(
            asyncio.gather(*(asyncio.create_task(gathered.take("a", item, slowly)) for item in range(25))), passing()
        )
        return found

    assert asyncio.run(both()) == [2 * item for item in range(25)]
    assert [len(items) for items in goes.items] in ([10, 10, 5], [9, 9, 7])  # the usual time is a float
    assert set(order) == {0, 1, 2}


def test_where_others_keep_the_loop_busy_a_go_takes_as_long_as_they_did() -> None:
    time = Clock()
    gathered, goes = Gathered(clock=time), Goes()

    def slowly(items: Sequence[int]) -> list[int]:
        time.now += 0.1 * MOMENT * len(items)
        return goes(items)

    for _ in range(100):
        gathered.timed(slowly, [0])
    goes.items.clear()

    async def busy() -> None:
        time.now += 2.05 * MOMENT

    async def all_of_them() -> None:
        await asyncio.gather(*(asyncio.create_task(gathered.take("a", item, slowly)) for item in range(25)), busy())

    asyncio.run(all_of_them())
    assert len(goes.items[0]) in (19, 20)


def test_a_go_has_an_end_however_short_the_work() -> None:
    gathered, goes = Gathered(clock=lambda: 0.0), Goes()
    assert asyncio.run(all_of(gathered, goes, range(MOST + 1))) == [2 * item for item in range(MOST + 1)]
    assert [len(items) for items in goes.items] == [MOST, 1]


def test_whoever_is_too_many_is_refused_before_anything_is_computed() -> None:
    gathered, gate, goes = Gathered(), Gate("computing", 2), Goes()

    async def one(item: int) -> int | str:
        note = Note(str(item))
        NOTE.set(note)
        try:
            gate.enter()
        except Problem as problem:
            assert goes.items == []
            return problem.code
        found = await gathered.take("a", item, goes)
        gate.leave(note)
        return found

    async def all_of_them() -> list[int | str]:
        return await asyncio.gather(*(asyncio.create_task(one(item)) for item in (1, 2, 3)))

    assert asyncio.run(all_of_them()) == [2, 4, "overloaded"]
    assert gate.inside == 0


def test_work_that_grew_long_goes_elsewhere_until_it_is_short_again() -> None:
    times = clock(*[MOMENT * 20] * 2, *[0.0] * 40)
    gathered = Gathered(clock=lambda: next(times))
    gathered.timed(doubled, [1])
    assert gathered.is_short is False
    gathered.timed(doubled, [1])
    for _ in range(40):
        gathered.timed(doubled, [1])
    assert gathered.is_short is True


def test_a_failure_is_everybodys_who_was_there_and_nobody_elses() -> None:
    gathered, goes = Gathered(), Goes()

    def fail(items: Sequence[int]) -> list[int]:
        raise ZeroDivisionError

    async def both() -> int:
        found = await asyncio.gather(*(gathered.take("a", item, fail) for item in (1, 2)), return_exceptions=True)
        assert [type(one) for one in found] == [ZeroDivisionError] * 2
        return await gathered.take("a", 7, goes)

    assert asyncio.run(both()) == 14


def test_who_has_gone_is_not_waited_for() -> None:
    gathered, goes = Gathered(), Goes()

    async def one_goes() -> int:
        gone, stays = (asyncio.create_task(gathered.take("a", item, goes)) for item in (1, 2))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert asyncio.run(one_goes()) == 4
