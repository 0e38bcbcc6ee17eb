"""Reading a workspace's data into one clean form: leads, their events, their conversions, and an account of every row.

With a `cut`, the tables are those that reading at that instant would have given: whatever became known later is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.clock import NEVER
from features.definition import Definition
from features.names import matches
from features.reading.conversions_table import Payments, no_payments, read_conversions
from features.reading.event_ids import later_copies
from features.reading.event_order import order_of
from features.reading.events_table import EventRows, needed_properties, read_events
from features.reading.growing import replace, tally
from features.reading.identities_table import Link, Merges, read_identities
from features.reading.leads_table import OUTSIDE, Column, LeadRows, read_leads, trait_names
from features.reading.merging import Merging
from features.reading.model_part import as_trained
from features.reading.sources import I8, StoreReader
from features.reading.table_report import Finding, TableReport
from features.reading.trial_events import payments_of_events, starts
from features.reading.written import Written
from features.workspaces.data import EventsSpec
from features.workspaces.schema import Workspace


@dataclass(frozen=True, slots=True)
class Leads:
    """Leads sorted by id. Times are microseconds, NEVER for what has not happened or is not known."""

    ids: list[str]
    started_at: I8
    ended_at: I8
    trial_ends_at: I8
    converted_at: I8
    """The first conversion; with day resolution 00:00 of its day."""
    conversion_known: I8
    account: npt.NDArray[np.object_]
    account_known: I8
    """From when each lead's account is known, NEVER where there is none."""
    attributes: dict[str, npt.NDArray[Any]]
    """Categories as text or None, numbers as doubles; known from the start on."""
    traits: dict[str, npt.NDArray[np.object_]]
    """Traits of behaviours that are no attributes, as text or None; known from the start on."""
    contact: dict[str, npt.NDArray[np.object_]]
    ignored: npt.NDArray[np.bool_]
    converted_flag: npt.NDArray[np.int8]
    """The outcome in a table without dates, else -1."""

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, kept: npt.NDArray[np.bool_] | slice) -> Leads:
        """Return some of the leads."""

        def some(value: Any) -> Any:
            if isinstance(value, list):
                return value[kept] if isinstance(kept, slice) else [value[place] for place in np.flatnonzero(kept).tolist()]
            return {name: some(column) for name, column in value.items()} if isinstance(value, dict) else value[kept]

        return Leads(**{one.name: some(getattr(self, one.name)) for one in fields(self)})


@dataclass(frozen=True, slots=True)
class Events:
    """Events sorted by lead, time and content."""

    lead: npt.NDArray[np.int32]
    """Place in Leads.ids."""
    name: npt.NDArray[np.int32]
    """Place in `names`."""
    names: list[str]
    """Folded names, sorted; each has an event."""
    at: I8
    """When it counts: with day resolution, when its day is over."""
    known: I8
    """When it had both happened and arrived."""
    count: I8
    properties: dict[str, npt.NDArray[Any]]
    written: Written | None = None
    """The rows as they were written, where the reader asked for them, and which of them each event is."""
    row: I8 | None = None

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that was read."""

    leads: Leads
    events: Events
    report: dict[str, TableReport]
    unmapped: dict[str, int]
    """Names that no line of the workspace file mentions, with their number of events."""
    newest: int
    """The newest known time in the data, 0 if there is none."""
    links: Sequence[Link] = ()
    """The merges one by one, where who reads them asked for nobody to be merged."""

    @property
    def findings(self) -> list[Finding]:
        """What was noticed while reading."""
        return [finding for report in self.report.values() for finding in report.findings]


def read_tables(
    ws: Workspace,
    definition: Definition | None = None,
    *,
    cut: int | None = None,
    store: StoreReader | None = None,
    raw: bool = False,
) -> Tables:
    """Read all tables of a workspace, as they were known at `cut`.

    With a model's `definition` they are read as that model was trained, whatever the file says of its features by now. With `raw`
    events keep what was written and nobody is merged with anybody, which is for who loads a store.
    """
    own, data = as_trained(ws, definition), ws.data
    rows, merges, report = read_people(ws, own, cut=cut, store=store, raw=raw)
    events, payments, grow = no_events(), no_payments(), "leads" not in report
    if data.events is not None:
        only_model = only_of_model(ws, own, data.events)
        events, report["events"] = read_events(
            own, data.events, rows.index, grow=grow, cut=cut, store=store, raw=raw, maybe=only_model
        )
    if data.conversions is not None and data.conversions.source:
        payments, report["conversions"] = read_conversions(own, data.conversions, rows.index, cut=cut, store=store)
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
        rows, report["leads"] = read_leads(own, data.leads, cut=cut, store=store, maybe=only_model)
    if data.identities is not None:
        merges, report["identities"] = read_identities(own, data.identities, rows, grow=grow, cut=cut, store=store, apart=raw)
        if not grow and not raw:
            report["leads"].outside += merges.leads
    return rows, merges, report


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
    leads = _leads(own, ids, columns, Merging.of(Merges() if raw else merges, order, len(ids)), events, payments, cut)
    # Who was merged need not have started: as it was written, its events wait for the lead that it turned out to be.
    begun = (leads.started_at < NEVER) | merged
    kept = begun if raw else begun & ~merged
    if not kept.all():
        _drop(ids, kept, begun, events, report)
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


def _leads(
    ws: Workspace,
    ids: list[str],
    columns: dict[Column, npt.NDArray[Any]],
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
    started = columns.get(("time", "started_at"), never)
    by_events = not ws.undated and (data.leads is None or data.leads.started_at is None)
    pattern = data.leads.start if data.leads is not None else ()
    if by_events:
        started = starts(events, pattern, n)
    account = columns.get(("lead", "account"), np.full(n, None, object))
    account, account_known = merging.accounts(account, np.where(account.astype(bool), started, NEVER))
    begins = merging.events(events)
    if by_events and begins is not None:
        started = starts(events, pattern, n, begins)
    if data.conversions is not None and data.conversions.events:
        payments = payments_of_events(ws, events, data.conversions.events, cut)
    else:
        payments = merging.payments(payments)
    converted, conversion_known = payments.earliest(n)
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
    )


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
    times = [events.known, *(column[column < NEVER] for column in (leads.started_at, leads.conversion_known))]
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
