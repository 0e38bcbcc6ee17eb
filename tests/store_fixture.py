"""Databases of a test: SQLite always, PostgreSQL where TRIALWISE_TEST_POSTGRES names a server.

`store_url` is an empty one. `made_store_url` has our tables already, a copy of what is made once in each test process: to make
them takes a quarter of a second on PostgreSQL, which most tests would spend for nothing.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from features.store import EventStore
from features.storing.engine import parse_url


@contextmanager
def scratch_database(like: str | None = None) -> Iterator[str]:
    """A PostgreSQL database on the tests' server, empty or like another, gone at the end; without one the test is skipped."""
    server = os.environ.get("TRIALWISE_TEST_POSTGRES")
    if not server:
        pytest.skip("TRIALWISE_TEST_POSTGRES names no server")
    name = f"trialwise_{secrets.token_hex(6)}"
    engine = create_engine(parse_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}" + (f" TEMPLATE {like}" if like else "")))
    try:
        yield parse_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    with scratch_database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def made_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    made = _made(request.config, request.param)
    if request.param == "sqlite":
        shutil.copyfile(str(parse_url(made).database), tmp_path / "store.db")
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    with scratch_database(parse_url(made).database) as url:
        yield url


_MADE: dict[str, str] = {}


def _made(config: pytest.Config, kind: str) -> str:
    """Return a database with our tables and nothing in them, made when it is first asked for and kept while tests run."""
    if kind not in _MADE:
        with ExitStack() as kept:
            if kind == "sqlite":
                folder = tempfile.mkdtemp(prefix="trialwise-made-")
                kept.callback(shutil.rmtree, folder, ignore_errors=True)
                url = f"sqlite:///{folder}/store.db"
            else:
                url = kept.enter_context(scratch_database())
            store = EventStore(url)
            store.migrate()
            store.close()
            config.add_cleanup(kept.pop_all().close)
        _MADE[kind] = url
    return _MADE[kind]
