"""Message ids: an id counts once, and the first row that was known with it is the one that counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.compiled import compiled
from features.reading.cells import plain, read_words
from features.reading.event_order import ranks

I8 = npt.NDArray[np.int64]

# Two multipliers of 64 bits, each odd: the two halves of a 128-bit digest. 30 million ids collide once in 10**23 files.
_MULTIPLIERS = np.array([0x100000001B3, 0x2545F4914F6CDD1D], np.int64)
_SEEDS = np.array([-3750763034362895579, 88172645463325252], np.int64)


def digests(column: Any) -> I8:
    """Return a digest of 128 bits for each id, as two integers; both are 0 where there is no id."""
    column = plain(column)
    if not pa.types.is_string(column.type):
        column = pa.array(read_words(column).objects(), pa.string())
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    letters = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
    result = np.zeros((len(column), 2), np.int64)
    with np.errstate(over="ignore"):
        _digest(ends.astype(np.int64), letters.copy(), _MULTIPLIERS, _SEEDS, result)
    if column.null_count:
        result[np.asarray(column.is_null(), dtype=bool)] = 0
    return result


@compiled
def _digest(ends: I8, letters: npt.NDArray[np.uint8], multipliers: I8, seeds: I8, result: I8) -> None:
    for i in range(len(result)):
        if ends[i] == ends[i + 1]:
            continue
        for half in range(2):
            result[i, half] = seeds[half]
            for j in range(ends[i], ends[i + 1]):
                result[i, half] = (result[i, half] ^ letters[j]) * multipliers[half]


def later_copies(ids: I8, content: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.int64]:
    """Return the rows whose id stands in a row that comes before them in the order of `content`."""
    halves = np.sort(ids[:, 0])
    repeated = np.unique(halves[1:][halves[1:] == halves[:-1]])
    if not len(repeated):
        return np.zeros(0, np.int64)
    place = np.minimum(np.searchsorted(repeated, ids[:, 0]), len(repeated) - 1)
    rows = np.flatnonzero((repeated[place] == ids[:, 0]) & ids.any(axis=1))
    rank = ranks([column[rows] for column in content], len(rows))
    order = np.lexsort((rank, ids[rows, 1], ids[rows, 0]))
    sorted_ids = ids[rows][order]
    again = np.zeros(len(rows), bool)
    again[1:] = (sorted_ids[1:] == sorted_ids[:-1]).all(axis=1)
    return np.sort(rows[order[again]])
