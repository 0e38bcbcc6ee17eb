"""One simulated product with a trained champion, made once and shared by all journeys, also across test processes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from training.simulator import World, simulate

ROOT = Path(__file__).parents[2]
SEED = 11
LEADS = 3_000


@dataclass(frozen=True)
class Trained:
    """A folder with the simulated files and workspace.yaml, the home with its champion, and the world behind them."""

    folder: Path
    home: Path
    world: World

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace.yaml"

    def run(self, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        return trialwise(*arguments, home=self.home, check=check)


def trialwise(*arguments: object, home: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the installed command as a user would, in its own process."""
    done = subprocess.run(
        [sys.executable, "-m", "trialwise", *(str(a) for a in arguments)],
        cwd=ROOT, env=os.environ | {"TRIALWISE_HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if check:
        assert done.returncode == 0, done.stderr
    return done


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one folder for all test processes of a run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "trained"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def trained(shared: Path) -> Trained:
    """A simulated product with a champion."""
    made = Trained(shared / "data", shared / "var", simulate(SEED, leads=LEADS))
    with one_at_a_time(shared / "lock"):
        if not (shared / "is_trained").exists():
            made.world.write(made.folder)
            made.run("train", "-w", made.workspace, "--trials", 3)
            (shared / "is_trained").touch()
    return made


@pytest.fixture(scope="session")
def loaded(trained: Trained, shared: Path) -> Trained:
    """The same, its history loaded into the server's store."""
    with one_at_a_time(shared / "lock"):
        if not (shared / "is_loaded").exists():
            trained.run("load", "-w", trained.workspace)
            (shared / "is_loaded").touch()
    return trained
