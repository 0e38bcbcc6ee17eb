"""What a training costs: 1 M looks x 100 features with default trials, in wall and CPU seconds, and its peak memory.

Run it with ``python -m tests.benchmarks.bench_training [--leads 20000]``. The world is a simulated product: each lead is looked
at on eight days, and the catalogue without accounts is cut to 100 columns. A child process trains; every line that it says is
told with the seconds since its start. The world stays in the folder for the next run. The bars are for two cores with nothing
else to do: on a busy machine go by the CPU seconds.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LEADS = 146_000
"""So many sign-ups in a year give about 1 M looks to learn from: some are too young, and who has paid is not looked at again."""

FEATURES = 100
MOST_MINUTES = 10.0
MOST_GB = 6.0
SEED = 7


def world(folder: Path, leads: int) -> Path:
    """Return the workspace file of a world of so many leads, written by now."""
    mine = folder / f"leads_{leads}"
    workspace = mine / "bench.yaml"
    if not workspace.exists():
        from training.simulator import simulate

        text = simulate(SEED, leads=leads).write(mine).read_text(encoding="utf-8")
        workspace.write_text(_at_eight_ages(text), encoding="utf-8")
        workspace.write_text(f"{workspace.read_text(encoding='utf-8')}exclude: {_beyond(workspace)}\n", encoding="utf-8")
    return workspace


def _at_eight_ages(text: str) -> str:
    """Leave the accounts out, and take the default ages."""
    text = text.replace(", account: org_id", "")
    return re.sub(r"^snapshots: .*\n", "", text, flags=re.MULTILINE)


def _beyond(workspace: Path) -> list[str]:
    """Return the built-in columns beyond the number that is measured: the last behaviours lose some of theirs."""
    from features.catalog import feature_set
    from features.workspace import load_workspace

    ws = load_workspace(workspace)
    names = [feature.name for feature in feature_set(ws.definition()).features]
    kept = {*ws.features, *ws.attributes, "trial_age_d", "trial_left_d"}
    return [name for name in names if name not in kept][FEATURES - len(names) :]


def train(workspace: Path) -> None:
    """Train in this process, and say when each line came."""
    from training.verbs import run_train

    start = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - start:7.1f} s wall {time.process_time():7.1f} s CPU  {line}", flush=True)

    result = run_train(workspace, say=say)
    say(f"{result['rows']:,} looks, {result['leads']:,} leads, {result['conversions']:,} conversions; {result['learner']}")


def measure(workspace: Path) -> None:
    """Train in a child process and print what it used."""
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "tests.benchmarks.bench_training", "--train", str(workspace)]
        child = subprocess.Popen(command, env={**os.environ, "TRIALWISE_HOME": home, "MLFLOW_TRACKING_URI": ""})
        _, status, used = os.wait4(child.pid, 0)
    minutes, cpu, peak = (time.monotonic() - start) / 60, (used.ru_utime + used.ru_stime) / 60, used.ru_maxrss / 1024**2
    print(f"load of the machine after: {os.getloadavg()[0]:.1f}")
    print(f"wall {minutes:.1f} min (bar: {MOST_MINUTES:g}) {_verdict(minutes < MOST_MINUTES)}; CPU {cpu:.1f} min")
    print(f"peak {peak:.2f} GB (bar: {MOST_GB:g}) {_verdict(peak < MOST_GB)}")
    if status:
        raise SystemExit("the training failed")


def _verdict(holds: bool) -> str:
    return "ok" if holds else "MISSED"


def main() -> None:
    """Write the world and measure a training on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=LEADS)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "trialwise-bench-training")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.train:
        train(asked.train)
    else:
        measure(world(asked.folder.absolute(), asked.leads))


if __name__ == "__main__":
    main()
