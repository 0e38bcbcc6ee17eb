"""Reading a workspace's data into one clean form: leads, their events, their conversions, and an account of every row.

With a `cut`, the tables are those that reading at that instant would have given: whatever became known later is not there.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.clock import NEVER
from features.definition import Definition
from features.names import matches
from features.reading.begun_leads import begun_leads
from features.reading.clean_tables import Events, Leads, Tables
from features.reading.conversions_table import Payments, no_payments, payments_of_store, read_conversions
from features.reading.event_ids import later_copies
from features.reading.event_order import order_of
from features.reading.events_table import EventRows, needed_properties, read_events
from features.reading.growing import replace, tally
from features.reading.identities_table import Merges, read_identities
from features.reading.joined_leads import joined_leads
from features.reading.leads_table import OUTSIDE, Column, LeadRows, read_leads
from features.reading.merging import Merging
from features.reading.model_part import as_trained
from features.reading.sources import I8, StoreReader, open_sources
from features.reading.stored_columns import WholeStore, any_from_store, outside_store, reads_store, with_stored_columns
from features.reading.table_report import Finding, TableReport
from features.workspaces.data import EventsSpec, LeadsSpec
from features.workspaces.schema import Workspace

__all__ = [
    "Events",
    "Leads",
    "Tables",
    "mapped_patterns",
    "no_events",
    "only_of_model",
    "put_together",
    "read_people",
    "read_tables",
]


def read_tables(
    ws: Workspace,
    definition: Definition | None = None,
    *,
    cut: int | None = None,
    store: StoreReader | None = None,
    raw: bool = False,
    since: int | None = None,
) -> Tables:
    """Read all tables of a workspace, as they were known at `cut`.

    With a model's `definition` they are read as that model was trained, whatever the file says of its features by now. With `raw`
    events keep what was written and nobody is merged with anybody, which is for who loads a store; `since` then lets queries
    leave out older events. The `store` is opened here where the workspace names it and nobody gives it.
    """
    if store is None and any_from_store(ws):
        from features.storing.collected import collected

        with collected(ws) as found:
            return read_tables(ws, definition, cut=cut, store=found, raw=raw)
    ws = with_stored_columns(ws) if isinstance(store, WholeStore) else ws
    own, data = as_trained(ws, definition), ws.data
    rows, merges, report = read_people(ws, own, cut=cut, store=store, raw=raw)
    events, payments, grow = no_events(), no_payments(), "leads" not in report
    if data.events is not None:
        only_model = only_of_model(ws, own, data.events)
        events, report["events"] = read_events(
            own, data.events, rows.index, grow=grow, cut=cut, store=store, raw=raw, maybe=only_model, since=since
        )
    if data.conversions is not None and data.conversions.source:
        payments, report["conversions"] = read_conversions(own, data.conversions, rows.index, cut=cut, store=store)
    elif isinstance(store, WholeStore) and reads_store(data.events):
        payments = payments_of_store(own, store, rows.index, cut)
    if isinstance(store, WholeStore):
        merges = _forget(store, rows, merges, events, payments)
    return put_together(own, rows, merges, events, payments, report, cut=cut, raw=raw)


def read_people(
    ws: Workspace, own: Workspace, *, cut: int | None, store: StoreReader | None = None, raw: bool = False
) -> tuple[LeadRows, Merges, dict[str, TableReport]]:
    """Read the table of leads, if there is one, and who turned out to be whom; `own` is the workspace as a model was trained."""
    report: dict[str, TableReport] = {}
    rows, merges, data = LeadRows(), Merges(), ws.data
    grow = data.leads is None or not data.leads.source
    if data.leads is not None and not grow:
        only_model = own.attributes.keys() - ws.attributes.keys()
        rows, report["leads"] = _leads_of_sources(own, data.leads, cut=cut, store=store, maybe=only_model)
    elif isinstance(store, WholeStore) and reads_store(data.events):
        rows = store.people(own, cut)  # who has no table is known by what the server was told
    if data.identities is not None:
        merges, report["identities"] = read_identities(own, data.identities, rows, grow=grow, cut=cut, store=store, apart=raw)
        if not grow and not raw:
            report["leads"].outside += merges.leads
    return rows, merges, report


def _leads_of_sources(
    own: Workspace, spec: LeadsSpec, *, cut: int | None, store: StoreReader | None, maybe: Set[str]
) -> tuple[LeadRows, TableReport]:
    """Read the leads of files, of the store or of both; what files say of a lead goes before what the server was told."""
    if not isinstance(store, WholeStore) or not reads_store(spec):
        return read_leads(own, spec, cut=cut, store=store, maybe=maybe)
    stored, others = store.people(own, cut), outside_store(spec.source)
    if not others:
        report = TableReport("leads", origins=open_sources("leads", spec.source, own.folder, store=store))
        report.read = len(stored.index)
        started = stored.columns["time", "started_at"]
        report.spans(started[started < NEVER])
        return stored, report
    rows, report = read_leads(own, spec.model_copy(update={"source": others}), cut=cut, store=None, maybe=maybe)
    report.read += len(stored.index.keys() - rows.index.keys())
    return joined_leads(rows, stored), report


def _forget(store: WholeStore, rows: LeadRows, merges: Merges, events: EventRows, payments: Payments) -> Merges:
    """Leave out whoever was forgotten and every id that turned out to be them, with all that any source still says of them."""
    places = np.fromiter(rows.index.values(), np.int64, len(rows.index))
    gone = store.forgotten(list(rows.index)) & (places >= 0)
    if not gone.any():
        return merges
    forgotten = np.zeros(int(places.max()) + 1, bool)
    forgotten[places[gone]] = True
    forgotten[merges.merged[forgotten[merges.into]]] = True
    events.take(~forgotten[events.lead])
    kept = ~forgotten[payments.lead]
    payments.lead, payments.at, payments.known = payments.lead[kept], payments.at[kept], payments.known[kept]
    rows.index.update((one, OUTSIDE) for one, place in list(rows.index.items()) if place >= 0 and forgotten[place])
    stay = ~forgotten[merges.merged]
    return Merges(merges.merged[stay], merges.into[stay], merges.since[stay], merges.leads, merges.newest)


def only_of_model(ws: Workspace, own: Workspace, spec: EventsSpec) -> Set[str]:
    """Return the properties of events that only the model still asks for: the data need not have them."""
    return needed_properties(own, spec)[0].keys() - needed_properties(ws, spec)[0].keys()


def put_together(
    own: Workspace,
    rows: LeadRows,
    merges: Merges,
    events: EventRows,
    payments: Payments,
    report: dict[str, TableReport],
    *,
    cut: int | None,
    raw: bool = False,
) -> Tables:
    """Make tables of what was read of some leads and of everybody who turned out to be one of them."""
    ids, places = _sorted_ids(rows)
    order = np.zeros(int(places.max(initial=-1)) + 1, np.int32)
    order[places] = np.arange(len(ids), dtype=np.int32)
    replace(events.lead, order)
    payments.lead = order[payments.lead].astype(np.int64)
    if events.ids is not None:
        _drop_copies(events, events.ids, report["events"])
    merged = np.zeros(len(ids), bool)
    merged[order[merges.merged]] = True
    columns = {key: _carried(key, values, places) for key, values in rows.columns.items()}
    leads = begun_leads(own, ids, columns, Merging.of(Merges() if raw else merges, order, len(ids)), events, payments, cut)
    # Who was merged need not have started: as it was written, its events wait for the lead that it turned out to be.
    begun = (leads.started_at < NEVER) | merged
    kept = begun if raw else begun & ~merged
    if not kept.all():
        heard_of = columns.get(("flag", "stored"), np.zeros(len(ids), np.int8)) == 1
        _drop(ids, kept, begun | heard_of, events, report)
        leads = leads.take(kept)
    return _finish(own, leads, events, report, merges)


def no_events() -> EventRows:
    """Return events of nobody."""
    nothing, codes = np.zeros(0, np.int64), np.zeros(0, np.int32)
    return EventRows([], codes, codes, nothing, nothing, nothing, None, {})


def _sorted_ids(rows: LeadRows) -> tuple[list[str], I8]:
    """Return the ids in their order, with the place of each in the index."""
    ids = list(rows.index)
    places = np.fromiter(rows.index.values(), np.int64, len(ids))
    order = pc.array_sort_indices(pa.array(ids, pa.large_string())).to_numpy().astype(np.int64)
    order = order[places[order] != OUTSIDE]
    return [ids[place] for place in order.tolist()], places[order]


def _carried(key: Column, values: npt.NDArray[Any], places: I8) -> npt.NDArray[Any]:
    """Return a column of the leads in the order of their ids; who turned out to be a lead need not stand in the table."""
    unknown = places >= len(values)
    if not unknown.any():
        return values[places]
    absent = {"time": NEVER, "flag": -1}.get(key[0], {"O": None, "f": np.nan}.get(values.dtype.kind, False))
    carried = np.full(len(places), absent, values.dtype)
    carried[~unknown] = values[places[~unknown]]
    return carried


def _drop_copies(events: EventRows, ids: I8, report: TableReport) -> None:
    """Count every message id once: the row that was known first stays."""
    content: list[npt.NDArray[Any]] = [events.known, events.at, events.lead, *events.content()[1:]]
    again = later_copies(ids, content)
    events.ids = None
    report.duplicates += len(again)
    if len(again):
        keep = np.ones(len(events.at), bool)
        keep[again] = False
        events.take(keep)


def _drop(
    ids: list[str], kept: npt.NDArray[np.bool_], begun: npt.NDArray[np.bool_], events: EventRows, report: dict[str, TableReport]
) -> None:
    """Leave out who is no lead; of who never started say so, with the events of theirs."""
    keep = kept[events.lead]
    dropped = int((~keep).sum())
    if dropped:
        events.take(keep)
    events.lead = (np.cumsum(kept, dtype=np.int32) - 1)[events.lead].astype(np.int32)
    missing = [ids[place] for place in np.flatnonzero(~begun).tolist()]
    if missing:
        account = report.get("events") or report["leads"]
        account.outside += dropped
        evidence = (
            f"{len(missing)} ids never start a trial and are no leads, such as '{missing[0][:60]}'; {dropped} events left out"
        )
        account.findings.append(Finding("info", "data.leads", evidence))


def _finish(ws: Workspace, leads: Leads, events: EventRows, report: dict[str, TableReport], merges: Merges) -> Tables:
    """Put the events into their order, and count the names that nobody asked about."""
    order = order_of(events.lead, events.at, len(leads), events.content())
    if order is not None:
        events.take(order)
    counts = np.zeros(len(events.names), np.int64)
    tally(events.name, counts)
    used = counts > 0
    names = [name for name, keep in zip(events.names, used, strict=True) if keep]
    if not used.all():
        replace(events.name, np.cumsum(used, dtype=np.int32) - np.int32(1))
    patterns = mapped_patterns(ws)
    unmapped = {
        name: int(count)
        for name, count in zip(names, counts[used], strict=True)
        if not any(matches(pattern, name) for pattern in patterns)
    }
    columns = [leads.started_at, leads.conversion_known, leads.account_known, *leads.known.values()]
    times = [events.known, *(column[column < NEVER] for column in columns)]
    newest = max([merges.newest, *(int(column.max()) for column in times if len(column))])
    clean = Events(
        events.lead, events.name, names, events.at, events.known, events.count, events.properties, events.written, events.row
    )
    return Tables(leads, clean, report, unmapped, newest, merges.links)


def mapped_patterns(ws: Workspace) -> list[str]:
    """Return every event pattern that the workspace file mentions."""
    alternatives = [one.events for one in ws.behaviours.values()] + [one.patterns for one in ws.features.values()]
    if ws.data.leads is not None:
        alternatives.append(ws.data.leads.start)
    if ws.data.conversions is not None:
        alternatives.append(ws.data.conversions.events)
    return sorted({pattern.event for patterns in alternatives for pattern in patterns})
