"""The rival in pandas: integer keys, one join by position, and two steps, as somebody would write it who was told to beat us.

The looks' events are made age by age, so that no cross join is ever held; names and ids are read as Parquet's own dictionaries;
each count is one ``value_counts`` of an integer key, and distinct days are distinct integers, in the place of a cross join
and a group-by for each column.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import parquet

from features.clock import DAY_US, HOUR_US
from tests.benchmarks.world import AGES, BEHAVIOURS, EVENT_NAMES, NAMES_EACH, OWNERS, WINDOWS, columns

_GROUPS = len(OWNERS)
_DAYS, _NAMES = 64, 64


def matrix(folder: Path) -> np.ndarray:
    """Compute one row for each lead and age."""
    leads = pd.read_parquet(folder / "leads.parquet").sort_values("id", ignore_index=True)
    read = parquet.read_table(folder / "events.parquet", read_dictionary=["lead", "event"]).unify_dictionaries()
    events = read.to_pandas(strings_to_categorical=True)
    start = leads["at"].dt.as_unit("us").astype("int64").to_numpy()
    place = pd.Index(leads["id"]).get_indexer(events["lead"].cat.categories)[events["lead"].cat.codes]
    name = pd.Index(EVENT_NAMES).get_indexer(events["event"].cat.categories)[events["event"].cat.codes]
    us = events["at"].dt.as_unit("us").astype("int64").to_numpy()
    mine = pd.DataFrame(
        {
            "group": (place * _GROUPS + name // NAMES_EACH).astype(np.int32),
            "since": us - start[place],
            "day": (us // DAY_US - start[place] // DAY_US + 2).astype(np.int8),
            "name": name.astype(np.int8),
            "ms": (events["duration_s"] * 1000).round(),
        }
    )
    del read, events, us, name, place
    values = np.empty((len(leads), len(AGES), len(columns())))
    for number, age in enumerate(AGES):
        values[:, number] = _look(mine, age * DAY_US, len(leads))
    return values.reshape(-1, len(columns()))


def _look(events: pd.DataFrame, after: int, n_leads: int) -> np.ndarray:
    seen = events[events["since"] <= after]
    old = after - seen["since"]
    week = seen[old < 7 * DAY_US]
    found: dict[str, pd.Series] = {}
    for window, days in WINDOWS.items():
        rows = seen["group"] if days is None else seen["group"][old < days * DAY_US]
        found[f"count_{window}"] = rows.value_counts(sort=False)
    by_group = seen.groupby("group", sort=False)["since"]
    found["last"], found["first"] = by_group.max(), by_group.min()
    for window, rows in (("7d", week), ("all", seen)):
        found[f"active_days_{window}"] = _distinct(rows, "day", _DAYS)
        timed = rows.loc[rows["ms"].notna(), ["group", "ms"]].groupby("group", sort=False)["ms"]
        found[f"duration_{window}"], found[f"durations_{window}"] = timed.sum(), timed.size()
        found[f"distinct_names_{window}"] = _distinct(rows, "name", _NAMES)
    days = {window: _days_of_anything(rows) for window, rows in (("7d", week), ("all", seen))}
    wide = {name: _wide(one, n_leads) for name, one in found.items()}
    result = np.empty((n_leads, len(columns())))
    for column, (owner, family, window) in enumerate(columns().values()):
        if owner == "any" and family == "active_days":
            result[:, column] = 0.0
            result[days[window].index, column] = days[window]
            continue
        own = slice(None) if owner == "any" else slice(BEHAVIOURS.index(owner), BEHAVIOURS.index(owner) + 1)
        result[:, column] = _one(wide, family, window, own, after)
    return result


def _one(wide: dict[str, np.ndarray], family: str, window: str, own: slice, after: int) -> np.ndarray:
    if family in ("count", "active_days", "distinct_names"):
        return np.nansum(wide[f"{family}_{window}"][:, own], axis=1)
    if family == "recency_h":
        return (after - np.fmax.reduce(wide["last"][:, own], axis=1)) / HOUR_US
    if family == "time_to_first_h":
        return np.maximum(np.fmin.reduce(wide["first"][:, own], axis=1), 0) / HOUR_US
    total, number = (np.nansum(wide[f"{name}_{window}"][:, own], axis=1) for name in ("duration", "durations"))
    with np.errstate(invalid="ignore"):
        return total / 1000 if family == "duration_sum_s" else total / (1000 * number)


def _distinct(rows: pd.DataFrame, name: str, most: int) -> pd.Series:
    """Count the different days or names of each group."""
    pairs = pd.unique(rows["group"].to_numpy(np.int64) * most + rows[name].to_numpy())
    return pd.Series(pairs // most).value_counts(sort=False)


def _days_of_anything(rows: pd.DataFrame) -> pd.Series:
    """Count the different days of each lead."""
    pairs = pd.unique((rows["group"] // _GROUPS).to_numpy(np.int64) * _DAYS + rows["day"].to_numpy())
    return pd.Series(pairs // _DAYS).value_counts(sort=False)


def _wide(one: pd.Series, n_leads: int) -> np.ndarray:
    result = np.full(n_leads * _GROUPS, np.nan)
    result[one.index] = one.to_numpy()
    return result.reshape(n_leads, _GROUPS)
