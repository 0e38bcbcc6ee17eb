"""Silence: a behaviour that the model learnt from and that does not come in any more, or a new event name that nothing maps.

The events of the last seven days are compared with what as many open leads should have given by the volumes that the model
carries from its training, and with what the weeks before had. Only a behaviour that lacks by both is called silent: the first
alone would accuse a product whose visitors count as leads here and did not in training. A lead counts from when it was first
heard of to the oldest age that the model knows, or to its payment.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from features.clock import DAY_US, now_us
from features.plan import Plan
from features.selectors import OWN
from features.store import EventStore
from features.storing.engine import StoreUnavailable
from features.storing.volumes import BLOCK
from features.workspace import Workspace
from serving.live import LiveModel
from serving.metrics import Metrics
from serving.proving import Loaded

RECENT_DAYS, KEPT_DAYS, LEAST_DAYS = 7, 28, 14
"""What is looked at, what it is compared with, and with how few days of events nothing is said."""
QUIET = 0.1
"""A behaviour is silent when at most this share of what should be there is there."""
FEWEST_EXPECTED = 50.0
NEW_SHARE, FEWEST_NEW = 0.01, 20
"""A name is worth a word from this share of all recent events on; it is new if the weeks before had a hundredth of that share."""
MOST_NAMES = 20_000
EVERY_SECONDS, TICK_SECONDS = 60.0, 5.0
REST = 20.0
"""Looking takes at most one part in so many of the time."""

log = logging.getLogger("trialwise.silence")


class Untold(NamedTuple):
    """A warning before it is put into the words of a language."""

    code: str
    text: str
    """Under which name its text stands among those of the language."""
    names: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is found."""

    behaviours: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def warnings(self) -> tuple[Untold, ...]:
        """Return what an answer says of it, a warning for each, still to be put into words."""
        stopped = [Untold("behaviour_silent", "behaviour_silent", name) for name in self.behaviours]
        return (*stopped, *(Untold("behaviour_silent", "name_unmapped", name) for name in self.names))


NOTHING = Quiet()


class Counts:
    """Events by name and day, kept up to date from the store.

    A row counts once the newest row of the look before was at least as new: of writers that commit out of order none is missed,
    as long as each of them commits within a minute.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._seen = -1
        self._newest = -1
        self.days: dict[tuple[str, int], tuple[int, int]] = {}
        """Rows and times, by name and day."""

    def update(self, now: int, stop: threading.Event) -> None:
        """Add what is new; at first everything, read backwards until it is too old to matter."""
        since = now - KEPT_DAYS * DAY_US
        newest = self._store.volumes.newest_row()
        if self._seen < 0:
            self._read_back(newest, since, stop)
            self._seen = newest
        else:
            for after in range(self._seen, self._newest, BLOCK):
                self._add(self._store.volumes.events(after, min(after + BLOCK, self._newest), since))
            self._seen = max(self._seen, self._newest)
        self._newest = newest
        first = since // DAY_US
        self.days = {key: value for key, value in self.days.items() if key[1] >= first}

    def _read_back(self, newest: int, since: int, stop: threading.Event) -> None:
        """Read block after block; loaded history may stand between newer events, so some blocks of old ones end nothing."""
        old = 0
        for upto in range(newest, 0, -BLOCK):
            begin = time.monotonic()
            found = self._store.volumes.events(upto - BLOCK, upto, since)
            self._add(found)
            old = 0 if found else old + 1
            if old > 20 or stop.wait(time.monotonic() - begin):
                return

    def _add(self, found: Iterable[tuple[str, int, int, int]]) -> None:
        for name, day, rows, times in found:
            before = self.days.get((name, day))
            if before is not None:
                rows, times = rows + before[0], times + before[1]
            elif len(self.days) >= MOST_NAMES * KEPT_DAYS:
                continue
            self.days[name, day] = (rows, times)


class Silence:
    """Look every minute, in a thread, and tell answers and metrics what was found."""

    def __init__(self, workspace: Workspace, store: EventStore, live: LiveModel, metrics: Metrics) -> None:
        self._workspace = workspace
        self._store = store
        self._live = live
        self._metrics = metrics
        self._counts = Counts(store)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="silence", daemon=True)
        self.found = NOTHING

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def look(self, now: int) -> Quiet:
        """Read what is new and judge it by the model that serves."""
        loaded = self._live.current
        if loaded is None or loaded.view.definition.undated:
            return self._tell(NOTHING)
        self._counts.update(now, self._stop)
        oldest = loaded.scorer.reference.oldest_age_days
        spans = self._store.volumes.leads(now - round((KEPT_DAYS + oldest) * DAY_US))
        return self._tell(judge(loaded, self._counts.days, spans, now, set(self._workspace.allow)))

    def _tell(self, found: Quiet) -> Quiet:
        for name in {*self.found.behaviours, *found.behaviours}:
            self._metrics.silent.labels(name).set(name in found.behaviours)
        self._metrics.new_names.set(len(found.names))
        if found.behaviours != self.found.behaviours and found.behaviours:
            log.warning("behaviour_silent: %s", ", ".join(found.behaviours))
        self.found = found
        return found

    def _run(self) -> None:
        due = 0.0
        while not self._stop.wait(TICK_SECONDS if due else 0):
            self._metrics.refresh()
            begin = time.monotonic()
            if begin < due:
                continue
            try:
                self.look(now_us())
            except StoreUnavailable as trouble:
                log.warning("%s", trouble)
            except Exception:
                log.exception("looking for silent behaviours failed")
            end = time.monotonic()
            due = end + max(EVERY_SECONDS, REST * (end - begin))


def judge(
    loaded: Loaded,
    days: Mapping[tuple[str, int], tuple[int, int]],
    spans: Sequence[tuple[int, int | None, int]],
    now: int,
    allowed: set[str],
) -> Quiet:
    """Return what is silent and what is new. Today counts as a part of the last seven days."""
    today = now // DAY_US
    first = min((day for _, day in days), default=today)
    if today - first < LEAST_DAYS:
        return NOTHING
    border = today - RECENT_DAYS
    reference, plan = loaded.scorer.reference, loaded.view.plan
    open_now = lead_days(spans, border + 1, today, reference.oldest_age_days)
    open_before = lead_days(spans, first, border, reference.oldest_age_days)
    mapped = {name: _behaviours(plan, name) for name in {name for name, _ in days}}
    silent = []
    for behaviour, rate in reference.volumes.items():
        recent = before = 0
        for (name, day), (_, times) in days.items():
            if behaviour in mapped[name]:
                recent, before = (recent + times, before) if day > border else (recent, before + times)
        usual = rate * open_now
        lately = before / open_before * open_now if before and open_before else usual
        if usual >= FEWEST_EXPECTED and recent <= QUIET * min(usual, lately) and behaviour not in allowed:
            silent.append(behaviour)
    unmapped = {name for name, used in mapped.items() if not used and name not in allowed}
    return Quiet(tuple(sorted(silent)), tuple(sorted(_new(days, border, unmapped))))


def lead_days(spans: Sequence[tuple[int, int | None, int]], first: int, last: int, oldest_days: float) -> float:
    """Return for how many days leads were looked at, from the first day to the last, both included.

    >>> lead_days([(10, None, 2), (12, 13, 1)], first=11, last=14, oldest_days=3)
    6.0
    """
    total = 0.0
    for begin, paid, number in spans:
        end = min(begin + oldest_days, last + 1.0, begin + oldest_days if paid is None else paid + 1.0)
        total += number * max(0.0, end - max(begin, first))
    return total


def _behaviours(plan: Plan, name: str) -> frozenset[str]:
    """Return the behaviours and features of its own that an event name may belong to."""
    use = plan.use(name)
    found = [plan.selectors[index] for index in (*use.always, *(index for index, _ in use.asking))]
    return frozenset(selector.key.removeprefix(OWN) for selector in found if not selector.everything)


def _new(days: Mapping[tuple[str, int], tuple[int, int]], border: int, unmapped: set[str]) -> list[str]:
    recent: dict[str, int] = {}
    before: dict[str, int] = {}
    for (name, day), (rows, _) in days.items():
        kept = recent if day > border else before
        kept[name] = kept.get(name, 0) + rows
    total, total_before = sum(recent.values()), max(sum(before.values()), 1)
    return [
        name
        for name in unmapped
        if (rows := recent.get(name, 0)) >= FEWEST_NEW
        and rows > NEW_SHARE * total
        and before.get(name, 0) / total_before < NEW_SHARE * rows / total
    ]
