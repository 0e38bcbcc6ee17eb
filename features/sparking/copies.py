"""Message ids in several buckets: an id counts once in all the data, in the row that was known first.

Within a bucket that is decided as on one machine. Who sends one id for two leads is rare, so that first only the ids themselves
are compared, and then the few rows that share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.sparking.bucket_tables import Assembler, buckets_of
from features.sparking.parts import IDS, LEADS, Part, pack, unpack
from features.sparking.people import lead_rows

I8 = npt.NDArray[np.int64]
MessageId = tuple[int, int]
Winners = Mapping[MessageId, int]

SHARED = pa.schema([("first", pa.int64())])
SHARED_DDL = "first bigint"
_WHEN = [("known", pa.int64()), ("at", pa.int64())]
ROWS = pa.schema([("first", pa.int64()), ("second", pa.int64()), *_WHEN, ("lead", pa.string()), ("bucket", pa.int32())])
ROWS_DDL = "first bigint, second bigint, known bigint, at bigint, lead string, bucket int"


def deal_ids(batches: Iterable[Any], many: int) -> Iterator[Part]:
    """Yield the first half of every message id, dealt out by themselves; the kind of a part is the bucket it comes from."""
    for bucket in buckets_of(batches):
        halves = np.sort(np.concatenate([_halves(packed) for packed in bucket.of(IDS)]))
        # `np.unique` would hash, which takes ten times as long.
        halves = halves[np.append(True, halves[1:] != halves[:-1]) & (halves != 0)]
        share = (halves % many).astype(np.int32)
        order = np.argsort(share, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(share[order])) + 1):
            if len(rows):
                yield Part(int(share[rows[0]]), bucket.number, pack({"first": halves[rows]}))


def _halves(packed: bytes) -> I8:
    return unpack(packed)["first"]


def shared_ids(batches: Iterable[Any]) -> Iterator[Any]:
    """Yield the halves that come from several buckets, as batches of Arrow."""
    for share in buckets_of(batches):
        # Each bucket names a half once.
        halves = np.sort(np.concatenate([_halves(packed) for kind in share.parts for packed in share.of(kind)]))
        yield pa.record_batch([np.unique(halves[1:][halves[1:] == halves[:-1]])], schema=SHARED)


def first_rows(batches: Iterable[Any], assembler: Assembler, shared: I8) -> Iterator[Any]:
    """Yield, of each id with a shared half, the row of every bucket that was known first, as batches of Arrow."""
    for bucket in buckets_of(batches):
        index = lead_rows(bucket.of(LEADS)).index
        events, _ = assembler.events(bucket, index)
        if events.ids is None:
            continue
        who = {place: one for one, place in index.items()}
        best: dict[MessageId, tuple[int, int, str]] = {}
        for row in np.flatnonzero(np.isin(events.ids[:, 0], shared)).tolist():
            one = (int(events.ids[row, 0]), int(events.ids[row, 1]))
            mine = (int(events.known[row]), int(events.at[row]), who[int(events.lead[row])])
            best[one] = min(best.get(one, mine), mine)
        if best:
            rows = [(*one, *mine, bucket.number) for one, mine in best.items()]
            yield pa.record_batch([list(column) for column in zip(*rows, strict=True)], schema=ROWS)


def winners_of(rows: Iterable[Mapping[str, Any]]) -> dict[MessageId, int]:
    """Return of each id the bucket in which it counts."""
    best: dict[MessageId, tuple[tuple[int, int, str], int]] = {}
    for row in rows:
        one, mine = (row["first"], row["second"]), ((row["known"], row["at"], row["lead"]), row["bucket"])
        best[one] = min(best.get(one, mine), mine)
    return {one: bucket for one, (_, bucket) in best.items()}
