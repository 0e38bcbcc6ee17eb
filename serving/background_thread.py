"""A thread in the background of a server process: it takes one step after the other, and rests between them, until it is stopped.

No answer waits for it, and no trouble ends it: what a step could not do is told in the log, and the next step tries again.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod

from features.storing.engine import StoreUnavailable


class BackgroundThread(ABC):
    """What owns one such thread and says what its step is.

    Parameters
    ----------
    name
        Of the thread; its log is `trialwise.` and this name.
    tick_seconds
        The rest after a step that failed.
    patience_seconds
        For so long a step that is under way is waited for when the thread is stopped.
    """

    def __init__(self, name: str, *, tick_seconds: float, patience_seconds: float = 5.0) -> None:
        self._log = logging.getLogger(f"trialwise.{name}")
        self._tick_seconds = tick_seconds
        self._patience_seconds = patience_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it, also in the middle of a rest."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self._patience_seconds)

    @abstractmethod
    def step(self) -> float:
        """Do what there is to do, and return for how many seconds to rest."""

    def _run(self) -> None:
        rest = 0.0
        while not self._stop.wait(rest):
            rest = self._tick_seconds
            try:
                rest = self.step()
            except StoreUnavailable as trouble:
                self._log.warning("%s", trouble)
            except Exception:
                self._log.exception("a step of this thread failed; the next one comes")


def due_after(begin: float, every_seconds: float, rest: float) -> float:
    """Return when work that began at a time, and ends now, is due again, by the clock that only goes forward.

    That is `every_seconds` from now, or more if it took long: work takes at most about one part in `rest` of the time.
    """
    now = time.monotonic()
    return now + max(every_seconds, rest * (now - begin))
