"""Live percentile: where a stored lead's score stands among the latest scores of the leads that are live now.

The frozen percentile of a score compares it with the leads that the model was judged by, so it means the same for as long as the
model serves. The live one compares it with whom there is to choose from today; it moves with them. The scores are those that the
watch wrote last. They are read in a thread of their own, now and then, so that an answer costs a search in a sorted array.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.clock import HOUR_US, now_us
from features.store import EventStore
from features.storing.engine import StoreUnavailable
from models.live_place import place_among
from serving.live import LiveModel
from serving.proving import Loaded
from serving.scoring import Record

EVERY_SECONDS, TICK_SECONDS = 30.0, 1.0
REST = 20.0
"""Reading takes at most one part in so many of the time."""
OLDEST_SECONDS = 3600.0
"""Scores that could not be read again for so long say nothing about now, nor do these of a score as of so long ago."""

log = logging.getLogger("trialwise.live_percentile")


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest scores, rising, of one model, and when they were read by the clock that only goes forward."""

    digest: str
    scores: NDArray[np.float64]
    at: float


class LivePercentile:
    """The scores of the live leads as they were read last."""

    def __init__(self, store: EventStore, live: LiveModel) -> None:
        self._store = store
        self._live = live
        self._seen: Seen | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-percentile", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def look(self) -> None:
        """Read the scores of the model that serves."""
        loaded = self._live.current
        if loaded is not None:
            found = np.sort(np.array(self._store.latest.of_model(loaded.ref.digest), dtype=np.float64))
            self._seen = Seen(loaded.ref.digest, found, time.monotonic())

    def fill(self, records: Sequence[Record], loaded: Loaded, as_of: int) -> None:
        """Give scores of stored leads their place: those as of about now, by the model whose scores were read, of open leads."""
        seen = self._seen
        if seen is None or seen.digest != loaded.ref.digest or time.monotonic() - seen.at > OLDEST_SECONDS:
            return
        if abs(now_us() - as_of) > HOUR_US:
            return
        for record in records:
            if record["probability"] is not None:
                record["percentile_live"] = place_among(seen.scores, record["probability"])

    def _run(self) -> None:
        due = 0.0
        while not self._stop.wait(TICK_SECONDS if due else 0):
            begin = time.monotonic()
            if begin < due and not self._is_another_model():
                continue
            try:
                self.look()
            except StoreUnavailable as trouble:
                log.warning("%s", trouble)
            except Exception:
                log.exception("the latest scores cannot be read")
            end = time.monotonic()
            due = end + max(EVERY_SECONDS, REST * (end - begin))

    def _is_another_model(self) -> bool:
        """Tell whether another model serves than the one whose scores were read."""
        loaded, seen = self._live.current, self._seen
        return loaded is not None and (seen is None or seen.digest != loaded.ref.digest)
