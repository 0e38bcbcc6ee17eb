"""The table of leads: one row a lead, what is known of it at sign-up, and when it began and ended."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.clock import NEVER
from features.errors import InputError
from features.names import matches
from features.reading import moments
from features.reading.cells import cell_text, plain, read_numbers, read_words
from features.reading.sources import I8, Origin, Piece, Reading, StoreReader, open_sources
from features.reading.table_report import CODE, Finding, TableReport, first_reason, has_nul, read_times, time_flaws
from features.workspaces.conditions import holds
from features.workspaces.data import LeadsSpec
from features.workspaces.schema import Workspace

OUTSIDE = -2
"""The index of a lead that is known but not asked for: left out by `where`, or not started yet."""

UNDATED = 0
"""The start of every lead of a table without dates."""

_YES = frozenset({"1", "true", "t", "yes", "y", "evet", "ja"})
_NO = frozenset({"0", "false", "f", "no", "n", "hayır", "hayir", "nein"})

Column = tuple[str, str]
"""What a column is for (time, attribute, trait, contact, lead, flag), and its name there."""


@dataclass(slots=True)
class LeadRows:
    """Leads in the order of their files; where events say when a lead starts, `started_at` is still NEVER."""

    index: dict[str, int] = field(default_factory=dict)
    """Place of each lead by id, or OUTSIDE."""
    columns: dict[Column, npt.NDArray[Any]] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)
    """Leads of the index that are OUTSIDE only because they start after the cut: as of then nobody had heard of them."""

    @property
    def size(self) -> int:
        """How many places the index has given away so far."""
        return max(self.index.values(), default=-1) + 1


def read_leads(
    ws: Workspace, spec: LeadsSpec, *, cut: int | None, store: StoreReader | None, maybe: Set[str] = frozenset()
) -> tuple[LeadRows, TableReport]:
    """Read the leads that are known at `cut`; repeated rows are counted, and refused if they say something else.

    Attributes that are in `maybe` need not be there.
    """
    report = TableReport("leads", origins=open_sources("leads", spec.source, ws.folder, cut=cut, store=store))
    table = _LeadsTable(ws, spec, report, cut)
    named = {column: key for column, key in table.keys().items() if column not in maybe or key != "attributes"}
    reading = Reading("leads", report.origins, {spec.id: "data.leads.id"}, named, maybe=[*table.traits, *sorted(maybe)])
    for origin, piece in reading:
        table.add(origin, piece)
    report.close(reading)
    if not report.read:
        raise InputError(
            "data.leads has no rows", given="a header without rows", expected="one row a lead", do="check data.leads.source"
        )
    report.stop_if_all_refused()
    return table.finish(), report


def read_ids(column: Any) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return ids as text, and which are missing or hold a NUL. Each is another, so that nothing is gained by coding them.

    >>> read_ids(pa.array([7, None]))[0].tolist(), read_ids(pa.array(["", "a"]))[1].tolist()
    (['7', None], [True, False])
    """
    column = plain(column)
    if pa.types.is_integer(column.type):
        column = column.cast(pa.string())
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        words = read_words(column)
        return words.objects(), words.codes < 0, has_nul(words)
    missing = pc.fill_null(pc.equal(pc.binary_length(column), 0), True)
    if column.null_count < pc.sum(missing).as_py():
        column = pc.if_else(missing, None, column)
    nul = pc.fill_null(pc.match_substring(column, "\0"), False)
    return column.to_numpy(zero_copy_only=False), missing.to_numpy(zero_copy_only=False), nul.to_numpy(zero_copy_only=False)


def trait_names(ws: Workspace) -> list[str]:
    """Return the traits that behaviours name and that are no attributes, which are read as such."""
    return sorted({trait for behaviour in ws.behaviours.values() for trait in behaviour.traits} - ws.attributes.keys())


@dataclass(slots=True)
class _LeadsTable:
    ws: Workspace
    spec: LeadsSpec
    report: TableReport
    cut: int | None
    traits: list[str] = field(init=False)
    _parts: list[tuple[Origin, I8, npt.NDArray[np.object_], dict[Column, npt.NDArray[Any]]]] = field(default_factory=list)
    _outside: set[str] = field(default_factory=set)
    _later: set[str] = field(default_factory=set)
    _unreadable: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.traits = trait_names(self.ws)

    def keys(self) -> dict[str, str]:
        """Return every column that the workspace file names, with the key that does."""
        spec, ws = self.spec, self.ws
        named = [(getattr(spec, name), f"data.leads.{name}") for name in ("started_at", "ended_at", "trial_ends_at", "account")]
        named += [(spec.converted if ws.undated else None, "data.leads.converted")]
        named += [(column, "data.leads.where") for column in spec.where]
        named += [(column, "attributes") for column in ws.attributes]
        named += [(column, f"contact.{name}") for name, column in ws.contact.items()]
        named += [(self._ignore_column(name), f"ignore.{name}") for name in ws.ignore]
        return {column: key for column, key in reversed(named) if column is not None}

    def _ignore_column(self, name: str) -> str:
        return next((column for known, column in self.ws.contact.items() if known == name), name)

    def add(self, origin: Origin, piece: Piece) -> None:
        """Read one piece: what is not asked for, refused or not known yet is left out here."""
        spec = self.spec
        names, missing, nul = read_ids(piece.column(spec.id))
        inside = self._inside(piece)
        flaws = [(missing, "missing_lead"), (nul, "invalid_text")]
        columns: dict[Column, npt.NDArray[Any]] = {}
        for name in ("started_at", "ended_at", "trial_ends_at"):
            columns["time", name], flawed = self._time(origin, piece, name)
            flaws += flawed
        columns["flag", "converted"], flawed = self._flag(piece)
        flaws += flawed
        codes = first_reason(*flaws)
        codes[~inside] = 0
        kept = self.report.take(origin, piece, codes)
        kept = inside if kept is None else kept & inside
        started = columns["time", "started_at"]
        heard_of = np.ones(piece.rows, bool) if self.cut is None or spec.started_at is None else started <= self.cut
        if self.cut is not None:
            columns["time", "ended_at"] = np.where(columns["time", "ended_at"] > self.cut, NEVER, columns["time", "ended_at"])
        self._carry(piece, columns)
        self.report.outside += int((~inside).sum())
        self._outside.update(name for name in names[~inside & heard_of] if name is not None)
        self._later.update(name for name in names[(~inside | kept) & ~heard_of] if name is not None)
        rows = np.flatnonzero(kept & heard_of)
        self._parts.append((origin, rows + piece.first, names[rows], {key: values[rows] for key, values in columns.items()}))

    def _inside(self, piece: Piece) -> npt.NDArray[np.bool_]:
        inside = np.ones(piece.rows, bool)
        for column, asked in self.spec.where.items():
            words = read_words(piece.column(column))
            fits = [all(holds(value, operator, wanted) for operator, wanted in asked.items()) for value in words.values]
            inside &= np.array([*fits, False])[words.codes]
        return inside

    def _time(self, origin: Origin, piece: Piece, name: str) -> tuple[I8, list[tuple[npt.NDArray[np.bool_], str]]]:
        column: str | None = getattr(self.spec, name)
        if column is None:
            start = UNDATED if self.ws.undated and name == "started_at" else NEVER
            return np.full(piece.rows, start, np.int64), []
        key = f"data.leads.{name}"
        cells = self._without_missing(piece, column)
        read = read_times(self.report, key, column, origin, cells, timezone=self.ws.timezone, zone=self.spec.zone)
        state, us = read.state, read.us
        if name != "started_at":
            # Nothing written, or a day in the year 9999, means that it has not happened.
            absent = (state == moments.MISSING) | ((state == moments.OUT_OF_RANGE) & (us >= moments.LATEST))
            us = np.where(absent, NEVER, us)
            state = np.where(absent, moments.READ, state)
        return us, time_flaws(state)

    def _without_missing(self, piece: Piece, column: str) -> Piece:
        if not self.spec.missing:
            return piece
        words = read_words(piece.column(column), self._missing)
        return Piece({column: pa.array(words.objects(), pa.string())}, piece.rows, piece.first)

    @property
    def _missing(self) -> frozenset[str]:
        return frozenset(cell_text(value) for value in self.spec.missing)

    def _flag(self, piece: Piece) -> tuple[npt.NDArray[np.int8], list[tuple[npt.NDArray[np.bool_], str]]]:
        if not self.ws.undated or self.spec.converted is None:
            return np.full(piece.rows, -1, np.int8), []
        words = read_words(piece.column(self.spec.converted))
        meant = [1 if value.lower() in _YES else 0 if value.lower() in _NO else -1 for value in words.values]
        flags = np.array([*meant, 0], np.int8)[words.codes]
        unread = [value for value, one in zip(words.values, meant, strict=True) if one < 0 and value]
        if unread:
            self.report.samples.setdefault("unreadable_outcome", unread[0][:60])
        return flags, [(flags < 0, "unreadable_outcome")]

    def _carry(self, piece: Piece, columns: dict[Column, npt.NDArray[Any]]) -> None:
        """Read what is carried along: attributes, traits, contact, account, and who is to be ignored."""
        for name, kind in self.ws.attributes.items():
            if kind == "number":
                columns["attribute", name], bad = read_numbers(piece.column(name), self._missing)
                self._unreadable.setdefault(name, []).extend(bad)
            else:
                columns["attribute", name] = read_words(piece.column(name), self._missing).objects()
        for trait in self.traits:
            columns["trait", trait] = read_words(piece.column(trait), self._missing).objects()
        for name, column in self.ws.contact.items():
            columns["contact", name] = read_words(piece.column(column)).objects()
        account = self.spec.account
        nobody = np.full(piece.rows, None, object)
        columns["lead", "account"] = nobody if account is None else read_words(piece.column(account), self._missing).objects()
        ignored = np.zeros(piece.rows, bool)
        for name, patterns in self.ws.ignore.items():
            words = read_words(piece.column(self._ignore_column(name)))
            fits = [any(matches(pattern.lower(), value.lower()) for pattern in patterns) for value in words.values]
            ignored |= np.array([*fits, False])[words.codes]
        columns["lead", "ignored"] = ignored

    def finish(self) -> LeadRows:
        """Put the pieces together; the first row of a lead counts, a later one is a duplicate or refused."""
        ids = np.concatenate([part[2] for part in self._parts])
        columns = {key: np.concatenate([part[3][key] for part in self._parts]) for key in self._parts[0][3]}
        index = dict(zip(ids.tolist(), range(len(ids)), strict=True))
        if len(index) < len(ids):
            first: dict[str, int] = {}
            firsts = np.fromiter((first.setdefault(name, place) for place, name in enumerate(ids)), np.int64, len(ids))
            self._judge(columns, firsts, np.flatnonzero(firsts != np.arange(len(ids))))
            kept = np.flatnonzero(firsts == np.arange(len(ids)))
            columns = {key: values[kept] for key, values in columns.items()}
            index = dict(zip(ids[kept].tolist(), range(len(kept)), strict=True))
        if self.spec.started_at is not None:
            self.report.spans(columns["time", "started_at"])
        for name, bad in self._unreadable.items():
            if bad:
                count = sum(times for _, times in bad)
                evidence = f"{count} values are no numbers and count as missing, such as '{bad[0][0][:60]}'"
                self.report.findings.append(Finding("warn", name, evidence))
        for name in self._outside:
            index.setdefault(name, OUTSIDE)
        later = self._later - index.keys()
        index.update(dict.fromkeys(later, OUTSIDE))
        return LeadRows(index, columns, later)

    def _judge(self, columns: dict[Column, npt.NDArray[Any]], firsts: I8, repeated: I8) -> None:
        other = np.zeros(len(repeated), bool)
        for values in columns.values():
            left, right = values[repeated], values[firsts[repeated]]
            both_missing = (left != left) & (right != right)
            other |= ~((left == right) | both_missing)
        self.report.duplicates += int((~other).sum())
        conflicts, before = repeated[other], 0
        for origin, rows, _, _ in self._parts:
            here = conflicts[(conflicts >= before) & (conflicts < before + len(rows))] - before
            if len(here):
                self.report.refuse(origin, rows[here], np.full(len(here), CODE["conflicting_lead"], np.uint8))
            before += len(rows)
