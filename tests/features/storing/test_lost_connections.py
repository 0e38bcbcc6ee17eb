"""Lost connections: whatever the driver then says, the store is unavailable, and the next transaction has a new connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from features.store import EventStore
from features.storing.engine import StoreUnavailable
from features.storing.schema import lead
from tests.store_fixture import scratch_database

pytestmark = pytest.mark.postgres  # a file has no connections to lose


@pytest.fixture
def url() -> Iterator[str]:
    with scratch_database() as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[EventStore]:
    store = EventStore(url)
    store.migrate()
    yield store
    store.close()


def work(store: EventStore) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(select(lead.c.lead_id)))


OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def terminate(url: str) -> None:
    """End every connection to the database, as an operator would."""
    operator = EventStore(url)
    with operator.writing() as connection:
        connection.execute(text(OTHERS))
    operator.close()


def test_a_connection_that_was_ended_while_nobody_used_it_is_replaced(store: EventStore, url: str) -> None:
    for _ in range(3):
        assert work(store) == []
        terminate(url)
    assert work(store) == []


def test_one_that_is_ended_in_the_middle_of_a_transaction_is_the_databases_trouble(store: EventStore, url: str) -> None:
    def interrupted() -> None:
        with store.reading() as connection:
            connection.execute(select(lead.c.lead_id))
            terminate(url)
            connection.execute(select(lead.c.lead_id))

    with pytest.raises(StoreUnavailable):
        interrupted()
    assert work(store) == []


def test_on_a_lost_connection_a_driver_may_say_anything(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(cursor: psycopg.Cursor[Any], *_: object, **__: object) -> None:
        cursor.connection.close()
        raise psycopg.ProgrammingError("no result available")

    assert work(store) == []
    with monkeypatch.context() as patch:
        patch.setattr("sqlalchemy.dialects.postgresql.psycopg.PGDialect_psycopg.do_ping", lambda *_: True)
        patch.setattr("psycopg.Cursor.execute", lost)
        with pytest.raises(StoreUnavailable):
            work(store)
    assert work(store) == []


def test_a_connection_that_cannot_be_looked_at_is_the_databases_trouble(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> bool:
        raise psycopg.ProgrammingError("can't change 'autocommit' now")

    assert work(store) == []
    with monkeypatch.context() as patch:
        patch.setattr("sqlalchemy.dialects.postgresql.psycopg.PGDialect_psycopg.do_ping", busy)
        with pytest.raises(StoreUnavailable):
            work(store)
    assert work(store) == []


def test_a_wrong_statement_is_a_mistake_of_ours(store: EventStore) -> None:
    def wrong() -> None:
        with store.reading() as connection:
            connection.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(ProgrammingError):
        wrong()
    assert work(store) == []
