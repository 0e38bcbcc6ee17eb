"""An open server over SQLite for a whole file of tests that change nothing in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from features.workspace import Workspace
from serving.app import create_app
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for


@contextmanager
def served(workspace: Workspace, models: Mapping[str, Path], home: Path) -> Iterator[TestClient]:
    """Yield a client of a server of version 1, or of no model where there is none."""
    registry = FakeRegistry(dict(models))
    registry.version = "1" if models else None
    settings = Settings(home, f"sqlite:///{home / 'store.db'}", key_secret="x", open_to_all=True)
    with TestClient(create_app(workspace, settings, source=registry), base_url="http://127.0.0.1") as client:
        if models:
            wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client
