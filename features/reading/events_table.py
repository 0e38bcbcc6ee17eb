"""The table of events: who did what and when, as integer columns."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from features.errors import InputError
from features.names import fold
from features.reading import moments
from features.reading.cells import Words, read_numbers, read_properties, read_words
from features.reading.column_terms import passes_over
from features.reading.event_ids import digests
from features.reading.growing import Grown, GrownProperty, constant, look_up, replace, taken
from features.reading.leads_table import OUTSIDE
from features.reading.sources import I8, Origin, Piece, Reading, StoreReader, open_sources
from features.reading.table_report import TableReport, first_reason, has_nul, read_times, time_flaws
from features.reading.written import Written
from features.workspaces.data import EventsSpec
from features.workspaces.schema import Workspace


@dataclass(slots=True)
class EventRows:
    """Events in the order of their files; `lead` and `name` are places in the index of leads and in `names`."""

    names: list[str]
    lead: npt.NDArray[np.int32]
    name: npt.NDArray[np.int32]
    at: I8
    known: I8
    count: I8
    """Where every count is 1, a column in the memory of one row."""
    ids: I8 | None
    properties: dict[str, npt.NDArray[Any]]
    written: Written | None = None
    """The rows as they were written, where the reader asked for them, and which of them each event is."""
    row: I8 | None = None

    def take(self, rows: npt.NDArray[Any]) -> None:
        """Keep some rows, in this order; column by column, so that only one exists twice at a time."""
        same = self.known is self.at
        self.lead, self.name, self.count = self.lead[rows], self.name[rows], taken(self.count, rows)
        self.at = self.at[rows]
        self.known = self.at if same else self.known[rows]
        self.ids = None if self.ids is None else self.ids[rows]
        self.row = None if self.row is None else self.row[rows]
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
    raw: bool = False,
    part: Origin | None = None,
    maybe: Set[str] = frozenset(),
    since: int | None = None,
) -> tuple[EventRows, TableReport]:
    """Read the events that are known at `cut`; with `grow`, whoever has an event is entered into the index of leads.

    With a `part`, only these rows are read, which may be none, or all be refused. Properties in `maybe` need not be there. With
    `raw` the rows are also kept as they were written. With `since`, queries may leave out what is older, perhaps all.
    """
    origins = [part] if part else open_sources("events", spec.source, ws.folder, cut=cut, store=store, since=since)
    report = TableReport("events", origins=origins)
    table = _EventsTable(ws, spec, report, index, grow, cut, Written(spec) if raw else None)
    reading = events_reading(ws, spec, origins, maybe)
    reading.every = raw
    for origin, piece in reading:
        table.add(origin, piece)
    report.close(reading)
    if part is None and since is None:
        if not report.read:
            raise InputError(
                "data.events has no rows",
                given="; ".join(origin.name for origin in report.origins) + " without a row",
                expected="at least one event",
                do="check data.events.source",
            )
        if cut is None or ws.data.identities is None:  # else they may be of ids of which it is not known yet who they are
            report.stop_if_all_refused()
    return table.finish(), report


def events_reading(ws: Workspace, spec: EventsSpec, origins: list[Origin], maybe: Set[str] = frozenset()) -> Reading:
    """Return the reading of the columns that a workspace names, out of some origins."""
    required = {spec.lead: "data.events.lead", spec.name: "data.events.name", spec.at: "data.events.at"}
    optional = {name: key for name, key in needed_properties(ws, spec)[0].items() if name not in maybe}
    for key in ("id", "received_at", "count"):
        column = getattr(spec, key)
        if column is not None:
            optional[column] = f"data.events.{key}"
    return Reading("events", origins, required, optional, maybe=sorted(maybe), coded=frozenset((spec.lead, spec.name)))


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
    written: Written | None
    properties: dict[str, str] = field(init=False)
    _summed: list[str] = field(init=False)
    _names: dict[str, int] = field(default_factory=dict)
    _expected: int = field(init=False)
    _lead: Grown = field(init=False)
    _name: Grown = field(init=False)
    _at: Grown = field(init=False)
    _known: Grown | None = None
    _count: Grown | None = None
    _ids: Grown | None = None
    _values: list[GrownProperty] = field(init=False)

    def __post_init__(self) -> None:
        self.properties, self._summed = needed_properties(self.ws, self.spec)
        expected = self._expected = sum(getattr(origin, "expected_rows", 0) for origin in self.report.origins)
        self._lead, self._name = Grown(np.int32, expected), Grown(np.int32, expected)
        self._at = Grown(np.int64, expected)
        self._ids = None if self.spec.id is None else Grown(np.int64, expected, width=2)
        self._values = [GrownProperty(expected) for _ in self.properties]

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
        if passes_over(spec.name):
            outside |= what.codes < 0
        left_out = int(np.count_nonzero(outside))
        if left_out:
            codes[outside] = 0
        strangers = who.codes[(lead == -1) & (who.codes >= 0)]
        if len(strangers):
            self.report.samples.setdefault("unknown_lead", who.values[strangers[0]][:60])
        keep = self.report.take(origin, piece, codes)
        if left_out:
            keep = ~outside if keep is None else keep & ~outside
            self.report.outside += left_out
        written = read.us
        at = moments.effective_event(_sound(read, moments.EARLIEST), ws.resolution.events, ws.timezone)
        known = at if received is None else np.maximum(at, received)
        if self.cut is not None:
            seen = known <= self.cut
            keep = seen if keep is None else keep & seen
        ids = None if spec.id is None else digests(piece.column(spec.id))
        properties = [self._property(piece, one) for one in self.properties]
        columns: list[Any] = [lead, name, at, None if received is None else known, count, ids, *properties]
        if self.written is not None:
            self.written.add(piece, keep)
        if keep is not None and not keep.all():
            columns = [None if column is None else column[keep] for column in columns]
            written = written[keep]
        self.report.spans(written)
        self._append(*columns)

    def _append(self, lead: Any, name: Any, at: I8, known: I8 | None, count: I8 | None, ids: Any, *values: Any) -> None:
        before = len(self._at)
        if known is not None and self._known is None:
            self._known = Grown(np.int64, self._expected)
            self._known.add(self._at.whole())
        if count is not None and self._count is None:
            self._count = Grown(np.int64, self._expected)
            self._count.room(before)[:] = 1
        self._lead.add(lead)
        self._name.add(name)
        self._at.add(at)
        if self._known is not None:
            self._known.add(at if known is None else known)
        if self._count is not None:
            self._count.room(len(at))[:] = 1 if count is None else count
        if self._ids is not None:
            self._ids.add(ids)
        for column, part in zip(self._values, values, strict=True):
            column.add(part)

    def _leads(self, who: Words) -> npt.NDArray[np.int32]:
        if self.grow:
            places = [self.index.setdefault(one, len(self.index)) if one and "\0" not in one else -1 for one in who.values]
        else:
            find = self.index.get
            places = [find(one, -1) for one in who.values]
        return look_up(np.array([*places, -1], np.int32), who.codes)

    def _folded(self, what: Words) -> npt.NDArray[np.int32]:
        folded = [fold(one) if one.strip() else "" for one in what.values]
        places = [self._names.setdefault(one, len(self._names)) if one else -1 for one in folded]
        return look_up(np.array([*places, -1], np.int32), what.codes)

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
        return _sound(read, moments.EARLIEST), flaws

    def _property(self, piece: Piece, name: str) -> npt.NDArray[Any]:
        return read_numbers(piece.column(name))[0] if name in self._summed else read_properties(piece.column(name))

    def finish(self) -> EventRows:
        """Return the columns, with the names in their order."""
        names = sorted(self._names)
        place = np.empty(len(names), np.int32)
        for new, one in enumerate(names):
            place[self._names[one]] = new
        lead, name, at = self._lead.whole(), self._name.whole(), self._at.whole()
        if len(names):
            replace(name, place)
        known = at if self._known is None else self._known.whole()
        count = constant(1, len(at)) if self._count is None else self._count.whole()
        ids = None if self._ids is None else self._ids.whole()
        properties = {one: values.whole() for one, values in zip(self.properties, self._values, strict=True)}
        row = None if self.written is None else np.arange(len(at))
        return EventRows(names, lead, name, at, known, count, ids, properties, self.written, row)


def _sound(read: moments.Moments, otherwise: int) -> I8:
    """Return the times that were read, and another where none was."""
    good = read.state == moments.READ
    return read.us if good.all() else np.where(good, read.us, otherwise)
