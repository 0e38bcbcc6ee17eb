"""The order of events: by lead, then time, then content, whatever the order of the files.

Files that are sorted already are only looked through. Others are dealt out to their leads by counting, and each lead's few events
are then sorted by themselves, which is several times faster than sorting everything at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from features.compiled import compiled

I8 = npt.NDArray[np.int64]

_SORTED, _TIED, _UNSORTED = range(3)
_NARROW, _LARGEST = 2**31, 2**62


def order_of(lead: npt.NDArray[np.int32], at: I8, n_leads: int, content: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any] | None:
    """Return the places of the rows in their order, None if they stand in it already.

    Rows with the same lead and time are ordered by `content`; rows that are equal in all of it are the same to every reader.
    """
    disorder = _disorder(lead, at)
    if disorder == _SORTED:
        return None
    # Half the memory wherever it will do: the order is as long as the table.
    order: npt.NDArray[Any] = np.arange(len(at), dtype=np.int32 if len(at) < 2**31 else np.int64)
    same = np.zeros(len(at) + 1, bool)
    if disorder == _UNSORTED:
        _deal_out(lead, at, n_leads, order, same)
    else:
        same[1:-1] = (lead[1:] == lead[:-1]) & (at[1:] == at[:-1])
    tied = np.flatnonzero(same[1:] | same[:-1])
    if len(tied):
        rows = order[tied]
        begins = np.append(np.flatnonzero(~same[tied]), len(tied))
        order[tied] = rows[_within_runs(begins, ranks([column[rows] for column in content], len(rows)))]
    return order


@compiled
def _disorder(lead: npt.NDArray[np.int32], at: I8) -> int:
    """Tell whether rows are sorted by lead and time, and whether some share both."""
    result = 0
    for i in range(1, len(at)):
        if lead[i] < lead[i - 1] or (lead[i] == lead[i - 1] and at[i] < at[i - 1]):
            return 2
        if lead[i] == lead[i - 1] and at[i] == at[i - 1]:
            result = 1
    return result


@compiled
def _deal_out(lead: npt.NDArray[np.int32], at: I8, n_leads: int, order: npt.NDArray[Any], same: npt.NDArray[np.bool_]) -> None:
    """Write the places of the rows by lead and time, and which of them share both with the one before."""
    ends = np.zeros(n_leads + 1, np.int64)
    for i in range(len(lead)):
        ends[lead[i] + 1] += 1
    most = ends.max()
    for i in range(n_leads):
        ends[i + 1] += ends[i]
    for i in range(len(lead)):
        order[ends[lead[i]]] = i
        ends[lead[i]] += 1
    times, moved = np.empty(most, np.int64), np.empty(most, np.int64)
    begin = 0
    for one in range(n_leads):
        mine = order[begin : ends[one]]
        sorted_already = True
        for i in range(len(mine)):
            times[i] = at[mine[i]]
            if i > 0 and times[i] < times[i - 1]:
                sorted_already = False
        if not sorted_already:
            places = np.argsort(times[: len(mine)], kind="mergesort")
            for i in range(len(mine)):
                moved[i] = mine[places[i]]
            for i in range(len(mine)):
                mine[i] = moved[i]
            moved[: len(mine)] = times[: len(mine)]
            for i in range(len(mine)):
                times[i] = moved[places[i]]
        for i in range(1, len(mine)):
            same[begin + i] = times[i] == times[i - 1]
        begin = ends[one]


@compiled
def _within_runs(begins: I8, rank: I8) -> I8:
    """Return the places of the rows when each run is sorted by rank."""
    places = np.arange(len(rank))
    for run in range(len(begins) - 1):
        begin, end = begins[run], begins[run + 1]
        if end - begin > 24:
            places[begin:end] = begin + np.argsort(rank[begin:end], kind="mergesort")
            continue
        for i in range(begin + 1, end):
            moving, j = places[i], i
            while j > begin and rank[places[j - 1]] > rank[moving]:
                places[j] = places[j - 1]
                j -= 1
            places[j] = moving
    return places


def ranks(columns: Sequence[npt.NDArray[Any]], n: int) -> I8:
    """Return one integer a row that orders rows by several columns, the first of them foremost.

    >>> ranks([np.array([2, 1, 2]), np.array(["b", None, "a"], dtype=object)], 3).tolist()
    [5, 0, 4]
    """
    rank, size = np.zeros(n, np.int64), 1
    for column in columns:
        codes, span = _codes(column)
        if span <= 1:
            continue
        if size * span > _LARGEST:
            values, rank = np.unique(rank, return_inverse=True)
            size = len(values)
            if size == n:
                break  # Every row has a rank of its own.
        rank = rank * span + codes
        size *= span
    return rank


def _codes(column: npt.NDArray[Any]) -> tuple[I8, int]:
    """Number the values of a column in their order, with how many numbers there may be."""
    if column.dtype == object:
        column = _by_text(column)
    if column.dtype.kind == "i" and len(column):
        low, high = int(column.min()), int(column.max())
        if high - low < _NARROW:
            return column.astype(np.int64) - low, high - low + 1
    values, codes = np.unique(column, return_inverse=True)
    return codes, len(values)


def _by_text(column: npt.NDArray[Any]) -> I8:
    """Number mixed values by type and text, so that 1, True and "1" are three values in a fixed order."""
    codes: dict[tuple[str, str], int] = {}
    keys = [(type(value).__name__, repr(value)) for value in column.tolist()]
    for place, key in enumerate(sorted(set(keys))):
        codes[key] = place
    return np.array([codes[key] for key in keys], np.int64)
