"""Whose outcome the audit may believe, and how many leads it looks at: a proof needs hundreds of leads, not millions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.clock import NEVER
from features.tables import Tables
from features.workspace import Workspace
from training.column_power import Judged, folds_of
from training.dataset import label_rule
from training.rows import clusters_of

ENOUGH_LEADS, ENOUGH_CONVERSIONS = 20_000, 1_000


def thinned(tables: Tables) -> Tables:
    """Return the tables with the events of every k-th lead only, and the other leads ignored, where there are very many leads."""
    leads, events = tables.leads, tables.events
    paid = int(np.count_nonzero((leads.converted_at < NEVER) | (leads.converted_flag == 1)))
    every = min(len(leads) // ENOUGH_LEADS, paid // ENOUGH_CONVERSIONS)
    if every < 2:
        return tables
    left_out = np.arange(len(leads)) % every != 0
    rows = np.flatnonzero(~left_out[events.lead])
    properties = {
        name: column[rows] if isinstance(column, np.ndarray) else column.take(rows) for name, column in events.properties.items()
    }
    kept = replace(
        events,
        lead=events.lead[rows],
        name=events.name[rows],
        at=events.at[rows],
        known=events.known[rows],
        count=events.count[rows],
        properties=properties,
        written=None,
        row=None,
    )
    return replace(tables, leads=replace(leads, ignored=leads.ignored | left_out), events=kept)


def judged_leads(ws: Workspace, tables: Tables, now: int) -> Judged:
    """Return the leads whose outcome is known at ``now``: whose whole horizon is over, whatever happened in it.

    Who converted before the start is no trial. Who converts later than the horizon did convert: what a column knows of it, it
    should not know either.
    """
    leads = tables.leads
    known: NDArray[np.bool_]
    if ws.undated:
        known, paid = leads.converted_flag >= 0, leads.converted_flag == 1
    else:
        rule = label_rule(ws)
        known = leads.started_at + rule.horizon_us + rule.known_after_us <= now
        known &= leads.converted_at > leads.started_at
        paid = (leads.converted_at < NEVER) & (leads.conversion_known <= now)
    chosen = np.flatnonzero(known & ~leads.ignored)
    return Judged(chosen, paid[chosen].astype(np.int64), folds_of(clusters_of(leads.account[chosen])))
