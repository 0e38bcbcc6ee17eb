"""Features from Parquet, ours against a plain pandas groupby that gives equal numbers: CPU seconds and their ratio.

Run it with ``python -m tests.benchmarks.bench_features [--events N]``. Both read the same files and end with the same matrix;
equality is asserted before a figure is printed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from features.catalog import feature_set
from features.clock import DAY_US, HOUR_US
from features.history import EventRow
from features.matrix import LiveLead, compute, compute_one
from features.tables import read_tables
from features.workspace import parse_workspace

BEHAVIOURS = ("session", "core_use", "milestone", "purchase_intent", "support", "education", "collaboration", "friction")
NAMES_EACH = 4
WINDOWS = {"1d": 1, "3d": 3, "7d": 7, "all": None}
AGES = (3, 7, 10, 14)
START = 20_500 * DAY_US
BAR = 3.0


def make(folder: Path, n_events: int) -> None:
    """Write leads and their events, sorted by lead and time."""
    random = np.random.default_rng(7)
    n_leads = max(4, n_events // 150)
    started = START + random.integers(0, 60 * DAY_US, n_leads)
    ids = np.array([f"lead{index:07d}" for index in range(n_leads)])
    lead = np.sort(random.integers(0, n_leads, n_events))
    at = started[lead] + random.integers(-DAY_US, 15 * DAY_US, n_events)
    order = np.lexsort((at, lead))
    mapped = [f"{behaviour}_{number}" for behaviour in BEHAVIOURS for number in range(NAMES_EACH)]
    names = np.array([*mapped, "other_1", "other_2"])
    event = names[random.integers(0, len(names), n_events)]
    utc = "datetime64[us]"
    pd.DataFrame({"id": ids, "at": pd.to_datetime(started.astype(utc)).tz_localize("UTC")}).to_parquet(folder / "leads.parquet")
    frame = {"lead": ids[lead], "event": event, "at": pd.to_datetime(at[order].astype(utc)).tz_localize("UTC")}
    pd.DataFrame(frame).to_parquet(folder / "events.parquet")


def columns() -> dict[str, tuple[str, str, str]]:
    """Return the features that both compute: name -> behaviour, family, window."""
    found = {}
    for behaviour in ("any", *BEHAVIOURS):
        for window in WINDOWS:
            found[f"f_{behaviour}_count_{window}"] = (behaviour, "count", window)
        for family, window in (("active_days", "7d"), ("active_days", "all"), ("recency_h", "all"), ("time_to_first_h", "all")):
            found[f"f_{behaviour}_{family}_{window}"] = (behaviour, family, window)
    return found


def workspace(folder: Path) -> str:
    """Return the workspace file: only the features that pandas computes too."""
    behaviours = "\n".join(f"  {name}: {{events: ['{name}_?']}}" for name in BEHAVIOURS)
    lines = "\n".join(
        f"  {name}: {{{family}: {behaviour}, window: {window}}}" for name, (behaviour, family, window) in columns().items()
    )
    text = f"""
name: bench
data:
  leads: {{source: {folder}/leads.parquet, id: id, started_at: at}}
  events: {{source: {folder}/events.parquet, lead: lead, name: event, at: at}}
behaviours:
{behaviours}
features:
{lines}
"""
    built_in = set(feature_set(parse_workspace(text, folder).definition()).names) - set(columns())
    return text + "exclude: [" + ", ".join(sorted(built_in)) + "]\n"


def ours(text: str, folder: Path) -> np.ndarray:
    """Compute the matrix as `trialwise features` does: workspace, tables, kernel."""
    ws = parse_workspace(text, folder)
    tables = read_tables(ws)
    features = feature_set(ws.definition())
    lead = np.repeat(np.arange(len(tables.leads.ids)), len(AGES))
    as_of = tables.leads.started_at[lead] + np.tile(np.array(AGES), len(tables.leads.ids)) * DAY_US
    matrix = compute(features, tables, lead, as_of)
    return matrix.values[:, [features.index(name) for name in columns()]]


def with_pandas(folder: Path) -> np.ndarray:
    """Compute the same by a join of looks and events and a groupby for every number."""
    leads = pd.read_parquet(folder / "leads.parquet").sort_values("id", ignore_index=True)
    events = pd.read_parquet(folder / "events.parquet")
    events["lead"] = events["lead"].map(pd.Series(leads.index, index=leads["id"]))
    events["us"] = events["at"].astype("int64") // (1000 if events["at"].dt.unit == "ns" else 1)
    events["day"] = events["us"] // DAY_US
    events["behaviour"] = events["event"].str.rsplit("_", n=1).str[0].astype("category")
    looks = pd.DataFrame({"lead": np.repeat(leads.index.to_numpy(), len(AGES)), "age": np.tile(AGES, len(leads))})
    started = (leads["at"].astype("int64") // (1000 if leads["at"].dt.unit == "ns" else 1)).to_numpy()
    looks["start"] = started[looks["lead"]]
    looks["as_of"] = looks["start"] + looks["age"] * DAY_US
    looks["look"] = looks.index
    seen = looks.merge(events[["lead", "us", "day", "behaviour"]], on="lead")
    seen = seen[seen["us"] <= seen["as_of"]]
    seen["old"] = seen["as_of"] - seen["us"]
    result = pd.DataFrame(index=looks.index)
    for behaviour in ("any", *BEHAVIOURS):
        mine = seen if behaviour == "any" else seen[seen["behaviour"] == behaviour]
        for name, (owner, family, window) in columns().items():
            if owner != behaviour:
                continue
            days = WINDOWS[window]
            rows = mine if days is None else mine[mine["old"] < days * DAY_US]
            if family == "count":
                result[name] = rows.groupby("look").size()
            elif family == "active_days":
                result[name] = rows.drop_duplicates(["look", "day"]).groupby("look").size()
            elif family == "recency_h":
                result[name] = rows.groupby("look")["old"].min() / HOUR_US
            else:
                first = rows.groupby("look")["us"].min()
                result[name] = (first - looks["start"].reindex(first.index)).clip(lower=0) / HOUR_US
            if family in ("count", "active_days"):
                result[name] = result[name].fillna(0.0)
    return result[list(columns())].to_numpy(dtype=np.float64)


def live(text: str, folder: Path) -> float:
    """Return the median milliseconds from 200 stored rows to a vector."""
    features = feature_set(parse_workspace(text, folder).definition())
    names = [f"{behaviour}_{number}" for behaviour in BEHAVIOURS for number in range(NAMES_EACH)]
    took = []
    for turn in range(500):
        began = time.perf_counter()
        rows = [EventRow(names[i % len(names)], START + i * HOUR_US, START + i * HOUR_US, 1, {}) for i in range(200)]
        compute_one(features, features.plan, LiveLead("a", START, [], {}, rows), START + (200 + turn) * HOUR_US)
        took.append(time.perf_counter() - began)
    return 1000 * float(np.median(took))


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, asked.events)
        text = workspace(folder)
        (folder / "small").mkdir()
        make(folder / "small", 1000)
        ours(workspace(folder / "small"), folder / "small")  # compile before the clock starts
        began = time.process_time()
        a = ours(text, folder)
        middle = time.process_time()
        b = with_pandas(folder)
        ended = time.process_time()
        one = live(text, folder)
    if not np.array_equal(a, b, equal_nan=True):
        raise SystemExit("the two do not give equal numbers")
    mine, theirs = middle - began, ended - middle
    print(f"features: {asked.events:,} events, {len(a):,} looks, {a.shape[1]} features, equal numbers")
    print(f"  trialwise {mine:.2f} s CPU, pandas {theirs:.2f} s CPU: {theirs / mine:.1f} times less (bar: {BAR:.0f})")
    print(f"  one lead, 200 stored events, from rows to vector: p50 {one:.3f} ms (bar: 0.3)")


if __name__ == "__main__":
    main()
