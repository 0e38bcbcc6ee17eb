"""The table of events: who did what and when, as integer columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from features.errors import InputError
from features.names import fold
from features.reading import moments
from features.reading.cells import Words, read_numbers, read_properties, read_words
from features.reading.event_ids import digests
from features.reading.leads_table import OUTSIDE
from features.reading.sources import I8, Origin, Piece, Reading, StoreReader, open_sources
from features.reading.table_report import TableReport, first_reason, has_nul, read_times, time_flaws
from features.workspaces.data import EventsSpec
from features.workspaces.schema import Workspace

_LEAD, _NAME, _AT, _KNOWN, _COUNT, _IDS, _ID_TEXTS = range(7)


@dataclass(slots=True)
class EventRows:
    """Events in the order of their files; `lead` and `name` are places in the index of leads and in `names`."""

    names: list[str]
    lead: npt.NDArray[np.int32]
    name: npt.NDArray[np.int32]
    at: I8
    known: I8
    count: I8
    ids: I8 | None
    properties: dict[str, npt.NDArray[Any]]
    id_texts: npt.NDArray[np.object_] | None = None
    """The message ids themselves, where the reader asked for them."""

    def take(self, rows: npt.NDArray[Any]) -> None:
        """Keep some rows, in this order; column by column, so that only one exists twice at a time."""
        same = self.known is self.at
        self.lead, self.name, self.count = self.lead[rows], self.name[rows], self.count[rows]
        self.at = self.at[rows]
        self.known = self.at if same else self.known[rows]
        self.ids = None if self.ids is None else self.ids[rows]
        self.id_texts = None if self.id_texts is None else self.id_texts[rows]
        for name in self.properties:
            self.properties[name] = self.properties[name][rows]

    def content(self) -> list[npt.NDArray[Any]]:
        """Return the columns that order events of one lead and time."""
        return [self.known, self.name, self.count, *(self.properties[name] for name in sorted(self.properties))]


def read_events(
    ws: Workspace,
    spec: EventsSpec,
    index: dict[str, int],
    *,
    grow: bool,
    cut: int | None,
    store: StoreReader | None,
    id_texts: bool = False,
) -> tuple[EventRows, TableReport]:
    """Read the events that are known at `cut`; with `grow`, whoever has an event is entered into the index of leads."""
    report = TableReport("events", origins=open_sources("events", spec.source, ws.folder, cut=cut, store=store))
    table = _EventsTable(ws, spec, report, index, grow, cut, id_texts)
    required = {spec.lead: "data.events.lead", spec.name: "data.events.name", spec.at: "data.events.at"}
    optional = dict(table.properties)
    for key in ("id", "received_at", "count"):
        column = getattr(spec, key)
        if column is not None:
            optional[column] = f"data.events.{key}"
    reading = Reading("events", report.origins, required, optional, coded=frozenset((spec.lead, spec.name)))
    for origin, piece in reading:
        table.add(origin, piece)
    report.close(reading)
    if not report.read:
        raise InputError(
            "data.events has no rows",
            given="; ".join(origin.name for origin in report.origins) + " without a row",
            expected="at least one event",
            do="check data.events.source",
        )
    report.stop_if_all_refused()
    return table.finish(), report


def needed_properties(ws: Workspace, spec: EventsSpec) -> tuple[dict[str, str], list[str]]:
    """Return the properties that are read, with where each is asked for, and those that are only ever added up."""
    asked: dict[str, str] = {}
    patterns = [(f"behaviours.{name}", one.events) for name, one in ws.behaviours.items()]
    patterns += [(f"features.{name}", one.patterns) for name, one in ws.features.items()]
    patterns += [("data.leads.start", ws.data.leads.start)] if ws.data.leads else []
    patterns += [("data.conversions.events", ws.data.conversions.events)] if ws.data.conversions else []
    for key, alternatives in patterns:
        for pattern in alternatives:
            asked.update(dict.fromkeys(pattern.where, f"{key}.where"))
    summed: dict[str, str] = {}
    for name, behaviour in ws.behaviours.items():
        for key in ("duration", "amount"):
            column = getattr(behaviour, key)
            if column is not None:
                summed[column] = f"behaviours.{name}.{key}"
    listed = dict.fromkeys(spec.properties, "data.events.properties")
    return {**asked, **summed, **listed}, [name for name in summed if name not in asked]


@dataclass(slots=True)
class _EventsTable:
    ws: Workspace
    spec: EventsSpec
    report: TableReport
    index: dict[str, int]
    grow: bool
    cut: int | None
    id_texts: bool
    properties: dict[str, str] = field(init=False)
    _summed: list[str] = field(init=False)
    _names: dict[str, int] = field(default_factory=dict)
    _parts: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.properties, self._summed = needed_properties(self.ws, self.spec)

    def add(self, origin: Origin, piece: Piece) -> None:
        """Read one piece into integer columns; what is refused, not asked for or not known yet is left out."""
        spec, ws = self.spec, self.ws
        who, what = read_words(piece.column(spec.lead)), read_words(piece.column(spec.name))
        lead, name = self._leads(who), self._folded(what)
        read = read_times(self.report, "data.events.at", spec.at, origin, piece, timezone=ws.timezone, zone=spec.zone)
        count, bad_count = self._counts(piece)
        received, flaws = self._received(origin, piece)
        codes = first_reason(
            (who.codes < 0, "missing_lead"),
            (has_nul(who) | has_nul(what), "invalid_text"),
            (name < 0, "missing_name"),
            *time_flaws(read.state),
            *flaws,
            (bad_count, "bad_count"),
            (lead == -1, "unknown_lead"),
        )
        outside = lead == OUTSIDE
        codes[outside] = 0
        strangers = who.codes[(lead == -1) & (who.codes >= 0)]
        if len(strangers):
            self.report.samples.setdefault("unknown_lead", who.values[strangers[0]][:60])
        kept = self.report.take(origin, piece, codes)
        good = read.state == moments.READ
        at = moments.effective_event(np.where(good, read.us, moments.EARLIEST), ws.resolution.events, ws.timezone)
        known = at if received is None else np.maximum(at, received)
        keep = ~outside if kept is None else kept & ~outside
        self.report.outside += int(outside.sum())
        if self.cut is not None:
            keep &= known <= self.cut
        ids = None if spec.id is None else digests(piece.column(spec.id))
        texts = read_words(piece.column(spec.id)).objects() if spec.id is not None and self.id_texts else None
        properties = [self._property(piece, one) for one in self.properties]
        columns = [lead, name, at, None if received is None else known, count, ids, texts, *properties]
        written = read.us
        if not keep.all():
            columns = [None if column is None else column[keep] for column in columns]
            written = written[keep]
        self.report.spans(written)
        self._parts.append(tuple(columns))

    def _leads(self, who: Words) -> npt.NDArray[np.int32]:
        if self.grow:
            places = [self.index.setdefault(one, len(self.index)) if one and "\0" not in one else -1 for one in who.values]
        else:
            find = self.index.get
            places = [find(one, -1) for one in who.values]
        return np.array([*places, -1], np.int32)[who.codes]

    def _folded(self, what: Words) -> npt.NDArray[np.int32]:
        folded = [fold(one) if one.strip() else "" for one in what.values]
        places = [self._names.setdefault(one, len(self._names)) if one else -1 for one in folded]
        return np.array([*places, -1], np.int32)[what.codes]

    def _counts(self, piece: Piece) -> tuple[I8 | None, npt.NDArray[np.bool_]]:
        nothing = np.zeros(piece.rows, bool)
        if self.spec.count is None or self.spec.count not in piece.columns:
            return None, nothing
        values, unread = read_numbers(piece.column(self.spec.count))
        bad = ~np.isnan(values) & ((values < 1) | (values != np.floor(values)) | (values > 2**53))
        if unread:
            # A text in the place of a number is no missing count: it is refused with its line.
            bad |= np.isnan(values) & (read_words(piece.column(self.spec.count)).codes >= 0)
        return np.where(np.isnan(values) | bad, 1, values).astype(np.int64), bad

    def _received(self, origin: Origin, piece: Piece) -> tuple[I8 | None, list[tuple[npt.NDArray[np.bool_], str]]]:
        column = self.spec.received_at
        if column is None or column not in piece.columns:
            return None, []
        key = "data.events.received_at"
        read = read_times(self.report, key, column, origin, piece, timezone=self.ws.timezone, zone=self.spec.zone)
        flaws = [(holds, reason) for holds, reason in time_flaws(read.state) if reason != "missing_time"]
        return np.where(read.state == moments.READ, read.us, moments.EARLIEST), flaws

    def _property(self, piece: Piece, name: str) -> npt.NDArray[Any]:
        return read_numbers(piece.column(name))[0] if name in self._summed else read_properties(piece.column(name))

    def finish(self) -> EventRows:
        """Put the pieces together, with the names in their order."""
        parts, self._parts = self._parts, []
        names = sorted(self._names)
        place = np.empty(len(names), np.int32)
        for new, one in enumerate(names):
            place[self._names[one]] = new
        columns = [list(column) for column in zip(*parts, strict=True)]
        parts.clear()
        rows = [len(part) for part in columns[_AT]]
        count = _filled(columns, _COUNT, [np.ones(n, np.int64) for n in rows])
        known = None
        if any(part is not None for part in columns[_KNOWN]):
            known = _filled(columns, _KNOWN, columns[_AT])
        ids = None if self.spec.id is None else _filled(columns, _IDS)
        texts = _filled(columns, _ID_TEXTS) if self.spec.id is not None and self.id_texts else None
        lead, name, at = (_filled(columns, i) for i in (_LEAD, _NAME, _AT))
        properties = {}
        for i, one in enumerate(self.properties, _ID_TEXTS + 1):
            properties[one] = _joined(columns[i])
            columns[i].clear()
        return EventRows(
            names, lead, place[name] if len(names) else name, at, at if known is None else known, count, ids, properties, texts
        )


def _filled(columns: list[list[Any]], i: int, default: list[Any] | None = None) -> npt.NDArray[Any]:
    """Join the parts of a column and let go of them, so that only one column exists twice at a time."""
    parts = columns[i]
    if default is not None:
        parts = [other if part is None else part for part, other in zip(parts, default, strict=True)]
    columns[i] = []
    return np.concatenate(parts)


def _joined(parts: Any) -> npt.NDArray[Any]:
    """Join the parts of a property; if some are texts, all become objects, and NaN among them None."""
    if all(part.dtype != object for part in parts):
        return np.concatenate(parts)
    objects = []
    for part in parts:
        mixed = part.astype(object)
        if part.dtype != object:
            mixed[np.isnan(part)] = None
        objects.append(mixed)
    return np.concatenate(objects)
