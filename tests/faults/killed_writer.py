"""A process that is killed in the middle of writing to the registry, at every write, and what the next command makes of it.

Run as a program: ``python -m tests.faults.killed_writer HOME train|promote|rollback``. Before each write to MLflow's store in
turn a child process kills itself with SIGKILL; another child looks at what is left, lets the next command complete it, and looks
again. Prints the state at the beginning, then what was found after each kill, as JSON lines. MLflow is imported once and every
child is a fork, which makes some fifty kills a matter of a minute.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from models import registry
from models.registry import ROLLED_BACK, DatasetRecord, TrainingRecord, TrialRecord
from models.registry.tracking import client_of

WRITES = ("create_", "set_", "delete_", "log_", "update_", "finalize_", "end_")
EXAMPLE = pd.DataFrame({"uses": [0.0, None]})


def train(name: str, gate: str = "promoted: better") -> registry.ChampionRef:
    """Register a version as a training does."""
    record = TrainingRecord(
        params={"seed": 1}, metrics={"auc": 0.7}, tags={"trialwise.gate": gate}, texts={"facts.json": "{}"},
        trials=(TrialRecord("trial 0", {"a": 1}, {"log_loss": 0.4}),), datasets=(DatasetRecord("leads", "leads.csv", "ab" * 32),),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "model.json").write_text("{}")
        return registry.register(name, Path(scratch), digest="d", inputs={"uses": "double"}, example=EXAMPLE, record=record)


def begin(name: str) -> None:
    """Bring a registry into the state that the first action finds: version 2 serves, after version 1."""
    for reason in ("the first", "the second"):
        registry.promote(train(name), reason=reason)
    print(json.dumps({"then": state(name)}), flush=True)


def act(name: str, action: str) -> None:
    """Do what is going to be killed."""
    if action == "train":
        registry.promote(train(name), reason="better")
        return
    kind = ROLLED_BACK if action == "rollback" else "promoted by hand"
    other = next(one for one in registry.versions(name) if registry.CHAMPION not in one.aliases)
    registry.promote(other.ref, reason="a person said so", kind=kind)


def die_before(write: int) -> None:
    """Arrange that this process is killed before its n-th write to MLflow's store or to its files."""
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    done = 0

    def deadly(method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def wrapped(*arguments: Any, **options: Any) -> Any:
            nonlocal done
            done += 1
            if done == write:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments, **options)

        return wrapped

    for kind in (Registry, Tracking, LocalArtifactRepository):
        for method in dir(kind):
            if method.startswith(WRITES):
                setattr(kind, method, deadly(getattr(kind, method)))


def state(name: str) -> dict[str, Any]:
    """Return who serves and what is unfinished."""
    client = client_of(registry.configured_uri())
    model, experiment = client.get_registered_model(name), client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id])
    return {
        "champion": getattr(registry.champion(name), "version", None),
        "aliases": {alias: str(number) for alias, number in model.aliases.items()},
        "versions": [one.version for one in registry.versions(name)],
        "whole": [one.version for one in registry.versions(name) if one.digest],
        "intent": "trialwise.intent" in model.tags,
        "decided": [[one.kind for one in registry.decisions(version)] for version in registry.versions(name)],
        "runs": sorted(run.info.status for run in runs),
    }


def look(name: str) -> None:
    """Print what is left, what the next command completed, and what is there then."""
    left = state(name)
    completed = registry.complete(name)
    then = state(name)
    again = registry.complete(name)
    print(json.dumps({"left": left, "lines": completed.lines(), "then": then, "again": again.lines()}), flush=True)


def in_child(work: Callable[[], None]) -> int:
    """Do some work in a process of its own and return how it ended, as os.waitpid tells it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
    except BaseException as error:
        print(json.dumps({"error": repr(error)}), flush=True)
        os._exit(1)
    os._exit(0)


def killed(action: str, write: int) -> None:
    """Do the action in the registry of that name, up to the n-th write."""
    die_before(write)
    act(action, action)


def main(home: str, action: str) -> None:
    os.environ["TRIALWISE_HOME"] = home
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    import mlflow.pyfunc  # noqa: F401  (once, for all children)

    in_child(functools.partial(begin, action))
    write, ended = 0, -1
    while ended:
        write += 1
        ended = in_child(functools.partial(killed, action, write))
        in_child(functools.partial(look, action))


if __name__ == "__main__":
    main(*sys.argv[1:])
