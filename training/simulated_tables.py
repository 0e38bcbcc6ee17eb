"""A simulated world as the tables that reading its files gives, without the files: for work on many small worlds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.clock import NEVER
from features.names import fold, matches
from features.tables import Events, Leads, Tables, mapped_patterns
from features.workspace import Workspace, parse_workspace
from training.simulated_files import workspace_text
from training.simulated_names import EVENT_NAMES
from training.simulator import World


def workspace_of(world: World) -> Workspace:
    """Return the workspace of a world; its sources name files that need not be there."""
    return parse_workspace(workspace_text(world.seed, len(world.leads), world.until), Path())


def tables_of(world: World) -> Tables:
    """Return what is known of a world at its end."""
    leads = _leads(world)
    events = _events(world)
    times = (leads.started_at, events.known, leads.conversion_known[leads.conversion_known < NEVER])
    newest = max(int(column.max()) for column in times if len(column))
    patterns = mapped_patterns(workspace_of(world))
    counts = np.bincount(events.name, minlength=len(events.names)).tolist()
    of_nobody = {
        name: count
        for name, count in zip(events.names, counts, strict=True)
        if not any(matches(pattern, name) for pattern in patterns)
    }
    return Tables(leads, events, {}, of_nobody, newest)


def _leads(world: World) -> Leads:
    columns, n = world.leads, len(world.leads)
    converted, ended = (np.where(at <= world.until, at, NEVER) for at in (world.lives.converted_at, world.lives.ended_at))
    texts: dict[str, NDArray[np.object_]] = {
        name: np.array(values, dtype=object)
        for name, values in (("email", columns.email), ("full_name", columns.name), ("company", columns.company))
    }
    return Leads(
        ids=list(columns.ids),
        started_at=columns.started_at,
        ended_at=ended,
        trial_ends_at=np.full(n, NEVER, np.int64),
        converted_at=converted,
        conversion_known=converted,
        account=columns.account,
        account_known=np.where([account is not None for account in columns.account], columns.started_at, NEVER),
        attributes={"country": columns.country, "channel": columns.channel, "company_size": columns.company_size},
        traits={"company": columns.company, "job_title": columns.job_title, "photo": columns.photo},
        contact={"email": texts["email"], "name": texts["full_name"], "company": texts["company"]},
        ignored=np.zeros(n, bool),
        converted_flag=np.full(n, -1, np.int8),
    )


def _events(world: World) -> Events:
    """Take every message once, as it first arrived, in the order of lead and time; names are folded."""
    every = world.events
    _, once = np.unique(every.message, return_index=True)
    rows = once[np.lexsort((every.name[once], every.at[once], every.lead[once]))]
    folded = [fold(name) for name in EVENT_NAMES]
    names = sorted(set(folded))
    place = np.array([names.index(name) for name in folded], dtype=np.int32)
    name = place[every.name[rows]]
    used, code = np.unique(name, return_inverse=True)
    properties: dict[str, NDArray[Any]] = {
        "duration_s": every.duration_s[rows],
        "amount": every.amount[rows],
        "score": every.score[rows],
    }
    return Events(
        lead=every.lead[rows].astype(np.int32),
        name=code.astype(np.int32),
        names=[names[code] for code in used],
        at=every.at[rows],
        known=np.maximum(every.at[rows], every.received_at[rows]),
        count=np.ones(len(rows), np.int64),
        properties=properties,
    )
