"""Turns: work so short that it is done on the event loop, a piece a turn, since to hand it to a thread costs half as much again.

Before its turn every request lets those pass that have come in meanwhile: they take their room, or are refused, before anything
more is computed; and between two pieces the loop reads and writes. Work that takes longer than a moment goes to the threads, and
how long it usually takes is what it took before: a model of many trees is not scored here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MOMENT = 0.005
"""The event loop may be held up for so many seconds by one piece of work."""
_WEIGHT = 0.1
"""Of the newest piece, in what work usually takes."""


class Turns:
    """Short work, one piece after the other. It belongs to one event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()
        self._usual = 0.0

    @property
    def are_short(self) -> bool:
        """Tell whether the work is still as short as it has to be here."""
        return self._usual <= MOMENT

    async def take(self, work: Callable[[], T]) -> T:
        """Do a piece of work when it is its turn."""
        async with self._turn:
            await asyncio.sleep(0)
            return self.timed(work)

    def timed(self, work: Callable[[], T]) -> T:
        """Do a piece of work here and now, wherever that is, and learn from it how long such work takes."""
        begin = self._clock()
        try:
            return work()
        finally:
            self._usual += _WEIGHT * (self._clock() - begin - self._usual)
