"""Gathered: short work of requests that come at one time is done at once, on the event loop.

To hand a row to a thread takes half as long as to score it, and rows that are scored together share most of what is not the
model's. So whoever comes waits until all have been heard who have come by then: they take their room, or are refused, before
anything is computed. What all want alike is then done in one go, for so many of them as take a moment; between two goes the loop
reads and writes. Where one alone takes longer than a moment, the work goes to the threads.
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
MOST = 64
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
            loop.call_soon(self._go, kind, work)
        self._waiting[kind].append((item, done))
        return await done

    def timed(self, work: Callable[[Sequence[Item]], Sequence[R]], items: Sequence[Item]) -> Sequence[R]:
        """Do work here and now, wherever that is, and learn from it how long an item takes."""
        begin = self._clock()
        try:
            return work(items)
        finally:
            self._usual += _WEIGHT * ((self._clock() - begin) / len(items) - self._usual)

    def _go(self, kind: Hashable, work: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
        """Do the work of a kind for those who came first, and let the others wait for the next go."""
        most = MOST if self._usual <= 0.0 else max(1, min(MOST, int(MOMENT / self._usual)))
        waiting = self._waiting.pop(kind)
        now, later = waiting[:most], waiting[most:]
        if later:
            self._waiting[kind] = later
            asyncio.get_running_loop().call_soon(self._go, kind, work)
        try:
            found = self.timed(work, [item for item, _ in now])
        except Exception as trouble:
            for _, done in now:
                if not done.done():
                    done.set_exception(trouble)
            return
        for (_, done), one in zip(now, found, strict=True):
            if not done.done():  # who has gone wants no answer
                done.set_result(one)
