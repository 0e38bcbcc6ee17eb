"""Gathered: short work of requests that come at one time is done at once, on the event loop.

To hand a row to a thread takes half as long as to score it, and rows that are scored together share most of what is not the
model's. So whoever comes waits until all have been heard who have come by then: they take their room, or are refused, before
anything is computed. What all want alike is then done in one go, for so many of them as take a moment; between two goes the loop
reads and writes. Where it is busy with others, a go may take as long as they did: while thousands are refused, those who were let
in are not kept waiting. Where one alone takes longer than a moment, the work goes to the threads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
R = TypeVar("R")

MOMENT = 0.005
"""The event loop may be held up for so many seconds by one go."""
LONGEST = 0.05
"""And for so many, however busy it was with others."""
MOST = 64
"""More items than this are no quicker for being together."""
_WEIGHT = 0.1
"""Of the newest go, in what an item usually takes."""


class Gathered:
    """Short work, for several at once. It belongs to one event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._waiting: dict[Hashable, list[tuple[Any, asyncio.Future[Any]]]] = {}
        self._usual = 0.0
        """Seconds an item."""

    @property
    def is_short(self) -> bool:
        """Tell whether the work is still as short as it has to be here."""
        return self._usual <= MOMENT

    async def take(self, kind: Hashable, item: Item, work: Callable[[Sequence[Item]], Sequence[R]]) -> R:
        """Return what `work` makes of an item, done at once with the other items of its kind; any of their `work` will do."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()
        if kind not in self._waiting:
            self._waiting[kind] = []
            loop.call_soon(self._go, kind, work, self._clock())
        self._waiting[kind].append((item, done))
        return await done

    def timed(self, work: Callable[[Sequence[Item]], Sequence[R]], items: Sequence[Item]) -> Sequence[R]:
        """Do work here and now, wherever that is, and learn from it how long an item takes."""
        begin = self._clock()
        try:
            return work(items)
        finally:
            self._usual += _WEIGHT * ((self._clock() - begin) / len(items) - self._usual)

    def _go(self, kind: Hashable, work: Callable[[Sequence[Any]], Sequence[Any]], left: float) -> None:
        """Do the work of a kind for those who came first, and let the others wait; the loop was `left` to everybody then."""
        long = min(max(self._clock() - left, MOMENT), LONGEST)
        most = max(1, min(MOST, int(long / max(self._usual, 1e-9))))
        waiting = self._waiting.pop(kind)
        self._do(waiting[:most], work)
        if waiting[most:]:
            self._waiting[kind] = waiting[most:]
            asyncio.get_running_loop().call_soon(self._go, kind, work, self._clock())

    def _do(self, waiting: list[tuple[Any, asyncio.Future[Any]]], work: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
        try:
            found = self.timed(work, [item for item, _ in waiting])
        except Exception as trouble:
            for _, done in waiting:
                if not done.done():
                    done.set_exception(trouble)
            return
        for (_, done), one in zip(waiting, found, strict=True):
            if not done.done():  # who has gone wants no answer
                done.set_result(one)
