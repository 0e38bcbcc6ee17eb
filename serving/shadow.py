"""Shadow: the challenger scores what the champion has answered, behind the answer, and only what it would have said is told.

It is loaded and proved like a champion, and sees leads by its own definition. It neither changes nor delays an answer: a request
leaves a note of what it answered and goes on; one thread takes the notes one by one and rests ten times as long as it works. The
notes that wait are few: what does not fit is dropped and counted, so that a busy server compares a sample.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.registry import ChampionRef
from serving.background_thread import BackgroundThread
from serving.kept_models import KeptModels
from serving.live import LONGEST_PAUSE, LiveModel
from serving.proving import Loaded
from serving.shadow_figures import ShadowFigures
from serving.shadow_metrics import ShadowMetrics

MOST_WAITING = 200
"""Leads that wait to be compared."""
MOST_OF_ONE = 50
"""Leads taken of one request, evenly spread: a long list must not be all that is compared."""
REST = 10.0
POLLS = 5.0
"""The challenger is asked for once in so many of the champion's polls: nobody waits for it."""
TICK_SECONDS = 0.5

Record = Mapping[str, Any]
Again = Callable[[Loaded, int], Record | None]
"""Scores the lead at a place of an answer once more, by another model; None where that model sees no lead there."""

log = logging.getLogger("trialwise.shadow")


@dataclass(frozen=True, slots=True)
class Case:
    """One answered lead, and how to score it again."""

    champion: Loaded
    probability: float
    grade: str | None
    again: Again
    place: int


class Shadow(BackgroundThread):
    """The challenger, if the registry names one that is not the champion, and how it compares."""

    def __init__(
        self,
        name: str,
        models: KeptModels,
        live: LiveModel,
        metrics: ShadowMetrics,
        *,
        poll_seconds: float = 3.0,
    ) -> None:
        # A thread that waits for a dead registry is not waited for.
        super().__init__("shadow", tick_seconds=TICK_SECONDS, patience_seconds=1.0)
        self._name = name
        self._models = models
        self._live = live
        self._metrics = metrics
        self._poll_seconds = poll_seconds * POLLS
        self._pause = self._poll_seconds
        self._waiting: deque[Case] = deque()
        self.challenger: Loaded | None = None
        self.problem: str | None = None
        """Why the challenger is not compared, in one sentence; None where it is, or there is none."""
        self._figures = ShadowFigures()
        self._against: ChampionRef | None = None
        self._refused: ChampionRef | None = None
        self._ask_at = self._try_again_at = 0.0

    def note(self, champion: Loaded, records: Sequence[Record], again: Again) -> None:
        """Take down what was just answered; whoever answered does not wait for anything here."""
        challenger = self.challenger
        if challenger is None or challenger.ref.digest == champion.ref.digest:
            return
        scored = [place for place, record in enumerate(records) if record.get("probability") is not None]
        taken = spread(scored, min(MOST_OF_ONE, MOST_WAITING - len(self._waiting)))
        for place in taken:
            record = records[place]
            self._waiting.append(Case(champion, record["probability"], record["grade"], again, place))
        self._drop(challenger, len(scored) - len(taken))

    def told(self) -> dict[str, Any] | None:
        """Return what ``/v1/model`` says of the challenger, by what this process answered; None while there is none."""
        challenger, problem = self.challenger, self.problem
        if challenger is None:
            return None if problem is None else {"version": None, "digest": None, "problem": problem} | ShadowFigures().told()
        ref = challenger.ref
        return {"version": ref.version, "digest": ref.digest, "problem": problem} | self._figures.told()

    def step(self) -> float:
        """Ask for the challenger if it is time, compare one lead; return for how many seconds to rest."""
        if time.monotonic() >= self._ask_at:
            good = self.poll()
            self._pause = self._poll_seconds if good else min(LONGEST_PAUSE, self._pause * 2)
            self._ask_at = time.monotonic() + self._pause
        challenger = self.challenger
        if challenger is None:
            self._waiting.clear()
        if challenger is None or not self._waiting:
            return min(TICK_SECONDS, self._poll_seconds)
        begin = time.monotonic()
        self._compare(challenger, self._waiting.popleft())
        return REST * (time.monotonic() - begin)

    def poll(self) -> bool:
        """Ask the registry once which version is the challenger, and load it; return False if that failed."""
        try:
            self._follow(self._models.source.challenger(self._name))
            return True
        except Exception as trouble:  # whatever it is, it is only the shadow's trouble
            self._fail(f"The challenger cannot be followed ({type(trouble).__name__}).")
            return False

    def _follow(self, ref: ChampionRef | None) -> None:
        serving = self._live.current
        if ref is None or (serving is not None and serving.ref.digest == ref.digest):
            self._take(None)
            self.problem = None
            return
        if self.challenger is not None and self.challenger.ref == ref:
            return
        if serving is None or (self._refused == ref and time.monotonic() < self._try_again_at):
            return
        self._take(None)
        try:
            loaded = self._models.obtain(ref)
        except Exception as trouble:
            self._refused, self._try_again_at = ref, time.monotonic() + LONGEST_PAUSE
            self._fail(f"version {ref.version}, the challenger, is not compared: {trouble}")
            return
        self._models.tidy(serving.ref, ref)
        self._take(loaded)
        self.problem = None
        log.info("version %s of %s is compared with what serves", ref.version, ref.name)

    def _take(self, challenger: Loaded | None) -> None:
        """Begin anew with a challenger, or without one."""
        before = self.challenger
        if before is not None:
            self._metrics.loaded.labels(before.ref.version).set(0)
        self.challenger = None
        self._waiting.clear()
        self._figures, self._against = ShadowFigures(), None
        if challenger is not None:
            self._metrics.loaded.labels(challenger.ref.version).set(1)
            self.challenger = challenger

    def _compare(self, challenger: Loaded, case: Case) -> None:
        """Score one lead again and note how far the two models are apart; another champion begins a new comparison."""
        if self._against is not None and self._against != case.champion.ref:
            self._figures = ShadowFigures()
        self._against = case.champion.ref
        outcome = self._metrics.leads
        try:
            record = case.again(challenger, case.place)
        except Exception as trouble:
            if not self._figures.failed:
                log.warning("the challenger cannot score a lead: %s", type(trouble).__name__)
            record = None
        version = challenger.ref.version
        if record is None or record["probability"] is None:
            self._figures.fail()
            outcome.labels(version, "failed").inc()
            return
        same = record["grade"] == case.grade
        self._figures.add(case.probability, record["probability"], same_grade=same)
        outcome.labels(version, "scored").inc()
        self._metrics.champion.labels(version).observe(case.probability)
        self._metrics.challenger.labels(version).observe(record["probability"])
        self._metrics.apart.labels(version).observe(abs(record["probability"] - case.probability))
        if not same:
            self._metrics.grade_changes.labels(version).inc()

    def _drop(self, challenger: Loaded, count: int) -> None:
        if count:
            self._figures.drop(count)
            self._metrics.leads.labels(challenger.ref.version, "dropped").inc(count)

    def _fail(self, sentence: str) -> None:
        if sentence != self.problem:
            log.warning("%s", sentence)
        self.problem = sentence


def spread(places: Sequence[int], most: int) -> Sequence[int]:
    """Return at most so many of some places, evenly spread.

    >>> spread([0, 1, 2, 3, 4, 5], 3), spread([4], 3), spread([4], 0)
    ([0, 2, 4], [4], [])
    """
    if len(places) <= most:
        return places
    return [places[i * len(places) // most] for i in range(most)] if most > 0 else []
