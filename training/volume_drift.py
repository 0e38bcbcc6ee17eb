"""Volumes: how many events of each behaviour an open lead gives a day, now against the period that the model learnt from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US
from features.history import build_history
from features.parts import parts
from features.tables import Tables
from models.scorer import Scorer
from training.drift import FEWEST_LEADS
from training.intervals import Z_95, Z_999
from training.rows import clusters_of

FEWEST_EVENTS = 50
"""With fewer events expected nothing is said."""

TIMES = 2.0
"""A volume has changed when it is shown to be more than this many times as much, or as little."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Events of one behaviour a day and open lead; the interval is that of the ratio, by clusters of leads."""

    name: str
    before: float
    now: float
    error: float
    """The standard error of the logarithm of the ratio."""
    events: int

    @property
    def ratio(self) -> float:
        """How many times as much there is now."""
        return self.now / self.before

    def interval(self, z: float = Z_95) -> tuple[float, float]:
        """Return the interval of the ratio; the reference, of many more leads, counts as known."""
        return self.ratio * math.exp(-z * self.error), self.ratio * math.exp(z * self.error)

    @property
    def alarm(self) -> bool:
        """Whether the volume is shown to have changed."""
        low, high = self.interval(Z_999)
        return low > TIMES or high < 1 / TIMES

    @property
    def reason(self) -> str:
        """Say what happened."""
        low, high = self.interval()
        return (
            f"the volume of {self.name} is {self.ratio:.2f} times what it was in training (95 % interval {low:.2f} to {high:.2f})"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that is printed."""
        low, high = self.interval()
        return {
            "name": self.name, "before": self.before, "now": self.now, "ratio": self.ratio, "low": low, "high": high,
            "events": self.events, "alarm": self.alarm,
        }  # fmt: skip


def volumes_now(scorer: Scorer, tables: Tables, since: int, until: int) -> list[Volume]:
    """Return every behaviour of which there should be enough, over the days on which leads were open in (since, until]."""
    leads, reference = tables.leads, scorer.reference
    oldest = round(max(reference.ages) * DAY_US)
    start = np.maximum(leads.started_at, since)
    end = np.minimum.reduce([leads.started_at + oldest, leads.converted_at, leads.ended_at, np.full(len(start), until)])
    open_ = (end > start) & ~leads.ignored
    days = np.where(open_, end - start, 0) / DAY_US
    if int(open_.sum()) < FEWEST_LEADS:
        return []
    cluster = clusters_of(leads.account)
    found = []
    for name, counts in _counts(scorer, tables, np.where(open_, start, 0), np.where(open_, end, 0)):
        before = reference.volumes.get(name, 0.0)
        if before * days.sum() < FEWEST_EVENTS:
            continue
        rate = counts.sum() / days.sum()
        off = np.bincount(cluster, weights=counts - rate * days)
        # Half an event stands in for none, so that silence has an interval too.
        seen = max(float(counts.sum()), 0.5)
        error = math.sqrt(max(float(off @ off), seen)) / seen
        found.append(Volume(name, before, seen / float(days.sum()), error, int(counts.sum())))
    return sorted(found, key=lambda one: -abs(math.log(one.ratio)))


def _counts(
    scorer: Scorer, tables: Tables, start: NDArray[np.int64], end: NDArray[np.int64]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield, for each behaviour, how many events each lead has in its open days."""
    features = scorer.feature_set
    selectors = [s for s in enumerate(features.plan.selectors) if s[1].key in features.definition.behaviours]
    counted = np.zeros((len(selectors), len(start)))
    for first, part in parts(tables):
        history = build_history(features.plan, part.events, len(part.leads))
        lead = first + part.events.lead.astype(np.int64)
        inside = (history.at > start[lead]) & (history.at <= end[lead])
        kinds = np.repeat(np.arange(len(history.kind_at) - 1), np.diff(history.kind_at))
        for place, (index, _) in enumerate(selectors):
            mine = np.zeros(len(history.kind_at), bool)
            mine[kinds[history.pair_selector == index]] = True
            rows = np.flatnonzero(inside & mine[history.kind])
            np.add.at(counted[place], lead[rows], history.times[rows].astype(np.float64))
    for place, (_, selector) in enumerate(selectors):
        yield selector.key, counted[place]
