"""Buckets: which leads are computed together, decided by id alone, so that every row of a lead finds the same bucket.

Leads whose features depend on each other (mates of one account, an id that turned out to be a lead) are one group, and a group is
never divided. Everybody else is dealt out by a digest of the id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.errors import OutsideError
from features.reading.event_ids import digests

I8 = npt.NDArray[np.int64]
Pair = tuple[str, str]

_DIGEST = np.dtype([("first", np.int64), ("second", np.int64)])


@dataclass(frozen=True, slots=True)
class Buckets:
    """How ids are dealt out: by their digest, except for those that belong with another."""

    many: int
    moved: npt.NDArray[np.void]
    """Digests of the ids that go with another one, sorted."""
    target: npt.NDArray[np.int32]
    """The bucket of each of them."""

    def of(self, ids: Sequence[str] | npt.NDArray[np.object_]) -> npt.NDArray[np.int32]:
        """Return the bucket of each id."""
        digest = _digests(ids)
        found = _by_digest(digest, self.many)
        if len(self.moved) and len(found):
            place = np.minimum(np.searchsorted(self.moved, digest), len(self.moved) - 1)
            found = np.where(self.moved[place] == digest, self.target[place], found)
        return found


def deal_out(many: int, together: Iterable[Pair]) -> Buckets:
    """Return buckets in which the two ids of every pair, and whoever hangs together by such pairs, share one bucket.

    >>> buckets = deal_out(5, [("a", "b"), ("c", "b")])
    >>> len(set(buckets.of(["a", "b", "c"]).tolist()))
    1
    """
    head: dict[str, str] = {}
    for one, other in together:
        left, right = _head(head, one), _head(head, other)
        head[max(left, right)] = min(left, right)
    ids = list(head)
    digest = _digests(ids)
    order = np.argsort(digest, order=("first", "second"))
    moved = digest[order]
    if len(moved) > 1 and (moved[1:] == moved[:-1]).any():
        raise OutsideError(
            "two ids of leads have one digest",
            given=f"{len(ids)} ids of leads that belong together",
            expected="ids whose digests of 128 bits differ",
            do="use --engine local",
        )
    target = _by_digest(_digests([_head(head, one) for one in ids]), many)
    return Buckets(many, moved, target[order])


def _head(head: dict[str, str], one: str) -> str:
    """Return the least id of a group, and shorten the way to it."""
    root = one
    while (above := head.setdefault(root, root)) != root:
        root = above
    while one != root:
        head[one], one = root, head[one]
    return root


def _digests(ids: Sequence[str] | npt.NDArray[np.object_]) -> npt.NDArray[np.void]:
    halves = digests(pa.array(ids, pa.string()))
    found = np.empty(len(halves), _DIGEST)
    found["first"], found["second"] = halves[:, 0], halves[:, 1]
    return found


def _by_digest(digest: npt.NDArray[np.void], many: int) -> npt.NDArray[np.int32]:
    mixed: npt.NDArray[np.int32] = ((digest["first"] ^ (digest["second"] >> 32)) % many).astype(np.int32)
    return mixed
