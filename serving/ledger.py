"""The ledger: what was answered, to whom, by which model, from which inputs, so that any answer can be computed again.

An answer never waits for its line: lines are collected and written together by one thread, within about a second.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable

from features.store import EventStore
from features.storing.engine import StoreUnavailable
from features.storing.rows import Answer
from serving.background_thread import BackgroundThread
from serving.metrics import Metrics

MOST_WAITING = 50_000
FLUSH_SECONDS = 0.5
CHUNK = 1000

log = logging.getLogger("trialwise.ledger")


class Ledger(BackgroundThread):
    """Write answers to the store behind the answering."""

    def __init__(self, store: EventStore, metrics: Metrics) -> None:
        super().__init__("ledger", tick_seconds=FLUSH_SECONDS, patience_seconds=10.0)
        self._store = store
        self._metrics = metrics
        self._waiting: deque[Answer] = deque()
        self._flushing = threading.Lock()

    def stop(self) -> None:
        """Write what is waiting and stop."""
        super().stop()
        self.flush()

    def step(self) -> float:
        """Write what is waiting. A line that cannot be written must not end the thread that writes all others."""
        self.flush()
        return FLUSH_SECONDS

    def note(self, answers: Iterable[Answer]) -> None:
        """Take answers down; beyond the limit they are counted as lost instead of filling the memory."""
        for answer in answers:
            if len(self._waiting) >= MOST_WAITING:
                self._metrics.ledger_lost.inc()
            else:
                self._waiting.append(answer)

    def flush(self) -> None:
        """Write everything that is waiting. While the store does not answer it keeps waiting."""
        with self._flushing:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(CHUNK, len(self._waiting)))]
                try:
                    self._store.add_answers(batch)
                except StoreUnavailable as trouble:
                    self._waiting.extendleft(reversed(batch))
                    log.warning("%s", trouble)
                    return
