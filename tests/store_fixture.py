"""One fixture that gives a test an empty database: SQLite always, PostgreSQL where TRIALWISE_TEST_POSTGRES names a server."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from features.storing.engine import parse_url


@contextmanager
def scratch_database() -> Iterator[str]:
    """An empty PostgreSQL database on the tests' server, gone at the end; without a server the test is skipped."""
    server = os.environ.get("TRIALWISE_TEST_POSTGRES")
    if not server:
        pytest.skip("TRIALWISE_TEST_POSTGRES names no server")
    name = f"trialwise_{secrets.token_hex(6)}"
    engine = create_engine(parse_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
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
