"""The work list: the open leads that nobody spoke to in the last 14 days, the likeliest first, read page by page.

It is computed at most every few seconds. Where that takes long nobody waits for it who comes again soon: the thread behind the
answers makes the next one, and until it is there the one before is read.

A page is asked for by the last line of the page before it, not by a number: leads that come and go between two pages neither
repeat nor push others out.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from features.clock import DAY_US, now_us
from features.store import EventStore
from features.workspace import Workspace
from models.steady import REST_DAYS
from serving.background_thread import BackgroundThread
from serving.live_lead import Standing, counted_until
from serving.problems import Problem
from serving.proving import Loaded
from serving.scoring import Wish, asked_of, score_standings

CHUNK = 200
FRESH_SECONDS = 2.0
REST = 5.0
"""A list that took a second to compute is used for this many seconds, and read for as many more while the next one is made."""
LONG_SECONDS = 0.5
"""A list that took no longer is computed while whoever asked for it waits."""
TICK_SECONDS = 0.1
"""So often the thread looks whether a list is wanted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One lead's place in the list."""

    probability: float
    lead_id: str
    stage: str

    @property
    def order(self) -> tuple[float, str]:
        """The likeliest first, then by id."""
        return (-self.probability, self.lead_id)


@dataclass(frozen=True, slots=True)
class Ranked:
    """The list as of one instant, by one model."""

    loaded: Loaded
    as_of: int
    lines: list[Line]
    fresh_until: float
    used_until: float
    """By the clock that only goes forward; in between it is read once more, and the next one is made."""


class Ranking(BackgroundThread):
    """The newest list, computed again when it has grown old or another model serves."""

    def __init__(self, workspace: Workspace, store: EventStore) -> None:
        super().__init__("ranking", tick_seconds=TICK_SECONDS)
        self._workspace = workspace
        self._store = store
        self._lock = threading.Lock()
        self._newest: Ranked | None = None
        self._wanted: Loaded | None = None

    def newest(self, loaded: Loaded) -> Ranked:
        """Return the list; whoever comes while the first one is being computed waits for it instead of computing it too."""
        found, now = self._newest, time.monotonic()
        if found is None or found.loaded is not loaded or now > found.used_until:
            return self._made(loaded)
        if now > found.fresh_until:
            self._wanted = loaded
        return found

    def step(self) -> float:
        """Make the next list, if somebody has read one that is no longer fresh."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._made(wanted)
        return TICK_SECONDS

    def _made(self, loaded: Loaded) -> Ranked:
        with self._lock:
            found = self._newest
            if found is None or found.loaded is not loaded or time.monotonic() > found.fresh_until:
                found = self._newest = self._compute(loaded)
            return found

    def _compute(self, loaded: Loaded) -> Ranked:
        begin = time.monotonic()
        as_of = now_us()
        asked = asked_of(loaded, Wish(0, self._workspace.language))
        lines: list[Line] = []
        for standings in self._open(loaded, as_of):
            for record in score_standings(loaded, self._store, standings, as_of, asked):
                lines.append(Line(record["probability"], record["lead_id"], record["stage"]))
        lines.sort(key=lambda line: line.order)
        end = time.monotonic()
        took = end - begin
        fresh_until = end + max(FRESH_SECONDS, REST * took)
        return Ranked(loaded, as_of, lines, fresh_until, fresh_until + (REST * took if took > LONG_SECONDS else 0.0))

    def _open(self, loaded: Loaded, as_of: int) -> Iterator[list[Standing]]:
        known_by = counted_until(loaded.view.definition, as_of)
        resting = self._store.contacted_since(as_of - REST_DAYS * DAY_US, as_of)
        ids = self._store.lead_ids(known_by, by_account=loaded.view.features.over_mates)
        ids = [one for one in ids if one not in resting]
        for start in range(0, len(ids), CHUNK):
            stored = self._store.leads(ids[start : start + CHUNK])
            found = (loaded.view.standing(lead, as_of) for lead in stored.values())
            yield [standing for standing in found if standing is not None and standing.is_open and not standing.ignored]


def page(ranked: Ranked, stage: str | None, limit: int, cursor: str | None) -> tuple[list[Line], str | None]:
    """Return one page of the list, and the cursor of the next if there is more."""
    after = None if cursor is None else read_cursor(cursor)
    lines = [line for line in ranked.lines if (stage is None or line.stage == stage) and (after is None or line.order > after)]
    chosen = lines[:limit]
    return chosen, write_cursor(chosen[-1]) if len(lines) > limit else None


def write_cursor(line: Line) -> str:
    """Return the cursor that continues after a line."""
    return base64.urlsafe_b64encode(json.dumps([line.probability, line.lead_id]).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[float, str]:
    """Read a cursor back; it is the server's own text and nothing else is one."""
    try:
        probability, lead_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(probability, float) or not 0 <= probability <= 1 or not isinstance(lead_id, str):
            raise TypeError
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise Problem("invalid_request", "cursor must be the next of an earlier answer.") from None
    return (-probability, lead_id)
