"""Features from sorted Parquet to a matrix, ours against Polars, DuckDB and pandas: CPU seconds, their ratios and peak memory.

Run it with ``python -m tests.benchmarks.bench_features [--events 3e6] [--passes 3]``. Every contestant runs in a process of its
own, and of its passes the cheapest counts. All matrices are compared before a ratio is printed. The worlds are kept under
var/bench for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks import live
from tests.benchmarks.world import cached

TINY = 3_000
MOST_GB = 4.0
FOUR, DAILY = (3, 7, 14, 30), tuple(range(1, 31))
"""Four looks at a trial of 30 days, and one every day."""
DAILY_BAR = 3.0
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(4 << 30), "MALLOC_TRIM_THRESHOLD_": str(64 << 30)}
"""For everybody: the memory of one pass serves the next one."""


class Rival(NamedTuple):
    """Somebody who computes the same."""

    label: str
    module: str
    bar: float | None = None
    """So many times our CPU it should cost."""
    options: Mapping[str, Any] = MappingProxyType({})


OURS = Rival("ours", "ours")
RIVALS = (
    Rival("Polars streaming", "with_polars", 3),
    Rival("DuckDB, conditional aggregates", "with_duckdb", 8, {"two_steps": False}),
    Rival("DuckDB, in two steps", "with_duckdb"),
)
RIVALS_OF_A_TENTH = (Rival("pandas", "with_pandas"),)


def run(rival: Rival, folder: Path, tiny: Path, passes: int, keep: Path | None = None) -> dict[str, float]:
    """Run one contestant by itself."""
    command = [sys.executable, "-m", "tests.benchmarks.contestant", rival.module, str(folder), str(tiny)]
    command += ["--passes", str(passes), "--options", json.dumps(dict(rival.options))] + (["--keep", str(keep)] if keep else [])
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **KEEP_MEMORY})
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def compete(rivals: Sequence[Rival], folder: Path, tiny: Path, passes: int) -> None:
    """Run us and some rivals, compare the matrices, and print what everybody used."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        mine, theirs = Path(scratch) / "ours.npy", Path(scratch) / "theirs.npy"
        ours = run(OURS, folder, tiny, passes, mine)
        print(f"{ours['rows']:,} looks, {ours['columns']} features, equal matrices; CPU, the first pass's CPU, wall, peak")
        print(f"{_used(OURS, ours)}   (bar: {MOST_GB:.0f} GB) {_verdict(ours['peak_gb'] < MOST_GB)}", flush=True)
        for rival in rivals:
            one = run(rival, folder, tiny, passes, theirs)
            _compare(mine, theirs, rival)
            ratio = one["cpu"] / ours["cpu"]
            told = "" if rival.bar is None else f" (bar: {rival.bar:.0f}) {_verdict(ratio >= rival.bar)}"
            print(f"{_used(rival, one)}   {ratio:5.1f} times ours{told}", flush=True)


def _compare(ours: Path, theirs: Path, rival: Rival) -> None:
    a, b = np.load(ours, mmap_mode="r"), np.load(theirs, mmap_mode="r")
    if a.shape != b.shape:
        raise SystemExit(f"{rival.label} gives a matrix of {b.shape}, ours is {a.shape}")
    for column in range(a.shape[1]):
        # Polars divides by a constant as it multiplies by its inverse, which may differ in the last bit.
        close = rival.module == "with_polars" and np.allclose(a[:, column], b[:, column], rtol=1e-9, atol=0, equal_nan=True)
        if not close and not np.array_equal(a[:, column], b[:, column], equal_nan=True):
            raise SystemExit(f"{rival.label} and ours differ in column {column}")


def _used(rival: Rival, one: dict[str, float]) -> str:
    cpu = f"{one['cpu']:7.2f} s CPU {one['first']:7.2f} s first"
    return f"  {rival.label:30s} {cpu} {one['wall']:7.2f} s wall {one['peak_gb']:5.2f} GB"


def _verdict(holds: bool) -> str:
    return "ok" if holds else "MISSED"


def main() -> None:
    """Measure everything and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=float, default=30e6)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"))
    parser.add_argument("--only", choices=["batch", "daily", "live"])
    asked = parser.parse_args()
    events, folder = int(asked.events), asked.folder.absolute()
    tiny, tenth = cached(folder, TINY), events // 10
    if asked.only in (None, "batch"):
        for size, rivals in ((events, RIVALS), (tenth, RIVALS_OF_A_TENTH)):
            print(f"{size:,} events: ", end="")
            compete(rivals, cached(folder, size), tiny, asked.passes)
    if asked.only in (None, "daily"):
        month = cached(folder, tenth, days_after=max(DAILY))
        few, many = (run(OURS._replace(options={"ages": ages}), month, tiny, asked.passes)["cpu"] for ages in (FOUR, DAILY))
        print(f"daily looks over 30 days: {many:.2f} s CPU, {many / few:.1f} times four looks (bar: {DAILY_BAR:.0f}) ", end="")
        print(_verdict(many / few < DAILY_BAR))
    if asked.only in (None, "live"):
        live.report()


if __name__ == "__main__":
    main()
