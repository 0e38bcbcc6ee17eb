"""Draining: after SIGTERM the server says at /readyz that it goes, takes requests a little longer, and then finishes what it has.

uvicorn closes its port at once, so that a balancer which has not looked yet meets a closed door. Here its own way of stopping
begins only after a pause, and in the end the process says by its exit code that all was done.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType


class Draining:
    """Whether this process is about to stop.

    Parameters
    ----------
    seconds
        The pause between the signal and the closing of the port.
    """

    def __init__(self, seconds: float) -> None:
        self.begun = False
        self._seconds = seconds

    def watch(self) -> None:
        """Come between SIGTERM and the server's own handler; called on the event loop once the server has set its handler."""
        stop = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(stop):
            return
        loop = asyncio.get_running_loop()

        def begin(number: int, frame: FrameType | None) -> None:
            if self.begun:
                stop(number, frame)
                return
            self.begun = True
            # The loop may sleep in its selector, which a signal interrupts only for what is called so.
            loop.call_soon_threadsafe(loop.call_later, self._seconds, stop, number, frame)

        signal.signal(signal.SIGTERM, begin)


def stop_cleanly() -> None:
    """Make SIGTERM end this process with exit code 0; uvicorn raises it once more when it is done."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _leave)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
