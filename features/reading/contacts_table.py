"""The table of contacts: when each lead was last spoken to. Never a feature; lists leave out who was spoken to lately."""

from __future__ import annotations

import numpy as np

from features.clock import NEVER
from features.reading import moments
from features.reading.cells import read_words
from features.reading.conversions_table import known_of
from features.reading.sources import I8, Reading, StoreReader, open_sources
from features.reading.stored_columns import reads_store
from features.reading.table_report import TableReport, first_reason, read_times, time_flaws
from features.storing.collected import collected
from features.workspaces.data import ContactsSpec
from features.workspaces.schema import Workspace


def last_contacts(ws: Workspace, ids: list[str], at: int) -> tuple[I8, TableReport | None]:
    """Return when each lead was last spoken to, of what was known by an instant (-NEVER where it never was), and how it was read.

    A contact that is only dated counts from 00:00 of its day. One of somebody who is no lead is passed over.
    """
    spec = ws.data.contacts
    if spec is None:
        return np.full(len(ids), -NEVER, np.int64), None
    if not reads_store(spec):
        return _read(ws, spec, ids, at, None)
    with collected(ws) as store:
        return _read(ws, spec, ids, at, store)


def _read(ws: Workspace, spec: ContactsSpec, ids: list[str], at: int, store: StoreReader | None) -> tuple[I8, TableReport]:
    last, index = np.full(len(ids), -NEVER, np.int64), {one: place for place, one in enumerate(ids)}
    report = TableReport("contacts", origins=open_sources("contacts", spec.source, ws.folder, cut=at, store=store))
    required = {spec.lead: "data.contacts.lead", spec.at: "data.contacts.at"}
    reading = Reading("contacts", report.origins, required, coded=frozenset([spec.lead]))
    for origin, piece in reading:
        who = read_words(piece.column(spec.lead))
        lead = np.array([*(index.get(one, -1) for one in who.values), -1], np.int64)[who.codes]
        read = read_times(report, "data.contacts.at", spec.at, origin, piece, timezone=ws.timezone, zone=spec.zone)
        codes = first_reason((who.codes < 0, "missing_lead"), *time_flaws(read.state))
        kept = report.take(origin, piece, codes)
        keep = (lead >= 0) & (read.state != moments.MISSING) & (known_of(piece, read.us) <= at)
        keep &= True if kept is None else kept
        np.maximum.at(last, lead[keep], read.us[keep])
    report.close(reading)
    report.stop_if_all_refused()
    return last, report
