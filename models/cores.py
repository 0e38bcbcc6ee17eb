"""Cores: rows dealt out to as many threads as there are cores, for loops that hold no lock of the interpreter."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_all_cores(work: Callable[[slice], None], rows: int, worth: int) -> None:
    """Let `work` do all rows, in equal parts on several threads where each has at least `worth` rows.

    What a row becomes must not depend on the rows beside it: then the number of threads changes nothing. The threads live no
    longer than the call, so a process that forks later has none to miss.
    """
    parts = min(CORES, rows // worth)
    if parts < 2:
        work(slice(0, rows))
        return
    edges = [rows * part // parts for part in range(parts + 1)]
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(work, map(slice, edges[:-1], edges[1:])))
