"""Refusal lines: the first few of a second get a line each in the log, the others are counted and told in one.

A server that refuses thousands a second would spend a third of the time of a refusal on its line, and fill a disk with them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from serving.observed import say
from serving.request_ids import Note

SECONDS = 1.0
"""How long is counted before it is told."""
ALONE = 10
"""So many get a line of their own in that time."""

log = logging.getLogger("trialwise.access")


class RefusalLines:
    """What the log says of the refusals of one event loop."""

    def __init__(self) -> None:
        self._refused = 0
        self._more: Counter[tuple[str, str, int]] = Counter()

    def tell(self, note: Note, method: str, route: str, status: int, seconds: float) -> None:
        """Tell of one refusal, now or with others."""
        if not log.isEnabledFor(logging.INFO):
            return
        if not self._refused:
            asyncio.get_running_loop().call_later(SECONDS, self.sum_up)
        self._refused += 1
        if self._refused <= ALONE:
            say(note, method, route, status, seconds)
        else:
            self._more[method, route, status] += 1

    def sum_up(self) -> None:
        """Tell how many there were that got no line, and begin anew."""
        more, self._more, self._refused = self._more, Counter(), 0
        for (method, route, status), times in more.items():
            told = {"method": method, "route": route, "status": status, "more": times}
            log.info("%s %s %d", method, route, status, extra={"told": told})
