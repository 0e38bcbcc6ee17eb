"""Events that start a trial or mean a payment, in place of columns that say so."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.clock import NEVER
from features.names import matches
from features.reading.conversions_table import Payments, payments_of_times
from features.reading.events_table import EventRows
from features.reading.sources import I8
from features.workspaces.behaviours import EventPattern
from features.workspaces.conditions import all_hold
from features.workspaces.schema import Workspace


def fitting_rows(events: EventRows, patterns: tuple[EventPattern, ...]) -> npt.NDArray[np.bool_]:
    """Tell which events fit one of some patterns, conditions included."""
    found = np.zeros(len(events.at), bool)
    for pattern in patterns:
        named = np.array([matches(pattern.event, name) for name in events.names], bool)
        if not named.any():
            continue
        fits = named[events.name]
        if pattern.where:
            rows = np.flatnonzero(fits & ~found)
            cells = {name: events.properties[name][rows].tolist() for name in pattern.where}
            good = [all_hold({name: cells[name][i] for name in cells}, pattern.where) for i in range(len(rows))]
            found[rows[good]] = True
        else:
            found |= fits
    return found


def payments_of_events(ws: Workspace, events: EventRows, patterns: tuple[EventPattern, ...], cut: int | None) -> Payments:
    """Return the payments that events stand for, as far as they are known at `cut`."""
    rows = np.flatnonzero(fitting_rows(events, patterns))
    lead, at, known = events.lead[rows].astype(np.int64), events.at[rows], events.known[rows]
    if ws.resolution.events == "day":
        # Such an event stands at the end of its day: the day itself is the one before that instant.
        payments = payments_of_times(ws, lead, at - 1, known, by_day=True)
    else:
        payments = payments_of_times(ws, lead, at, known, by_day=ws.resolution.conversions == "day")
    if cut is None:
        return payments
    seen = payments.known <= cut
    return Payments(payments.lead[seen], payments.at[seen], payments.known[seen])


def starts(events: EventRows, patterns: tuple[EventPattern, ...], n_leads: int, begins: I8 | None = None) -> I8:
    """Return when each lead had its first event, or its first one that starts a trial; `begins` says from when each can."""
    started = np.full(n_leads, NEVER, np.int64)
    at = events.at if begins is None else begins
    if patterns:
        rows = np.flatnonzero(fitting_rows(events, patterns))
        np.minimum.at(started, events.lead[rows], at[rows])
    else:
        np.minimum.at(started, events.lead, at)
    return started
