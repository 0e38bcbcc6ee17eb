"""The table of conversions: which lead paid, and when. The earliest payment counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.clock import NEVER
from features.reading import moments
from features.reading.cells import read_words
from features.reading.leads_table import OUTSIDE
from features.reading.sources import I8, Piece, Reading, StoreReader, open_sources
from features.reading.stored_columns import KNOWN, WholeStore
from features.reading.table_report import TableReport, first_reason, read_times, time_flaws
from features.workspaces.data import ConversionsSpec
from features.workspaces.schema import Workspace


@dataclass(slots=True)
class Payments:
    """Conversions as rows: place in the index of leads, when it was, and from when it was known."""

    lead: I8
    at: I8
    known: I8

    def earliest(self, n_leads: int) -> tuple[I8, I8]:
        """Return for each lead the time of its first conversion and when that was known, NEVER where there is none."""
        at, known = np.full(n_leads, NEVER, np.int64), np.full(n_leads, NEVER, np.int64)
        # Written last to first, so that the first of each lead stays.
        order = np.lexsort((self.known, self.at, self.lead))[::-1]
        at[self.lead[order]] = self.at[order]
        known[self.lead[order]] = self.known[order]
        return at, known


def no_payments() -> Payments:
    """Return nothing, for data without a table of conversions."""
    nothing = np.zeros(0, np.int64)
    return Payments(nothing, nothing, nothing)


def payments_of_times(ws: Workspace, lead: I8, at: I8, known: I8 | None = None, *, by_day: bool) -> Payments:
    """Return conversions; one that is dated D counts from D 00:00 and is known when the day is over."""
    if not by_day:
        return Payments(lead, at, at if known is None else known)
    ends = moments.day_end(at, ws.timezone)
    return Payments(lead, moments.day_begin(at, ws.timezone), ends if known is None else np.maximum(ends, known))


def read_conversions(
    ws: Workspace, spec: ConversionsSpec, index: dict[str, int], *, cut: int | None, store: StoreReader | None
) -> tuple[Payments, TableReport]:
    """Read the conversions that are known at `cut`."""
    report = TableReport("conversions", origins=open_sources("conversions", spec.source, ws.folder, cut=cut, store=store))
    # Where the table of leads is also that of conversions, a lead without a time is one that has not paid.
    same_table = ws.data.leads is not None and ws.data.leads.source == spec.source
    required = {spec.lead: "data.conversions.lead", spec.at: "data.conversions.at"}
    reading = Reading("conversions", report.origins, required, coded=frozenset([spec.lead]))
    leads, times, known = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for origin, piece in reading:
        who = read_words(piece.column(spec.lead))
        lead = np.array([*(index.get(one, -1) for one in who.values), -1], np.int64)[who.codes]
        read = read_times(report, "data.conversions.at", spec.at, origin, piece, timezone=ws.timezone, zone=spec.zone)
        outside = lead == OUTSIDE
        unpaid = (read.state == moments.MISSING) & same_table
        codes = first_reason((who.codes < 0, "missing_lead"), *time_flaws(read.state), (lead == -1, "unknown_lead"))
        codes[outside | unpaid] = 0
        strangers = who.codes[(lead == -1) & (who.codes >= 0)]
        if len(strangers):
            report.samples.setdefault("unknown_lead", who.values[strangers[0]][:60])
        kept = report.take(origin, piece, codes)
        keep = ~(outside | unpaid) if kept is None else kept & ~(outside | unpaid)
        report.outside += int(outside.sum())
        leads.append(lead[keep])
        times.append(read.us[keep])
        known.append(known_of(piece, read.us)[keep])
    report.close(reading)
    if cut is None or ws.data.identities is None:  # else they may be of ids of which it is not known yet who they are
        report.stop_if_all_refused()
    by_day = ws.resolution.conversions == "day"
    payments = payments_of_times(ws, np.concatenate(leads), np.concatenate(times), np.concatenate(known), by_day=by_day)
    if cut is not None:
        seen = payments.known <= cut
        payments = Payments(payments.lead[seen], payments.at[seen], payments.known[seen])
    pairs = np.stack([payments.lead, payments.at], axis=1)
    report.duplicates = len(pairs) - len(np.unique(pairs, axis=0))
    report.spans(payments.at)
    return payments, report


def known_of(piece: Piece, at: I8) -> I8:
    """Return from when rows are known: as the store says, else from when they say that it was."""
    known = piece.columns.get(KNOWN)
    return at if known is None else np.maximum(at, moments.read_moments(known, timezone="UTC", zone=None).us)


def payments_of_store(ws: Workspace, store: WholeStore, index: dict[str, int], cut: int | None) -> Payments:
    """Return the conversions that the server was told of, beside those that are events."""
    found = [no_payments()]
    for ids, at, known in store.payments():
        lead = np.array([index.get(one, OUTSIDE) for one in ids], np.int64)
        payments = payments_of_times(ws, lead, at, known, by_day=ws.resolution.conversions == "day")
        kept = (lead >= 0) if cut is None else (lead >= 0) & (payments.known <= cut)
        found.append(Payments(lead[kept], payments.at[kept], payments.known[kept]))
    return joined(found)


def joined(found: Sequence[Payments]) -> Payments:
    """Return payments of several origins as one."""
    return Payments(*(np.concatenate([getattr(one, name) for one in found]) for name in ("lead", "at", "known")))
