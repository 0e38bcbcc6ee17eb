"""The world of the benchmark: leads, their events sorted by lead and time, and the features that every contestant computes.

It is drawn by a seed and written in blocks of leads, so that it needs little memory whatever its size.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from features.clock import DAY_US

BEHAVIOURS = ("session", "core_use", "milestone", "purchase_intent", "support", "education", "collaboration", "friction")
OWNERS = ("any", *BEHAVIOURS)
NAMES_EACH = 4
EVENT_NAMES = (*(f"{behaviour}_{number}" for behaviour in BEHAVIOURS for number in range(NAMES_EACH)), "other_0", "other_1")
WINDOWS = {"1d": 1, "3d": 3, "7d": 7, "all": None}
AGES = (1, 3, 7, 14)
EVENTS_EACH = 150
BEFORE, AFTER = DAY_US, 15 * DAY_US
"""Events lie from so long before the start of a trial to so long after it."""

_START = 20_500 * DAY_US
_STARTS_WITHIN = 60 * DAY_US
_BLOCK = 1_000_000


def columns() -> dict[str, tuple[str, str, str]]:
    """Return the features that all compute, in the order of the catalogue: name -> behaviour, family, window."""
    found: dict[str, tuple[str, str, str]] = {}
    for owner in OWNERS:
        for window in WINDOWS:
            found[f"f_{owner}_count_{window}"] = (owner, "count", window)
        for family, window in (("active_days", "7d"), ("active_days", "all"), ("recency_h", "all")):
            found[f"f_{owner}_{family}_{window}"] = (owner, family, window)
    for owner, family, window in (
        ("session", "duration_sum_s", "7d"),
        ("session", "duration_mean_s", "all"),
        ("core_use", "distinct_names", "7d"),
        ("core_use", "distinct_names", "all"),
        ("milestone", "time_to_first_h", "all"),
    ):
        found[f"f_{owner}_{family}_{window}"] = (owner, family, window)
    return dict(sorted(found.items()))


def make(folder: Path, n_events: int, *, days_after: int = AFTER // DAY_US, seed: int = 7) -> None:
    """Write ``leads.parquet`` and ``events.parquet``; some leads do much, some nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    n_leads = max(4, n_events // EVENTS_EACH)
    started = _START + random.integers(0, _STARTS_WITHIN, n_leads)
    ids = pa.array([f"lead{index:08d}" for index in range(n_leads)])
    utc = pa.timestamp("us", "UTC")
    parquet.write_table(pa.table({"id": ids, "at": pa.array(started, utc)}), folder / "leads.parquet")
    weight = random.gamma(0.8, 1.0, n_leads)
    each = random.multinomial(n_events, weight / weight.sum())
    share = 1.0 / np.arange(3, len(EVENT_NAMES) + 3)
    random.shuffle(share)
    names = pa.array(EVENT_NAMES)
    is_session = np.array([name.startswith("session") for name in EVENT_NAMES])
    schema = pa.schema({"lead": pa.string(), "event": pa.string(), "at": utc, "duration_s": pa.float64()})
    ends = np.cumsum(each)
    with parquet.ParquetWriter(folder / "events.part", schema) as writer:
        first = 0
        while first < n_leads:
            done = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
            lead = np.repeat(np.arange(first, min(last, n_leads)), each[first:last])
            at = started[lead] + random.integers(-BEFORE, days_after * DAY_US, len(lead))
            at = at[np.lexsort((at, lead))]
            event = random.choice(len(EVENT_NAMES), len(lead), p=share / share.sum())
            seconds = random.integers(0, 3_600_000, len(lead)) / 1000
            row = [ids.take(pa.array(lead)), names.take(pa.array(event)), pa.array(at, utc)]
            writer.write_table(pa.table([*row, pa.array(seconds, mask=~is_session[event])], schema=schema))
            first = last
    (folder / "events.part").rename(folder / "events.parquet")


def cached(folder: Path, n_events: int, *, days_after: int = AFTER // DAY_US) -> Path:
    """Return the folder of a world of so many events, written by now."""
    mine = folder / f"events_{n_events}_over_{days_after}_days"
    if not (mine / "events.parquet").exists():
        make(mine, n_events, days_after=days_after)
    return mine


def own_features() -> str:
    """Return the workspace's lines for the features."""
    return "\n".join(f"  {name}: {{{family}: {owner}, window: {window}}}" for name, (owner, family, window) in columns().items())


def workspace(events: str = "events.parquet") -> str:
    """Return the workspace file that reads a world; its catalogue is that of `columns` and the built-in one."""
    behaviours = "\n".join(
        f"  {name}: {{events: ['{name}_?']{', duration: duration_s' if name == 'session' else ''}}}" for name in BEHAVIOURS
    )
    return f"""
name: bench
data:
  leads: {{source: leads.parquet, id: id, started_at: at}}
  events: {{source: {events}, lead: lead, name: event, at: at}}
behaviours:
{behaviours}
features:
{own_features()}
"""
