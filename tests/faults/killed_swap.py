"""A server's model, swapped in a process that is killed at every point of the swap, and what the next process makes of it.

Run as a program: ``python -m tests.faults.killed_swap HOME KILLS``. A child with a failpoint follows a promotion and kills
itself on the way; another starts with the registry down, another with the registry up. Prints, as a JSON line for each kill, how
the child ended, which version was served before it, which one is served without the registry, and which one with it, each with
whether it scores as that version does.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from features import failpoints
from features.workspace import Workspace, parse_workspace
from models import artifact
from serving.kept_models import KeptModels
from serving.live import LiveModel
from serving.metrics import Metrics
from tests.serving.conftest import WORKSPACE, FakeRegistry, make_scorer

POINTS = ("live.download", "live.before_put", "live.before_remember", "live.before_note", "live.noted")


def in_child(work: Callable[[], None]) -> int:
    """Do some work in a process of its own and return how it ended, as os.waitpid tells it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def live_of(workspace: Workspace, home: Path, registry: FakeRegistry) -> LiveModel:
    return LiveModel("acme", KeptModels(workspace, home, registry), Metrics())


def swap(workspace: Workspace, home: Path, registry: FakeRegistry, point: str) -> None:
    """Follow the alias like a running server, and die at a point of it."""
    live = live_of(workspace, home, registry)
    live.restore()
    failpoints._NAME, failpoints._WHAT, failpoints._NTH = point, "kill", ""
    live.poll()


def answer(live: LiveModel, models: dict[str, Path]) -> list[Any]:
    """Return which version answers, and whether it gives the very scores of that version."""
    found = live.current
    if found is None:
        return [None, False]
    rows = np.random.default_rng(1).random((5, len(found.scorer.columns)))
    wanted = artifact.load(models[found.ref.version]).probability(rows)
    return [found.ref.version, bool(np.array_equal(found.scorer.probability(rows), wanted))]


def restart(workspace: Workspace, home: Path, registry: FakeRegistry, report: Path) -> None:
    """Start without the registry, then let it come back; write down who answers each time."""
    registry.is_down = True
    live = live_of(workspace, home, registry)
    live.restore()
    live.poll()
    alone = answer(live, registry.models)
    registry.is_down = False
    live.poll()
    report.write_text(json.dumps({"alone": alone, "then": answer(live, registry.models)}))


def main(home: Path, kills: int) -> None:
    workspace = parse_workspace(WORKSPACE, ".")
    registry = FakeRegistry({version: home / f"model-{version}" for version in "123"})
    for version, folder in registry.models.items():
        artifact.save(make_scorer(workspace, int(version)), folder)
    registry.version = "1"
    live_of(workspace, home, registry).poll()
    report = home / "report.json"
    before = "1"
    for kill in range(kills):
        registry.version = str(1 + (kill + 1) % 3)
        point = POINTS[kill % len(POINTS)]
        if point == POINTS[0]:
            for path in (home / "serving" / "acme").glob(f"{registry.version}-*"):  # so that it has to be fetched
                path.rename(home / f"away-{kill}")
        ended = in_child(lambda at=point: swap(workspace, home, registry, at))  # type: ignore[misc]
        again = in_child(lambda: restart(workspace, home, registry, report))
        line = {"point": point, "ended": ended, "again": again, "before": before, "after": registry.version}
        print(json.dumps(line | json.loads(report.read_text())), flush=True)
        report.unlink()
        before = registry.version


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
