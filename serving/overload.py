"""Overload: a request for which there is no room is refused at once, instead of making everybody wait.

Threads compute and write; a bounded number of requests may use or await them. Their number alone says little: twenty that take a
millisecond each are soon done, and twenty that take fifty are a second. So a gate measures how fast it lets requests go while it
has any, and is full as soon as one more would wait longer than anybody should (Little's law). A burst may wait; but once somebody
had to be refused, a queue is only waiting and gains nothing: it is kept short until nobody was refused for a while (Nichols and
Jacobson, "Controlling Queue Delay", ACM Queue 2012; for servers: Maurer, "Fail at Scale", ACM Queue 2015).

While there is no room, a request is refused before its body is read. It takes its room only when the body is there, so that
clients who send slowly keep nobody else out, and gives it back when it is answered.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable

from starlette.types import Scope

from serving.limits import Limits
from serving.problems import Problem, retry_later
from serving.request_ids import NOTE, Note, limited

MOST_BODY_BYTES = 128 * 1024 * 1024
"""All bodies that are held at one time; 5,000 leads are 16 MB of it."""
PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WRITERS, SCORERS = 16, max(1, min(4, PROCESSORS))
"""Threads. Computing more at a time than there are processors only makes everybody wait longer."""

COMPUTES, WRITES = frozenset({"score", "leads"}), frozenset({"ingest", "posthog", "sales"})
"""The tags of the routes that wait for either kind of thread."""


PATIENCE_SECONDS = 0.15
"""So long at most the last one who got in waits, by the pace of the gate; half of what an accepted request may take."""
FULL_SECONDS = 1.0
"""For so long after a refusal a gate is impatient: what comes again after Retry-After meets a short queue."""
COMPUTING_SECONDS, WRITING_SECONDS = 0.01, 0.025
"""So long at most somebody waits then. What computes holds up the loop, and with it the refusals; what writes waits for the disk,
and those who wait together are written together."""
FEW = 8
"""So many are let in however slow they are: what a handful of clients ask at one time is no overload."""
MEMORY = 1 / 32
"""The weight of the newest step in the pace."""


class Gate:
    """Room for so many requests, and for fewer if they take long. Only the event loop counts here.

    Parameters
    ----------
    most
        The room in numbers.
    impatience
        How many seconds the last one who got in waits at most while others are refused.
    """

    def __init__(self, name: str, most: int, impatience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.most = most
        self.impatience = impatience
        self.inside = 0
        self.pace = 0.0
        """Seconds from one request that leaves to the next one, while there are any inside."""
        self._clock = clock
        self._since = 0.0
        self._refused_at = -math.inf
        self._coming = 0

    @property
    def is_full(self) -> bool:
        """Tell whether one more would be too many, or would have to wait too long."""
        wanted = self.inside + self._coming
        if wanted < FEW:
            return wanted >= self.most
        is_calm = self._clock() - self._refused_at > FULL_SECONDS
        return wanted >= self.most or wanted * self.pace > (PATIENCE_SECONDS if is_calm else self.impatience)

    def refused(self) -> None:
        """Note that somebody found no room."""
        self._refused_at = self._clock()

    def expect(self) -> None:
        """Count a request that was let through until those that came with it have taken their room, in this turn of the loop."""
        if not self._coming:
            asyncio.get_running_loop().call_soon(self._have_come)
        self._coming += 1

    def _have_come(self) -> None:
        self._coming = 0

    def enter(self) -> None:
        """Take room for the running request, unless it has it already; what runs outside of a request needs none."""
        note = NOTE.get()
        if note is None or self in note.gates:
            return
        if self.is_full:
            self.refused()
            raise overloaded()
        if self.inside == 0:
            self._since = self._clock()  # nobody inside is no pace
        self.inside += 1
        note.gates.append(self)

    def leave(self, note: Note) -> None:
        """Give a request's room back, if it has any."""
        if self in note.gates:
            note.gates.remove(self)
            self.inside -= 1
            now = self._clock()
            self.pace += MEMORY * (now - self._since - self.pace)
            self._since = now


class Rooms:
    """What one server process has room for."""

    def __init__(self, limits: Limits) -> None:
        self.computing = Gate("computing", SCORERS + limits.waiting, COMPUTING_SECONDS)
        self.writing = Gate("writing", WRITERS + limits.waiting, WRITING_SECONDS)
        self.body_bytes = 0

    def check(self, scope: Scope) -> None:
        """Raise the problem if the door of a request leads to a full gate: there is no use in reading its body."""
        gate = self.gate(scope.get("route"))
        if gate is not None and gate.is_full:
            gate.refused()
            raise overloaded()

    def enter(self, scope: Scope) -> None:
        """Take room for a request whose body is there, before any work is done on it."""
        gate = self.gate(scope.get("route"))
        if gate is not None:
            gate.enter()

    def gate(self, route: object) -> Gate | None:
        """Return the gate to which a route leads, if it needs room at all."""
        tags = frozenset(getattr(route, "tags", ()))
        if tags & COMPUTES:
            return self.computing
        return self.writing if tags & WRITES else None

    def hold(self, size: int) -> None:
        """Make room for a piece of the running request's body."""
        note = NOTE.get()
        if note is None:
            return
        if self.body_bytes + size > MOST_BODY_BYTES:
            raise overloaded()
        self.body_bytes += size
        note.body_bytes += size

    def leave(self, note: Note) -> None:
        """Give back whatever an answered request took."""
        for gate in tuple(note.gates):
            gate.leave(note)
        self.body_bytes -= note.body_bytes
        note.body_bytes = 0


def overloaded() -> Problem:
    """Return the problem that says: not now."""
    return limited(retry_later("overloaded", "The server has as much to do as it can; send it again a little later.", seconds=1))
