"""Leads put together: when each began, what was known of it, and the events and payments handed over to whom they belong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from features.clock import NEVER
from features.reading.clean_tables import Leads
from features.reading.conversions_table import Payments, joined
from features.reading.events_table import EventRows
from features.reading.leads_table import Column, trait_names
from features.reading.merging import Merging
from features.reading.sources import I8
from features.reading.trial_events import payments_of_events, starts
from features.workspaces.schema import Workspace

Columns = Mapping[Column, npt.NDArray[Any]]


def begun_leads(
    ws: Workspace,
    ids: list[str],
    columns: Columns,
    merging: Merging,
    events: EventRows,
    payments: Payments,
    cut: int | None,
) -> Leads:
    """Put the leads together, merged as far as `merging` says, and hand the events over to them."""

    def of(kind: str, names: Iterable[str], absent: object) -> dict[str, npt.NDArray[Any]]:
        return {name: columns[kind, name] if (kind, name) in columns else np.full(n, absent) for name in names}

    n, data = len(ids), ws.data
    never = np.full(n, NEVER, np.int64)
    stated = columns.get(("time", "started_at"), never)
    stored = columns.get(("flag", "stored"), np.zeros(n, np.int8)) == 1
    by_events = not ws.undated and (data.leads is None or data.leads.started_at is None)
    pattern = data.leads.start if data.leads is not None else ()

    def begun(begins: I8 | None = None) -> I8:
        if not by_events and not stored.any():
            return stated
        found = starts(events, pattern, n, begins)
        if pattern:
            return np.where(stored | by_events, found, stated)
        # Only what the server heard may lack a start that the workspace has a column for.
        waiting = (stated >= NEVER) & (stored | by_events)
        return np.where(waiting, found, stated)

    started = begun()
    account = columns.get(("lead", "account"), np.full(n, None, object))
    account_known = np.where(account.astype(bool), started, NEVER)
    if stored.any():
        told = columns["time", "account_known"]
        account_known = np.where(told < NEVER, told, account_known)
    account, account_known = merging.accounts(account, account_known)
    begins = merging.events(events)
    if begins is not None:
        started = begun(begins)
    paid = np.maximum(payments.at, merging.since[payments.lead])
    payments = merging.payments(payments)
    first_paid = _earliest(payments.lead, paid, n)
    if data.conversions is not None and data.conversions.events:
        payments = joined([payments, payments_of_events(ws, events, data.conversions.events, cut)])
    converted, conversion_known = payments.earliest(n)
    said_at = columns["time", "said_at"] if stored.any() else never
    if stored.any() and not pattern:
        started = _otherwise(started, stored, said_at, first_paid)
    heard_at = None
    if by_events or stored.any():
        heard = starts(events, pattern, n, events.known)
        if not pattern:
            heard = np.minimum.reduce([heard, said_at, _earliest(payments.lead, payments.known, n)])
        # What files say of a lead is known from its start on; of others something has to come in first.
        heard_at = np.where(stored | by_events, heard, started)
    return Leads(
        ids=ids,
        started_at=started,
        ended_at=columns.get(("time", "ended_at"), never),
        trial_ends_at=columns.get(("time", "trial_ends_at"), never.copy()),
        converted_at=converted,
        conversion_known=conversion_known,
        account=account,
        account_known=account_known,
        attributes={
            **of("attribute", (name for name, kind in ws.attributes.items() if kind == "category"), None),
            **of("attribute", (name for name, kind in ws.attributes.items() if kind == "number"), np.nan),
        },
        traits=of("trait", trait_names(ws), None),
        contact=of("contact", ws.contact, None),
        ignored=columns.get(("lead", "ignored"), np.zeros(n, bool)),
        converted_flag=columns.get(("flag", "converted"), np.full(n, -1, np.int8)),
        known={name: column for (kind, name), column in columns.items() if kind == "known"},
        ends_told=_told(columns, "end"),
        closes_told=_told(columns, "close"),
        heard_at=heard_at,
    )


def _otherwise(started: I8, stored: npt.NDArray[np.bool_], said_at: I8, first_paid: I8) -> I8:
    """Return the starts of those the server heard of by no event: when something was first said of them, else the payment."""
    found = np.where(said_at < NEVER, said_at, first_paid)
    return np.where(stored & (started >= NEVER), found, started)


def _earliest(lead: I8, at: I8, n_leads: int) -> I8:
    found = np.full(n_leads, NEVER, np.int64)
    np.minimum.at(found, lead, at)
    return found


def _told(columns: Columns, name: str) -> dict[int, I8]:
    """Return what was told of a time one after the other, as the layers in which the columns have it."""
    found: dict[int, I8] = {}
    while ("time", f"{name}.{len(found)}.at") in columns:
        layer = len(found)
        found[layer] = np.stack([columns["time", f"{name}.{layer}.since"], columns["time", f"{name}.{layer}.at"]], axis=1)
    return found
