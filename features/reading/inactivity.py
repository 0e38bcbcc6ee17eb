"""Freemium: where a trial never ends, a lead is closed once it has been inactive for ``trial.inactive_days``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.clock import DAY_US, NEVER
from features.tables import Leads, Tables
from features.workspace import Workspace

Ints = NDArray[np.int64]


def close_inactive(ws: Workspace, tables: Tables) -> Tables:
    """Return the tables with ``ended_at`` no later than a lead's first long silence; where trials end they stay as they are.

    A lead closes at the end of the silence, and stays closed whatever it does later, as with an ``ended_at`` of the table.
    """
    allowed = ws.trial.inactive_days
    if ws.trial.days is not None or allowed is None or ws.data.undated:
        return tables
    leads, events = tables.leads, tables.events
    closed = silent_from(leads.started_at, events.lead, events.at, round(allowed * DAY_US))
    told = leads.closes_told
    if told:
        # A silence closes a lead whatever was told of its end, also before anything was.
        always = np.stack([np.full(len(leads), -NEVER), np.minimum(closed, _untold(leads))], axis=1)
        later = {layer + 1: np.stack([one[:, 0], np.minimum(one[:, 1], closed)], axis=1) for layer, one in told.items()}
        told = {0: always, **later}
    return replace(tables, leads=replace(leads, ended_at=np.minimum(leads.ended_at, closed), closes_told=told))


def _untold(leads: Leads) -> Ints:
    """Return when each lead ended of which no more is told than that."""
    return np.where(leads.closes_told[0][:, 0] < NEVER, NEVER, leads.ended_at)


def silent_from(started_at: Ints, lead: NDArray[np.integer], at: Ints, allowed_us: int) -> Ints:
    """Return, for each lead, when it had first been silent for longer than allowed; ``lead`` and ``at`` are sorted together."""
    start = started_at[lead]
    now = np.maximum(at, start)  # what was done before the start does not make the silence after it shorter or longer
    before = start.copy()
    same = np.flatnonzero(lead[1:] == lead[:-1]) + 1
    before[same] = now[same - 1]
    last = started_at.copy()
    np.maximum.at(last, lead, now)
    closed = np.where(last >= NEVER, NEVER, last + allowed_us)
    broken = now - before > allowed_us
    np.minimum.at(closed, lead[broken], before[broken] + allowed_us)
    return closed


def silent_since(started_at: int, at: Iterable[int], allowed_us: int) -> int:
    """Return the same for one lead.

    >>> silent_since(0, [50, 120, 400], allowed_us=100)
    220
    """
    last = started_at
    for instant in sorted(at):
        if instant - last > allowed_us:
            break
        last = max(last, instant)
    return last + allowed_us
