"""Leads out of the store: what was said of each, by the rule of the live doors, with the time from which it is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from features.clock import NEVER
from features.exact import number
from features.reading.cells import cell_text
from features.reading.leads_table import OUTSIDE, Column, LeadRows, trait_names
from features.storing.rows import Fact
from features.storing.said import FactReader
from features.storing.schema import attribute, lead, membership
from features.workspaces.schema import Workspace

ROWS = 50_000

Arrays = dict[Column, npt.NDArray[Any]]


def read_collected_leads(connection: Connection, ws: Workspace, cut: int | None) -> LeadRows:
    """Return every lead that the store has heard of, with what was known of it at `cut`.

    An id that turned out to be another lead is one here: the merges say what becomes of it. Whoever has stated no start begins
    with its first event, as live.
    """
    known_by = NEVER if cut is None else cut
    ids = list(_stream(connection, select(lead.c.lead_id).order_by(lead.c.lead_id)))
    index = {row[0]: place for place, row in enumerate(ids)}
    people = _People(ws, len(index))
    query = select(
        attribute.c.lead_id, attribute.c.kind, attribute.c.name, attribute.c.value, attribute.c.at, attribute.c.known_at
    )
    query = query.where(attribute.c.known_at <= known_by).order_by(attribute.c.lead_id, attribute.c.known_at, attribute.c.seq)
    left_out, later = set[str](), set[str]()
    for lead_id, rows in groupby(_stream(connection, query), key=lambda row: row[0]):
        place = index[lead_id]
        facts = [Fact(lead_id, kind, name, json.loads(value), at, known) for _, kind, name, value, at, known in rows]
        started = people.tell(place, facts)
        if started is None:
            left_out.add(lead_id)
        elif cut is not None and NEVER > started > cut:
            later.add(lead_id)
    member = membership.c
    query = select(member.lead_id, member.account_id, member.known_at).where(member.known_at <= known_by)
    for lead_id, account, known in _stream(connection, query.order_by(member.known_at, member.seq)):
        people.joins(index[lead_id], account, known)
    outside = left_out | later
    if outside:  # only leads have a place
        kept = np.array([place for one, place in index.items() if one not in outside], np.int64)
        people.columns = {key: values[kept] for key, values in people.columns.items()}
        index = {one: place for place, one in enumerate(one for one in index if one not in outside)}
        index |= dict.fromkeys(sorted(outside), OUTSIDE)
    return LeadRows(index, people.columns, later)


def _stream(connection: Connection, query: Any) -> Iterator[Sequence[Any]]:
    with connection.execution_options(stream_results=True, yield_per=ROWS).execute(query) as result:
        yield from result


class _People:
    """The columns of the leads, filled one lead at a time."""

    def __init__(self, ws: Workspace, size: int) -> None:
        self._ws = ws
        self._facts = FactReader(ws, ws.definition())
        self._traits = trait_names(ws)
        self._size = size
        never = {("time", name): self._all(NEVER, np.int64) for name in ("started_at", "ended_at", "trial_ends_at")}
        self.columns: Arrays = {
            **never,
            ("time", "account_known"): self._all(NEVER, np.int64),
            ("time", "said_at"): self._all(NEVER, np.int64),
            ("flag", "converted"): self._all(-1, np.int8),
            ("flag", "stored"): self._all(1, np.int8),
            ("lead", "account"): self._all(None, object),
            ("lead", "ignored"): self._all(False, bool),
        }
        for name, kind in ws.attributes.items():
            self.columns["attribute", name] = self._all(None, object) if kind == "category" else self._all(np.nan, np.float64)
        self.columns |= {("trait", name): self._all(None, object) for name in self._traits}
        self.columns |= {("contact", str(name)): self._all(None, object) for name in ws.contact}
        self.columns |= {("known", name): self._all(0, np.int64) for name in (*ws.attributes, *self._traits)}

    def _all(self, value: object, dtype: Any) -> npt.NDArray[Any]:
        return np.full(self._size, value, dtype)

    def tell(self, place: int, facts: Sequence[Fact]) -> int | None:
        """Enter what was said of a lead; return its stated start, NEVER without one, or None where `where` leaves it out."""
        read, columns = self._facts, self.columns
        facts = read.known_by(facts, NEVER)
        if not read.is_inside(facts):
            return None
        columns["time", "said_at"][place] = facts[0].known_at
        spec = self._ws.data.leads
        stated = None if spec is not None and spec.start else read.started_at(facts)
        columns["time", "started_at"][place] = NEVER if stated is None else stated
        ends = read.times(facts, "ended_at")
        if ends:
            columns["time", "ended_at"][place] = ends[-1][0]
        self._tell_one_after_the_other("close", place, [(known, end) for end, known in ends])
        told = sorted((known, end) for end, known in read.times(facts, "trial_ends_at"))
        self._tell_one_after_the_other("end", place, told)
        columns["lead", "ignored"][place] = read.is_ignored(facts)
        self._attributes(place, read.attributes(facts))
        return NEVER if stated is None else stated

    def _tell_one_after_the_other(self, name: str, place: int, told: Sequence[tuple[int, int]]) -> None:
        """Enter a time that may change, with when it was known; what is said again is not entered again."""
        changes = [one for one, before in zip(told, (None, *told), strict=False) if before is None or one[1] != before[1]]
        for layer, (known, at) in enumerate(changes):
            self._layer(f"{name}.{layer}.since")[place] = known
            self._layer(f"{name}.{layer}.at")[place] = at

    def _layer(self, name: str) -> npt.NDArray[Any]:
        return self.columns.setdefault(("time", name), self._all(NEVER, np.int64))

    def _attributes(self, place: int, found: dict[str, tuple[object, int]]) -> None:
        columns = self.columns
        for name, kind in self._ws.attributes.items():
            if name in found:
                value, columns["known", name][place] = found[name]
                columns["attribute", name][place] = number(value) if kind == "number" else _text(value)
        for name in self._traits:
            if name in found:
                value, columns["known", name][place] = found[name]
                columns["trait", name][place] = _text(value)
        for name, column in self._ws.contact.items():
            if column in found:
                columns["contact", str(name)][place] = _text(found[column][0])

    def joins(self, place: int, account: str, known: int) -> None:
        """Enter that a lead belongs to an account: the first that was known counts, and what means nothing is none."""
        if account not in self._facts.missing and self.columns["lead", "account"][place] is None:
            self.columns["lead", "account"][place] = account
            self.columns["time", "account_known"][place] = known


def _text(value: object) -> str | None:
    return None if value is None or value == "" else cell_text(value)
