"""Turns: threads get theirs of the interpreter, however busy the event loop is.

Only one of them runs Python at a time. Whoever waits for the lock is woken when it is let go, and by the time it is awake a loop
that only read from a socket has it again (the convoy effect: David Beazley, "Understanding the Python GIL", PyCon 2010;
bugs.python.org/issue7946). A thread that stores twenty events lets it go at each of them: on a loop without a pause it waits for
seconds. So while threads have work, a busy loop stands aside for a share of its time, or until they are done.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

T = TypeVar("T")

EVERY_SECONDS = 0.002
"""So often at most the loop stands aside."""
SHARE = 0.2
"""Seconds that it stands aside for each second that it was busy."""
MOST_SECONDS = 0.003
"""At one time."""


class Turns:
    """The work that one event loop has given to threads."""

    def __init__(self) -> None:
        self._owed: set[object] = set()
        """A mark for whatever is not done yet."""
        self._is_done = threading.Event()
        """Set whenever there is nothing left to do."""
        self._is_watching = False
        self._busy = 0.0
        """Seconds of the processor that the loop had used when it last stood aside."""

    async def in_thread(self, work: Callable[[], T], limiter: CapacityLimiter) -> T:
        """Run work in a thread that the limiter has free, and see to it that it gets its turns."""
        mark = object()

        def turn() -> T:
            try:
                return work()
            finally:
                self._forget(mark)

        self._owed.add(mark)
        self._watch()
        try:
            return await anyio.to_thread.run_sync(turn, limiter=limiter)
        finally:
            self._forget(mark)  # who was cancelled before there was a thread

    def _forget(self, mark: object) -> None:
        self._owed.discard(mark)
        if not self._owed:
            self._is_done.set()

    def _watch(self) -> None:
        if not self._is_watching:
            self._is_watching = True
            self._busy = time.thread_time()
            asyncio.get_running_loop().call_later(EVERY_SECONDS, self._stand_aside)

    def _stand_aside(self) -> None:
        self._is_done.clear()
        self._is_watching = bool(self._owed)
        if self._is_watching:
            busy = time.thread_time()
            self._is_done.wait(min(SHARE * (busy - self._busy), MOST_SECONDS))
            self._busy = busy
            asyncio.get_running_loop().call_later(EVERY_SECONDS, self._stand_aside)
