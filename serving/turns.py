"""Turns: work so short that it is done on the event loop, some pieces a turn: to hand it to a thread costs half as much again.

Before its turn every request lets those pass that have come in meanwhile: they take their room, or are refused, before anything
more is computed; and between two turns the loop reads and writes. A turn lasts as long as the loop was busy with others since the
last one: while thousands are refused, those who were let in are not kept waiting for one turn each. Work that takes longer than a
moment goes to the threads, and how long it usually takes is what it took before: a model of many trees is not scored here.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

MOMENT = 0.005
"""The event loop may be held up for so many seconds by one piece of work."""
LONGEST = 0.05
"""And for so many by one turn, however busy it was with others."""
_WEIGHT = 0.1
"""Of the newest piece, in what work usually takes."""


class _Piece(NamedTuple):
    work: Callable[[], Any]
    context: Context
    done: asyncio.Future[Any]


class Turns:
    """Short work, one piece after the other. It belongs to one event loop."""

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._waiting: deque[_Piece] = deque()
        self._left = 0.0
        """When the loop was left to others, while any piece waits."""
        self._usual = 0.0

    @property
    def are_short(self) -> bool:
        """Tell whether the work is still as short as it has to be here."""
        return self._usual <= MOMENT

    async def take(self, work: Callable[[], T]) -> T:
        """Do a piece of work when it is its turn."""
        loop = asyncio.get_running_loop()
        piece = _Piece(work, copy_context(), loop.create_future())
        self._waiting.append(piece)
        if len(self._waiting) == 1:
            self._leave(loop)
        found: T = await piece.done
        return found

    def timed(self, work: Callable[[], T]) -> T:
        """Do a piece of work here and now, wherever that is, and learn from it how long such work takes."""
        begin = self._clock()
        try:
            return work()
        finally:
            self._usual += _WEIGHT * (self._clock() - begin - self._usual)

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        self._left = self._clock()
        loop.call_soon(self._turn, loop)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        begin = self._clock()
        until = begin + min(max(begin - self._left, MOMENT), LONGEST)
        while self._waiting and self._clock() < until:
            self._do(self._waiting[0])
            self._waiting.popleft()  # only now: who comes meanwhile is not the first
        if self._waiting:
            self._leave(loop)

    def _do(self, piece: _Piece) -> None:
        if piece.done.done():
            return  # nobody waits for it any more
        try:
            piece.done.set_result(piece.context.run(self.timed, piece.work))
        except Exception as error:
            piece.done.set_exception(error)
