"""Features from sorted Parquet to a matrix, ours against Polars, DuckDB and pandas: CPU seconds, their ratios and peak memory.

Run it with ``python -m tests.benchmarks.bench_features [--events 3e6] [--rounds 2]``. Every contestant runs in a process of its
own, in turns, and of its rounds the cheapest counts. All matrices are compared before a ratio is printed. The worlds are kept
under var/bench for the next run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import live
from tests.benchmarks.world import AGES, cached

TINY = 3_000
BARS = {"with_polars": 3.0, "with_duckdb": 8.0, "with_pandas": 15.0}
MOST_GB = 4.0
FOUR, DAILY = (3, 7, 14, 30), tuple(range(1, 31))
"""Four looks at a trial of 30 days, and one every day."""
DAILY_BAR = 3.0


def run(module: str, folder: Path, tiny: Path, keep: Path | None = None, **options: Any) -> dict[str, float]:
    """Run one contestant by itself."""
    command = [sys.executable, "-m", "tests.benchmarks.contestant", module, str(folder), str(tiny)]
    command += ["--options", json.dumps(options)] + (["--keep", str(keep)] if keep else [])
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def compete(rivals: Sequence[str], folder: Path, tiny: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Run us and some rivals in turns; the first round also compares the matrices."""
    best: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for turn in range(rounds):
            for module in ("ours", *rivals):
                kept = Path(scratch) / f"{module}.npy"
                one = run(module, folder, tiny, None if turn else kept)
                before = best.setdefault(module, one)
                best[module] = {key: (max if key == "peak_gb" else min)(value, before[key]) for key, value in one.items()}
                if not turn and module != "ours":
                    _compare(Path(scratch) / "ours.npy", kept, module)
                    kept.unlink()
    return best


def _compare(ours: Path, theirs: Path, module: str) -> None:
    a, b = np.load(ours, mmap_mode="r"), np.load(theirs, mmap_mode="r")
    if a.shape != b.shape:
        raise SystemExit(f"{module} gives a matrix of {b.shape}, ours is {a.shape}")
    for column in range(a.shape[1]):
        # Polars divides by a constant as it multiplies by its inverse, which may differ in the last bit.
        close = module == "with_polars" and np.allclose(a[:, column], b[:, column], rtol=1e-9, atol=0, equal_nan=True)
        if not close and not np.array_equal(a[:, column], b[:, column], equal_nan=True):
            raise SystemExit(f"{module} and ours differ in column {column}")


def _cheapest(module: str, folder: Path, tiny: Path, rounds: int, **options: Any) -> float:
    return min(run(module, folder, tiny, **options)["cpu"] for _ in range(rounds))


def table(found: dict[str, dict[str, float]]) -> None:
    """Print what everybody used, and how much less we did."""
    mine = found["ours"]["cpu"]
    for module, one in found.items():
        line = f"  {module:12s} {one['cpu']:8.2f} s CPU {one['wall']:8.2f} s wall {one['peak_gb']:6.2f} GB"
        if module == "ours":
            print(f"{line}   (bar: {MOST_GB:.0f} GB) {_verdict(one['peak_gb'] < MOST_GB)}")
        else:
            ratio = one["cpu"] / mine
            print(f"{line}   {ratio:5.1f} times ours (bar: {BARS[module]:.0f}) {_verdict(ratio >= BARS[module])}")


def _verdict(holds: bool) -> str:
    return "ok" if holds else "MISSED"


def main() -> None:
    """Measure everything and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=float, default=30e6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("var/bench"))
    parser.add_argument("--only", choices=["batch", "daily", "live"])
    asked = parser.parse_args()
    events, folder = int(asked.events), asked.folder.absolute()
    tiny, tenth = cached(folder, TINY), cached(folder, events // 10)
    if asked.only in (None, "batch"):
        full = cached(folder, events)
        found = compete(("with_polars", "with_duckdb"), full, tiny, asked.rounds)
        rows, width = found["ours"]["rows"], found["ours"]["columns"]
        print(f"{events:,} events, {rows // len(AGES):,} leads, {rows:,} looks, {width} features, equal matrices")
        table(found)
        print(f"a tenth, {events // 10:,} events:")
        table(compete(("with_pandas",), tenth, tiny, asked.rounds))
    if asked.only in (None, "daily"):
        month = cached(folder, events // 10, days_after=max(DAILY))
        few, many = (_cheapest("ours", month, tiny, asked.rounds, ages=ages) for ages in (FOUR, DAILY))
        times = many / few
        print(f"daily looks over 30 days: {many:.2f} s CPU, {times:.1f} times four looks (bar: {DAILY_BAR:.0f}) ", end="")
        print(_verdict(times < DAILY_BAR))
    if asked.only in (None, "live"):
        live.report()


if __name__ == "__main__":
    main()
