"""A small product with a champion, trained once for all the tests of a run, whichever process asks first."""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.training.small_world import SmallWorld, silent
from training.verbs import run_train


@dataclass(frozen=True)
class TrainedHome:
    """The workspace file, its tables beside it, and TRIALWISE_HOME."""

    workspace: Path
    home: Path

    @staticmethod
    def within(folder: Path) -> TrainedHome:
        return TrainedHome(folder / "small.yaml", folder / "var")

    def copy(self, folder: Path) -> TrainedHome:
        """Copy all that a test may write to; the files of the model are read where they were written."""
        shutil.copytree(self.workspace.parent, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mlflow-artifacts"))
        return TrainedHome.within(folder)


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> TrainedHome:
    """Version 1 of ``small``, which serves; to be copied, never written to."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "trained_home"
    made, done = TrainedHome.within(folder), folder.with_suffix(".done")
    with folder.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("TRIALWISE_HOME", str(made.home))
                patch.delenv("MLFLOW_TRACKING_URI", raising=False)
                run_train(SmallWorld().write(folder), trials=0, promote="force", say=silent)
            done.touch()
    return made
