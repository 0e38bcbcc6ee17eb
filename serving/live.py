"""LiveModel: the champion, followed by its alias. A model serves only after it has proved itself, and the last good one stays.

A new champion is fetched into a folder of its own (where a promotion key is set, only if it was promoted with that key), its
digest compared with the one the registry names, read by the strict reader, made to give its golden scores again, and warmed.
Only then one assignment puts it in place: a request takes the model once and keeps it to the end. The registry is asked in a
thread, so a slow or dead registry slows nobody down.
"""

from __future__ import annotations

import logging
import threading
import time

from features.errors import OutsideError, TrialwiseError
from features.failpoints import failpoint
from models.registry import ChampionRef
from models.registry.signing import need_signed
from serving.kept_models import KeptModels
from serving.metrics import Metrics
from serving.proving import Loaded

LONGEST_PAUSE = 60.0
"""So long at most a registry in trouble is left alone, and so long a version that was refused, in case it is repaired."""
PATIENCE = 10.0
"""How much longer than between two questions an answer of the registry may take before the model counts as perhaps outdated."""

FIRST_ANSWER = 10.0
"""For so long a process that kept no model waits for the registry before it takes requests: another one may have its model."""

log = logging.getLogger("trialwise.live")


class LiveModel:
    """The model that answers now, if any."""

    def __init__(self, name: str, models: KeptModels, metrics: Metrics, *, poll_seconds: float = 3.0) -> None:
        self._name = name
        self._models = models
        self._metrics = metrics
        self._poll_seconds = poll_seconds
        self._stop = threading.Event()
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-model", daemon=True)
        self.current: Loaded | None = None
        self.problem: str | None = None
        """Why the champion of the registry does not serve, in one sentence; None while it does."""
        self._failing = False
        self._answered_at = time.monotonic()
        metrics.follow(metrics.model_stale, lambda: float(self.is_stale))
        self._refused: ChampionRef | None = None
        self._try_again_at = 0.0

    @property
    def is_stale(self) -> bool:
        """Tell whether the model may be outdated, since following fails, or the registry has not answered for too long."""
        return self._failing or time.monotonic() - self._answered_at > self._poll_seconds + PATIENCE

    def start(self) -> None:
        """Put the last good model in place, then follow the alias; without one, wait a little for what the registry says."""
        self.restore()
        self._thread.start()
        if self.current is None:
            self._asked.wait(FIRST_ANSWER)

    def stop(self) -> None:
        """Stop following. A thread that waits for a dead registry is not waited for."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def restore(self) -> None:
        """Load the last good model from disk, checked like any other."""
        try:
            ref = self._models.noted()
            if ref is not None:
                need_signed(ref)
                self._put(self._models.again(ref))
        except (TrialwiseError, OSError, ValueError, TypeError) as trouble:
            log.warning("the last good model cannot be used: %s", trouble)

    def poll(self) -> bool:
        """Ask the registry once and follow it; return False if it, what keeps its files or the disk failed.

        Whatever they come up with, what serves goes on serving.
        """
        good = False
        try:
            ref = self._models.source.champion(self._name)
            self._answered_at = time.monotonic()
            self._follow(ref)
            good = True
        except (TrialwiseError, OSError) as trouble:
            self._fail(str(trouble))
        except Exception as trouble:
            self._fail(f"The champion cannot be followed ({type(trouble).__name__}).", trouble)
        self._failing = not good
        return good

    def _follow(self, ref: ChampionRef | None) -> None:
        """Put the champion in place, unless it serves already, does not prove itself, or was refused just now."""
        if ref is None:
            self.problem = "The registry names no champion."
            return
        if self.current is not None and self.current.ref == ref:
            self.problem = None
            return
        if self._refused == ref and time.monotonic() < self._try_again_at:
            return
        try:
            need_signed(ref)
            loaded = self._models.obtain(ref)
            failpoint("live.before_put")
            self._put(loaded)
            failpoint("live.before_remember")
            self._models.note(ref)
            self._models.tidy(ref)
        except OutsideError:
            raise
        except TrialwiseError as refusal:
            self._refused, self._try_again_at = ref, time.monotonic() + LONGEST_PAUSE
            self._metrics.model_refused.inc()
            self._fail(str(refusal))
            return
        self.problem = None
        log.info("version %s of %s serves", ref.version, ref.name)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self._poll_seconds if self.poll() else min(LONGEST_PAUSE, max(pause, self._poll_seconds) * 2)
            self._asked.set()

    def _fail(self, sentence: str, trouble: Exception | None = None) -> None:
        if sentence != self.problem:
            log.warning("%s", sentence, exc_info=trouble)
        self.problem = sentence

    def _put(self, loaded: Loaded) -> None:
        self.current = loaded
        self._metrics.serves(loaded.ref.version)
