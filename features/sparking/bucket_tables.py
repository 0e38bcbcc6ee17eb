"""From the parts of a bucket to tables: the same tables that one machine reads, of the leads of one bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from features.reading.events_table import EventRows
from features.reading.leads_table import OUTSIDE
from features.reading.table_report import TableReport
from features.sparking.parts import EVENTS, LEADS, MERGES, PAYMENTS, Part, join_events
from features.sparking.people import lead_rows, merges_of, payments_of
from features.tables import Tables, no_events, put_together
from features.workspaces.schema import Workspace

I8 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bucket:
    """All parts of one bucket."""

    number: int
    parts: Mapping[int, list[bytes]]

    def of(self, kind: int) -> list[bytes]:
        """Return the parts of one kind."""
        return self.parts.get(kind, [])


def buckets_of(batches: Iterable[Any]) -> Iterator[Bucket]:
    """Gather parts that are sorted by bucket."""
    rows = (Part(*row) for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
    for number, parts in groupby(rows, key=itemgetter(0)):
        kinds: dict[int, list[bytes]] = {}
        for part in parts:
            kinds.setdefault(part.kind, []).append(part.packed)
        yield Bucket(number, kinds)


@dataclass(frozen=True, slots=True)
class Assembler:
    """Puts the tables of buckets together; `own` is the workspace as a model was trained."""

    own: Workspace
    cut: int | None
    grow: bool
    """Whether the events tell who is a lead, since there is no table of leads."""
    newest_merge: int
    mixed: frozenset[str]
    """Properties of events that are texts or truth values somewhere in the data."""
    winners: Mapping[tuple[int, int], int]
    """Message ids that stand in several buckets, with the bucket in which each counts."""

    def tables(self, bucket: Bucket) -> tuple[Tables, Counter[str]]:
        """Return the tables of a bucket, and how many rows of it were left out for what."""
        rows = lead_rows(bucket.of(LEADS))
        merges = merges_of(bucket.of(MERGES), rows.index, self.newest_merge)
        events, left_out = self.events(bucket, rows.index)
        payments, left_out["unknown_payments"] = payments_of(bucket.of(PAYMENTS), rows.index)
        if self.winners and events.ids is not None:
            copies = self._lost(events.ids, bucket.number)
            left_out["duplicates"] += int(copies.sum())
            events.take(~copies)
        report = {"events": TableReport("events")}
        tables = put_together(self.own, rows, merges, events, payments, report, cut=self.cut)
        left_out["duplicates"] += report["events"].duplicates
        left_out["outside"] += report["events"].outside
        left_out["leads"] = len(tables.leads)
        return tables, left_out

    def events(self, bucket: Bucket, index: dict[str, int]) -> tuple[EventRows, Counter[str]]:
        """Return the events of who is known, by place in the index."""
        parts = bucket.of(EVENTS)
        if not parts:
            return no_events(), Counter()
        events, ids = join_events(parts, self.mixed)
        place = index.get
        places = [index.setdefault(one, len(index)) if self.grow else place(one, -1) for one in ids]
        events.lead = np.array(places, np.int32)[events.lead]
        unknown, outside = int((events.lead == -1).sum()), int((events.lead == OUTSIDE).sum())
        if unknown or outside:
            events.take(events.lead >= 0)
        return events, Counter(unknown=unknown, outside=outside)

    def _lost(self, ids: I8, bucket: int) -> npt.NDArray[np.bool_]:
        """Tell which events have a message id that counts in another bucket."""
        elsewhere = np.array([one for one, winner in self.winners.items() if winner != bucket], np.int64).reshape(-1, 2)
        suspects = np.flatnonzero(np.isin(ids[:, 0], elsewhere[:, 0]))
        lost = np.zeros(len(ids), bool)
        lost[suspects] = [self.winners.get((a, b), bucket) != bucket for a, b in ids[suspects].tolist()]
        return lost
