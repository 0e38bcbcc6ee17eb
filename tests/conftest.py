"""For every test: hypothesis without deadlines, since test machines are shared; MLflow's tables, made once for a whole run."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from models.registry import tracking

settings.register_profile("shared", deadline=None, max_examples=60)
settings.load_profile("shared")


@pytest.fixture(autouse=True, scope="session")
def _tables_of_mlflow_are_copied(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give every new SQLite store of MLflow the tables that a first one got from MLflow itself.

    MLflow makes them by all its migrations, one after the other: more than a second of CPU each time, and dozens of tests begin
    with an empty registry. What they begin with is the same; processes of their own make their tables themselves.
    """
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    made, own = folder / "mlflow_tables.db", tracking.make_room

    def make_room(database: Path) -> None:
        own(database)
        if not database.exists() and database.parent.is_dir():
            shutil.copyfile(_made_once(made), database)

    tracking.make_room = make_room


def _made_once(made: Path) -> Path:
    with made.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not made.exists():
            from mlflow import MlflowClient

            beside = made.with_suffix(".part")
            address = f"sqlite:///{beside}"
            MlflowClient(tracking_uri=address, registry_uri=address).search_experiments()
            beside.replace(made)
    return made
