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


def order_of(lead: npt.NDArray[np.int32], at: I8, n_leads: int, content: Sequence[npt.NDArray[Any]]) -> I8 | None:
    """Return the places of the rows in their order, None if they stand in it already.

    Rows with the same lead and time are ordered by `content`; rows that are equal in all of it are the same to every reader.
    """
    disorder = _disorder(lead, at)
    if disorder == _SORTED:
        return None
    order = np.arange(len(at), dtype=np.int64)
    if disorder == _UNSORTED:
        _deal_out(lead, at, n_leads, order)
        lead, at = lead[order], at[order]
    same = np.zeros(len(at) + 1, bool)
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
def _deal_out(lead: npt.NDArray[np.int32], at: I8, n_leads: int, order: I8) -> None:
    """Write the places of the rows by lead and time."""
    ends = np.zeros(n_leads + 1, np.int64)
    for i in range(len(lead)):
        ends[lead[i] + 1] += 1
    for i in range(n_leads):
        ends[i + 1] += ends[i]
    for i in range(len(lead)):
        order[ends[lead[i]]] = i
        ends[lead[i]] += 1
    begin = 0
    for one in range(n_leads):
        end = ends[one]
        for i in range(begin + 1, end):
            if at[order[i]] < at[order[i - 1]]:
                mine = order[begin:end].copy()
                order[begin:end] = mine[np.argsort(at[mine], kind="mergesort")]
                break
        begin = end


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
    [2, 0, 1]
    """
    rank, distinct = np.zeros(n, np.int64), 1
    for column in columns:
        if column.dtype == object:
            column = _by_text(column)
        values, codes = np.unique(column, return_inverse=True)
        if len(values) > 1:
            pairs, rank = np.unique(rank * len(values) + codes, return_inverse=True)
            distinct = len(pairs)
            if distinct == n:
                break
    return rank


def _by_text(column: npt.NDArray[Any]) -> I8:
    """Number mixed values by type and text, so that 1, True and "1" are three values in a fixed order."""
    codes: dict[tuple[str, str], int] = {}
    keys = [(type(value).__name__, repr(value)) for value in column.tolist()]
    for place, key in enumerate(sorted(set(keys))):
        codes[key] = place
    return np.array([codes[key] for key in keys], np.int64)
