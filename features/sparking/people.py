"""The tables beside the events: leads, payments and merges are read by one machine and dealt out to buckets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.definition import Definition
from features.reading.conversions_table import Payments, no_payments, read_conversions
from features.reading.identities_table import Merges
from features.reading.leads_table import OUTSIDE, Column, LeadRows
from features.reading.model_part import as_trained
from features.reading.table_report import TableReport
from features.sparking.buckets import Buckets, Pair
from features.sparking.parts import LEADS, MERGES, PAYMENTS, Part, objects, pack, unpack
from features.tables import read_people
from features.workspaces.schema import Workspace

_ID, _PLACE = "id", "place"


class _Anybody(dict[str, int]):
    """An index in which everybody is found: where there is no table of leads, only the events tell who is one."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002 - there is no default
        return self.setdefault(key, len(self))


@dataclass(slots=True)
class People:
    """The leads, payments and merges of a workspace, by id."""

    rows: LeadRows
    merges: Merges
    payments: Payments
    payers: list[str]
    """The ids of the leads by the places of the payments."""
    report: dict[str, TableReport]

    @classmethod
    def read(cls, ws: Workspace, definition: Definition | None, cut: int | None) -> People:
        """Read everything but the events, as of `cut`."""
        own, spec = as_trained(ws, definition), ws.data.conversions
        rows, merges, report = read_people(ws, own, cut=cut)
        index = rows.index if "leads" in report else _Anybody(rows.index)
        payments = no_payments()
        if spec is not None and spec.source:
            payments, report["conversions"] = read_conversions(own, spec, index, cut=cut, store=None)
        return cls(rows, merges, payments, _by_place(index), report)

    def together(self, *, mates: bool) -> Iterator[Pair]:
        """Yield pairs of ids that go together: who turned out to be whom and, where they matter, mates of one account."""
        ids = _by_place(self.rows.index)
        for merged, into in zip(self.merges.merged.tolist(), self.merges.into.tolist(), strict=True):
            yield ids[merged], ids[into]
        account = self.rows.columns.get(("lead", "account"))
        if mates and account is not None:
            first: dict[str, str] = {}
            for one, place in self.rows.index.items():
                belongs = account[place] if 0 <= place < len(account) else None
                if belongs is not None and first.setdefault(belongs, one) != one:
                    yield first[belongs], one

    def parts(self, buckets: Buckets) -> Iterator[Part]:
        """Yield everything, bucket by bucket."""
        ids, places = list(self.rows.index), np.fromiter(self.rows.index.values(), np.int64, len(self.rows.index))
        bucket = buckets.of(ids)
        names, columns = objects(ids), self.rows.columns
        known = len(next(iter(columns.values()))) if columns else 0
        for rows in _groups(bucket):
            # Those with a row of their own come first, as in the index of one machine.
            of, at = int(bucket[rows[0]]), places[rows]
            mine = rows[(at >= 0) & (at < known)]
            others = rows[(at < 0) | (at >= known)]
            if len(mine):
                table = {_key(key, values): values[places[mine]] for key, values in columns.items()}
                yield Part(of, LEADS, pack({_ID: names[mine], **table}))
            if len(others):
                yield Part(of, LEADS, pack({_ID: names[others], _PLACE: np.minimum(places[others], 0)}))
        leads = objects(_by_place(self.rows.index))
        yield from _dealt(MERGES, buckets, leads[self.merges.merged], into=leads[self.merges.into], since=self.merges.since)
        payers = objects(self.payers)[self.payments.lead]
        yield from _dealt(PAYMENTS, buckets, payers, at=self.payments.at, known=self.payments.known)


def _by_place(index: dict[str, int]) -> list[str]:
    """Return the ids by place; a place that nobody has is empty."""
    ids = [""] * (max(index.values(), default=-1) + 1)
    for one, place in index.items():
        if place >= 0:
            ids[place] = one
    return ids


def _groups(bucket: npt.NDArray[np.int32]) -> Iterator[npt.NDArray[np.intp]]:
    """Yield the rows of each bucket."""
    order = np.argsort(bucket, kind="stable")
    if len(order):
        yield from np.split(order, np.flatnonzero(np.diff(bucket[order])) + 1)


def _dealt(kind: int, buckets: Buckets, ids: npt.NDArray[Any], **columns: npt.NDArray[Any]) -> Iterator[Part]:
    bucket = buckets.of(ids.tolist())
    for rows in _groups(bucket):
        packed = pack({_ID: ids[rows], **{name: column[rows] for name, column in columns.items()}})
        yield Part(int(bucket[rows[0]]), kind, packed)


def _key(column: Column, values: npt.NDArray[Any]) -> str:
    return json.dumps([*column, values.dtype.str])


def lead_rows(parts: Sequence[bytes]) -> LeadRows:
    """Return the leads of a bucket, out of its parts."""
    rows, others = LeadRows(), list[tuple[str, int]]()
    for packed in parts:
        columns = unpack(packed)
        ids = columns.pop(_ID).tolist()
        if _PLACE in columns:
            others += zip(ids, columns[_PLACE].tolist(), strict=True)
            continue
        rows.index = {one: place for place, one in enumerate(ids)}
        for key, values in columns.items():
            kind, name, dtype = json.loads(key)
            rows.columns[kind, name] = values.astype(dtype)
    for one, place in others:
        rows.index[one] = OUTSIDE if place == OUTSIDE else len(rows.index)
    return rows


def merges_of(parts: Sequence[bytes], index: dict[str, int], newest: int) -> Merges:
    """Return the merges of a bucket; `newest` is that of all merges."""
    if not parts:
        return Merges(newest=newest)
    columns = _joined(parts)
    merged, into = (np.array([index[one] for one in columns[name]], np.int64) for name in (_ID, "into"))
    return Merges(merged, into, columns["since"], newest=newest)


def payments_of(parts: Sequence[bytes], index: dict[str, int]) -> tuple[Payments, int]:
    """Return the payments of a bucket, and how many are of nobody who is known there."""
    if not parts:
        return no_payments(), 0
    columns = _joined(parts)
    lead = np.array([index.get(one, -1) for one in columns[_ID]], np.int64)
    known = lead >= 0
    return Payments(lead[known], columns["at"][known], columns["known"][known]), int((~known).sum())


def _joined(parts: Sequence[bytes]) -> dict[str, npt.NDArray[Any]]:
    columns = [unpack(packed) for packed in parts]
    return {name: np.concatenate([one[name] for one in columns]) for name in columns[0]}
