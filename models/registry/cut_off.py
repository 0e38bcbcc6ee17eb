"""Cut off: what a training that was killed leaves in MLflow, and how the next command tells it from one that is still at work.

A run of ours says who writes it. It is cut off when it is still RUNNING though that process is gone; of another machine's
processes nothing is known here, so theirs are given an hour, many times what registering takes.
"""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

from models.registry.registered import KIND_TAG, TRAINING, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

WRITER_TAG = "trialwise.writer"
PATIENCE_MS = 3_600_000


def writer_tags(kind: str) -> dict[str, str]:
    """Return the tags of a run that this process writes: what it is (training or trial), and by whom."""
    return {KIND_TAG: kind, WRITER_TAG: f"{socket.gethostname()}:{os.getpid()}"}


def end_cut_off_runs(client: MlflowClient, name: str, versions: list[Version]) -> int:
    """End every run of ours that nobody writes any more; return how many were cut off before their version was registered."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return 0
    registered = {version.run_id for version in versions if version.digest}
    lost = 0
    asked = f"attributes.status = 'RUNNING' AND tags.`{KIND_TAG}` != ''"
    for run in client.search_runs([experiment.experiment_id], filter_string=asked, max_results=1000):
        if not is_at_work(str(run.data.tags.get(WRITER_TAG, "")), int(run.info.start_time or 0)):
            whole = run.info.run_id in registered
            client.set_terminated(run.info.run_id, "FINISHED" if whole else "KILLED")
            lost += not whole and run.data.tags.get(KIND_TAG) == TRAINING
    return lost


def is_at_work(writer: str, started_ms: int) -> bool:
    """Tell whether the process that began a run may still write it.

    >>> is_at_work("another-machine:7", time.time_ns() // 1_000_000), is_at_work("another-machine:7", 0)
    (True, False)
    """
    host, _, number = writer.rpartition(":")
    if time.time_ns() // 1_000_000 - started_ms > PATIENCE_MS:
        return False
    if host != socket.gethostname() or not number.isdigit():
        return True
    # A command ends what was cut off before it begins a run of its own: a run in its own name is of a process before it.
    return int(number) != os.getpid() and _is_alive(int(number))


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
