"""The rival in DuckDB: conditional aggregates, as somebody would write them who was told to beat us.

One scan of the columns needed, integer keys, names by a join with a table of 34 rows, distinct days and names as bits of one
integer, no order kept, and two steps as in Polars. In one step, 68 aggregates with a filter each over every event of a look, it
takes 3 times the CPU.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

from features.clock import DAY_US, HOUR_US
from tests.benchmarks.world import AGES, BEHAVIOURS, EVENT_NAMES, NAMES_EACH, OWNERS, WINDOWS, columns

_GROUPS = len(OWNERS)


def query(folder: Path, *, two_steps: bool = True) -> str:
    """Return the query; in one step every column is an aggregate with a filter over the looks' events."""
    names = ", ".join(f"('{name}', {number})" for number, name in enumerate(EVENT_NAMES))
    ages = ", ".join(f"({number}, {age * DAY_US}::BIGINT)" for number, age in enumerate(AGES))
    seen = f"""
with leads as (
    select id, epoch_us("at") as start, (row_number() over (order by id) - 1)::INTEGER as place
    from read_parquet('{folder}/leads.parquet')
), names(event, name) as (values {names}), ages(age, after) as (values {ages}),
events as (
    select l.place, n.name // {NAMES_EACH} as behaviour, epoch_us(e."at") - l.start as since,
        1::BIGINT << (epoch_us(e."at") // {DAY_US} - l.start // {DAY_US} + 2) as bit, 1::BIGINT << n.name as name_bit,
        round(e.duration_s * 1000)::BIGINT as ms
    from read_parquet('{folder}/events.parquet') e join leads l on e.lead = l.id join names n using (event)
), seen as (
    select place * {len(AGES)} + age as look, behaviour, since, after - since as old, bit, name_bit, ms
    from events join ages on since <= after
)"""
    if not two_steps:
        return seen + f" select look, {', '.join(_one_step(*asked) for asked in columns().values())} from seen group by look"
    week = f"filter (old < {7 * DAY_US})"
    counts = ", ".join(f"count(*) filter (old < {days * DAY_US}) as count_{name}" for name, days in WINDOWS.items() if days)
    return f"""{seen}, groups as (
    select look, behaviour, count(*) as count_all, {counts},
        bit_or(bit) as active_days_all, bit_or(bit) {week} as active_days_7d, min(old) as recency, min(since) as first,
        sum(ms) {week} as duration_7d, sum(ms) as duration_all, count(ms) as durations,
        bit_or(name_bit) as distinct_names_all, bit_or(name_bit) {week} as distinct_names_7d
    from seen group by look, behaviour
) select look, {", ".join(_two_steps(*asked) for asked in columns().values())} from groups group by look"""


def _one_step(owner: str, family: str, window: str) -> str:
    asked = [f"behaviour = {BEHAVIOURS.index(owner)}"] if owner != "any" else []
    asked += [f"old < {WINDOWS[window] * DAY_US}"] if WINDOWS[window] is not None else []
    mine = f"filter ({' and '.join(asked)})" if asked else ""
    return {
        "count": f"count(*) {mine}::DOUBLE",
        "active_days": f"coalesce(bit_count(bit_or(bit) {mine}), 0)::DOUBLE",
        "distinct_names": f"coalesce(bit_count(bit_or(name_bit) {mine}), 0)::DOUBLE",
        "recency_h": f"min(old) {mine} / {HOUR_US}::DOUBLE",
        "duration_sum_s": f"coalesce(sum(ms) {mine}, 0)::DOUBLE / 1000",
        "duration_mean_s": f"sum(ms) {mine}::DOUBLE / (1000 * count(ms) {mine})",
        "time_to_first_h": f"(if(min(since) {mine} < 0, 0, min(since) {mine}) / {HOUR_US}.0)::DOUBLE",
    }[family]


def _two_steps(owner: str, family: str, window: str) -> str:
    mine = f"filter (behaviour = {BEHAVIOURS.index(owner)})" if owner != "any" else ""
    return {
        "count": f"coalesce(sum(count_{window}) {mine}, 0)::DOUBLE",
        "active_days": f"coalesce(bit_count(bit_or(active_days_{window}) {mine}), 0)::DOUBLE",
        "distinct_names": f"coalesce(bit_count(bit_or(distinct_names_{window}) {mine}), 0)::DOUBLE",
        "recency_h": f"min(recency) {mine} / {HOUR_US}::DOUBLE",
        "duration_sum_s": f"coalesce(sum(duration_{window}) {mine}, 0)::DOUBLE / 1000",
        "duration_mean_s": f"sum(duration_{window}) {mine}::DOUBLE / (1000 * sum(durations) {mine})",
        "time_to_first_h": f"(if(min(first) {mine} < 0, 0, min(first) {mine}) / {HOUR_US}.0)::DOUBLE",
    }[family]


def matrix(folder: Path, *, two_steps: bool = True) -> np.ndarray:
    """Compute one row for each lead and age."""
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        n = connection.execute(f"select count(*) from read_parquet('{folder}/leads.parquet')").fetchall()[0][0]
        found = list(connection.execute(query(folder, two_steps=two_steps)).fetchnumpy().values())
    look, values = found[0], np.empty((n * len(AGES), len(columns())))
    for place, ((_, family, _), column) in enumerate(zip(columns().values(), found[1:], strict=True)):
        values[:, place] = 0.0 if family in ("count", "active_days", "distinct_names", "duration_sum_s") else np.nan
        values[look, place] = np.ma.filled(column, np.nan)
    return values
