"""Leads of files and of the store together: one id is one lead, and what files say of it goes before what the server was told."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from features.clock import NEVER
from features.reading.leads_table import Column, LeadRows

Places = npt.NDArray[np.int64]


def joined_leads(files: LeadRows, stored: LeadRows) -> LeadRows:
    """Return the leads of both; a cell that the files leave empty is filled by the store, from the time it was told."""
    new = [one for one, place in stored.index.items() if one not in files.index and place >= 0]
    both = [one for one, place in files.index.items() if place >= 0 and stored.index.get(one, -1) >= 0]
    old = len(next(iter(files.columns.values())))
    added = np.array([stored.index[one] for one in new], np.int64)
    mine = np.array([files.index[one] for one in both], np.int64)
    theirs = np.array([stored.index[one] for one in both], np.int64)
    columns: dict[Column, npt.NDArray[Any]] = {}
    for key in {**files.columns, **stored.columns}:
        some = stored.columns.get(key, files.columns.get(key))
        if some is not None:
            first = files.columns.get(key, _empty(key, old, some.dtype))
            rest = stored.columns[key][added] if key in stored.columns else _empty(key, len(new), some.dtype)
            columns[key] = np.concatenate([first, rest])
    # Where files say when a lead ended, what the server was told of that does not count, neither at last nor before.
    close_of_files = ~_is_empty(columns["time", "ended_at"][mine])
    for key in stored.columns:
        own = close_of_files if key[1].startswith("close.") else np.zeros(len(mine), bool)
        _fill(columns, key, stored.columns, mine[~own], theirs[~own])
    index = dict(files.index) | {one: old + place for place, one in enumerate(new)}
    for one, place in stored.index.items():
        index.setdefault(one, place)  # what is left out here is left out by the store, too
    return LeadRows(index, columns, files.later | (stored.later - files.index.keys()))


def _fill(
    columns: dict[Column, npt.NDArray[Any]],
    key: Column,
    stored: dict[Column, npt.NDArray[Any]],
    mine: Places,
    theirs: Places,
) -> None:
    """Fill the empty cells of leads that both have; their starts are those of the files."""
    kind, name = key
    if kind in ("known", "flag") or key in (("time", "started_at"), ("time", "said_at"), ("time", "account_known")):
        return
    target, source = columns[key], stored[key][theirs]
    if kind == "lead" and name == "ignored":
        target[mine] |= source
        return
    empty = _is_empty(target[mine]) & ~_is_empty(source)
    target[mine[empty]] = source[empty]
    if key == ("lead", "account") and ("time", "account_known") in stored:
        columns["time", "account_known"][mine[empty]] = stored["time", "account_known"][theirs[empty]]
    if kind in ("attribute", "trait"):
        columns["known", name][mine[empty]] = stored["known", name][theirs[empty]]


def _empty(key: Column, size: int, dtype: Any) -> npt.NDArray[Any]:
    kinds = {"time": NEVER, "flag": -1, "known": 0}
    value = kinds.get(key[0], {"O": None, "f": np.nan}.get(np.dtype(dtype).kind, False))
    return np.full(size, value, dtype)


def _is_empty(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    if values.dtype.kind == "O":
        return np.array([value is None for value in values], bool)
    return np.isnan(values) if values.dtype.kind == "f" else values >= NEVER
