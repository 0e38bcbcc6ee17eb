"""Reading a workspace's data into one clean form: leads, their events, their conversions, and an account of every row.

With a `cut`, the tables are those that reading at that instant would have given: whatever became known later is not there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.clock import NEVER
from features.names import matches
from features.reading.conversions_table import Payments, read_conversions
from features.reading.event_ids import later_copies
from features.reading.event_order import order_of
from features.reading.events_table import EventRows, read_events
from features.reading.leads_table import OUTSIDE, Column, LeadRows, read_leads, trait_names
from features.reading.sources import I8, StoreReader
from features.reading.table_report import Finding, TableReport
from features.reading.trial_events import payments_of_events, starts
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
    ids: npt.NDArray[np.object_] | None = None
    """Message ids as text or None, where the reader asked for them."""

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

    @property
    def findings(self) -> list[Finding]:
        """What was noticed while reading."""
        return [finding for report in self.report.values() for finding in report.findings]


def read_tables(ws: Workspace, *, cut: int | None = None, store: StoreReader | None = None, event_ids: bool = False) -> Tables:
    """Read all tables of a workspace, as they were known at `cut`; only who loads a store needs the texts of `event_ids`."""
    data = ws.data
    report: dict[str, TableReport] = {}
    rows, grow = LeadRows(), True
    if data.leads is not None and data.leads.source:
        rows, report["leads"] = read_leads(ws, data.leads, cut=cut, store=store)
        grow = False
    events = _no_events()
    if data.events is not None:
        events, report["events"] = read_events(ws, data.events, rows.index, grow=grow, cut=cut, store=store, id_texts=event_ids)
    nobody = np.zeros(0, np.int64)
    payments = Payments(nobody, nobody, nobody)
    if data.conversions is not None and data.conversions.source:
        payments, report["conversions"] = read_conversions(ws, data.conversions, rows.index, cut=cut, store=store)
    ids, place = _sorted_ids(rows)
    events.lead = place[events.lead]
    if events.ids is not None:
        _drop_copies(events, events.ids, report["events"])
    if data.conversions is not None and data.conversions.events:
        payments = payments_of_events(ws, events, data.conversions.events, cut)
    else:
        payments.lead = place[payments.lead].astype(np.int64)
    columns = {key: values[_places(rows, ids)] for key, values in rows.columns.items()}
    started = columns.get(("time", "started_at"), np.full(len(ids), NEVER, np.int64))
    if not ws.undated and (data.leads is None or data.leads.started_at is None):
        started = starts(events, data.leads.start if data.leads else (), len(ids))
    converted, known = payments.earliest(len(ids))
    begun = started < NEVER
    if not begun.all():
        _drop_unstarted(ids, begun, events, report)
        ids = [one for one, keep in zip(ids, begun, strict=True) if keep]
        columns = {key: values[begun] for key, values in columns.items()}
        started, converted, known = started[begun], converted[begun], known[begun]
    leads = _leads(ws, ids, started, converted, known, columns)
    return _finish(ws, leads, events, report)


def _no_events() -> EventRows:
    nothing, codes = np.zeros(0, np.int64), np.zeros(0, np.int32)
    return EventRows([], codes, codes, nothing, nothing, nothing, None, {})


def _sorted_ids(rows: LeadRows) -> tuple[list[str], npt.NDArray[np.int32]]:
    """Return the ids in order, and for each place in the index the place in that order."""
    ids = sorted(one for one, place in rows.index.items() if place != OUTSIDE)
    order = np.empty(len(ids), np.int32)
    order[_places(rows, ids)] = np.arange(len(ids), dtype=np.int32)
    return ids, order


def _places(rows: LeadRows, ids: list[str]) -> I8:
    return np.fromiter((rows.index[one] for one in ids), np.int64, len(ids))


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


def _drop_unstarted(ids: list[str], begun: npt.NDArray[np.bool_], events: EventRows, report: dict[str, TableReport]) -> None:
    """Leave out who never started, with the events of theirs, and say so."""
    keep = begun[events.lead]
    place = np.cumsum(begun, dtype=np.int32) - 1
    dropped = int((~keep).sum())
    if dropped:
        events.take(keep)
    events.lead = place[events.lead].astype(np.int32)
    missing = [one for one, good in zip(ids, begun, strict=True) if not good]
    account = report.get("events") or report["leads"]
    account.outside += dropped
    evidence = f"{len(missing)} ids never start a trial and are no leads, such as '{missing[0][:60]}'; {dropped} events left out"
    account.findings.append(Finding("info", "data.leads", evidence))


def _leads(
    ws: Workspace, ids: list[str], started: I8, converted: I8, known: I8, columns: dict[Column, npt.NDArray[Any]]
) -> Leads:
    def of(kind: str, names: Iterable[str], absent: object) -> dict[str, npt.NDArray[Any]]:
        return {name: columns[kind, name] if (kind, name) in columns else np.full(n, absent) for name in names}

    n = len(ids)
    never = np.full(n, NEVER, np.int64)
    return Leads(
        ids=ids,
        started_at=started,
        ended_at=columns.get(("time", "ended_at"), never),
        trial_ends_at=columns.get(("time", "trial_ends_at"), never.copy()),
        converted_at=converted,
        conversion_known=known,
        account=columns.get(("lead", "account"), np.full(n, None, object)),
        attributes={
            **of("attribute", (name for name, kind in ws.attributes.items() if kind == "category"), None),
            **of("attribute", (name for name, kind in ws.attributes.items() if kind == "number"), np.nan),
        },
        traits=of("trait", trait_names(ws), None),
        contact=of("contact", ws.contact, None),
        ignored=columns.get(("lead", "ignored"), np.zeros(n, bool)),
        converted_flag=columns.get(("flag", "converted"), np.full(n, -1, np.int8)),
    )


def _finish(ws: Workspace, leads: Leads, events: EventRows, report: dict[str, TableReport]) -> Tables:
    """Put the events into their order, and count the names that nobody asked about."""
    order = order_of(events.lead, events.at, len(leads), events.content())
    if order is not None:
        events.take(order)
    counts = np.bincount(events.name, minlength=len(events.names))
    used = counts > 0
    names = [name for name, keep in zip(events.names, used, strict=True) if keep]
    if not used.all():
        events.name = (np.cumsum(used, dtype=np.int32) - 1)[events.name]
    patterns = mapped_patterns(ws)
    unmapped = {
        name: int(count)
        for name, count in zip(names, counts[used], strict=True)
        if not any(matches(pattern, name) for pattern in patterns)
    }
    times = [leads.started_at, events.known, leads.conversion_known[leads.conversion_known < NEVER]]
    newest = max((int(column.max()) for column in times if len(column)), default=0)
    clean = Events(events.lead, events.name, names, events.at, events.known, events.count, events.properties, events.id_texts)
    return Tables(leads, clean, report, unmapped, newest)


def mapped_patterns(ws: Workspace) -> list[str]:
    """Return every event pattern that the workspace file mentions."""
    alternatives = [one.events for one in ws.behaviours.values()] + [one.patterns for one in ws.features.values()]
    if ws.data.leads is not None:
        alternatives.append(ws.data.leads.start)
    if ws.data.conversions is not None:
        alternatives.append(ws.data.conversions.events)
    return sorted({pattern.event for patterns in alternatives for pattern in patterns})
