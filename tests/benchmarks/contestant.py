"""One contestant in a process of its own: what it costs from Parquet to the matrix, printed as one line of JSON.

The same work on a tiny world comes first, so that neither imports nor compilation are counted, for nobody. Then it is done some
times over, and the cheapest pass counts: on a virtual machine that hands freed memory back to its host, the first touch of new
memory costs 2 s of CPU a GB, whoever asks for it, and a figure would tell more of the host than of the contestant.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import time
from pathlib import Path

import numpy as np


def cpu_seconds() -> float:
    """Return what this process and its children have used, in all threads."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_gb() -> float:
    """Return the most memory that this process held; `ru_maxrss` alone would count what its parent held when it forked."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    """Run one contestant and keep its matrix, if asked, to be compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("folder", type=Path)
    parser.add_argument("tiny", type=Path)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--passes", type=int, default=1)
    asked = parser.parse_args()
    run = importlib.import_module(f"tests.benchmarks.{asked.module}").matrix
    run(asked.tiny, **asked.options)
    cpu, wall, peak = [], [], 0.0
    found = np.empty((0, 0))
    for _ in range(asked.passes):
        del found
        began, clock = cpu_seconds(), time.perf_counter()
        found = run(asked.folder, **asked.options)
        cpu.append(cpu_seconds() - began)
        wall.append(time.perf_counter() - clock)
        peak = peak or peak_gb()
    took = {"cpu": min(cpu), "first": cpu[0], "wall": min(wall), "peak_gb": peak}
    if asked.keep:
        np.save(asked.keep, found)
    print(json.dumps({**took, "rows": len(found), "columns": found.shape[1]}))


if __name__ == "__main__":
    main()
