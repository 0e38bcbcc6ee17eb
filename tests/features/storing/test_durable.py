"""Durability is configured on every connection of the pool, whichever is used (check 3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from features.store import EventStore
from tests import store_fixture

store_url = store_fixture.made_store_url
MORE_THAN_THE_POOL = 20


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    store = EventStore(store_url)
    store.migrate()
    yield store.engine
    store.close()


def test_every_pooled_connection_syncs_what_it_commits(engine: Engine) -> None:
    sqlite = engine.dialect.name == "sqlite"
    asked = (
        ("PRAGMA journal_mode", "PRAGMA synchronous", "PRAGMA foreign_keys")
        if sqlite
        else ("SHOW synchronous_commit", "SHOW fsync")
    )
    expected = ["wal", 2, 1] if sqlite else ["on", "on"]
    held = [engine.connect() for _ in range(MORE_THAN_THE_POOL)]
    try:
        for connection in held:
            assert [connection.exec_driver_sql(one).scalar() for one in asked] == expected
    finally:
        for connection in held:
            connection.close()
    with engine.connect() as again:  # one that was used before and given back
        assert [again.exec_driver_sql(one).scalar() for one in asked] == expected
