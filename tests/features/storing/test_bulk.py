"""Rows that are new go in and are told, those that were there stay: in one statement, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import DataError

from features.store import EventStore
from features.storing.bulk import insert_and_tell, insert_new
from features.storing.schema import lead, outcome, quarantine
from tests import store_fixture

COLUMNS = ("outcome_id", "lead_id", "at", "known_at", "digest", "origin")
store_url = store_fixture.made_store_url


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def tell(store: EventStore, *ids: str, said: str = "first") -> set[str]:
    with store.writing() as connection:
        return insert_and_tell(connection, outcome, COLUMNS, [(one, "a", 1, 2, said, "live") for one in ids], "outcome_id")


def said(store: EventStore) -> dict[str, str]:
    with store.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(select(outcome.c.outcome_id, outcome.c.digest))}


def test_of_many_rows_those_that_are_new_are_told(store: EventStore) -> None:
    assert tell(store) == set()
    assert tell(store, "b", "d") == {"b", "d"}
    assert tell(store, "a", "b", "c", "d", "e", said="again") == {"a", "c", "e"}
    assert tell(store, "a", "b", said="again") == set()
    assert said(store) == {"a": "again", "b": "first", "c": "again", "d": "first", "e": "again"}


def test_the_newest_rows_may_be_gone(store: EventStore) -> None:
    """A number that a deleted row had is given again; what is told does not depend on it."""
    tell(store, "a", "b", "c")
    with store.writing() as connection:
        connection.execute(delete(outcome).where(outcome.c.outcome_id.in_(["b", "c"])))
    assert tell(store, "a", "c", "d") == {"c", "d"}


ODD = ("", '"', "\\", '\\"', ",", "{}", "NULL", "null", "é😀", "a\nb", "\x01", "%s", "' --", " ")


def test_texts_come_back_as_they_were(store: EventStore) -> None:
    rows = [(f"{i}", one, 1, 2, "d", "live") for i, one in enumerate(ODD)]
    blanks = [("x", None, "code", "{}", 3, "d1", None), ("y", '"', "code", "{}", 3, "d2", 4)]
    columns = ("door", "lead_id", "code", "body", "received_at", "digest", "replayed_at")
    with store.writing() as connection:
        assert insert_and_tell(connection, outcome, COLUMNS, rows, "outcome_id") == {row[0] for row in rows}
        assert insert_new(connection, quarantine, columns, blanks, ("digest",)) == 2
        found = connection.execute(select(outcome.c.lead_id).order_by(outcome.c.seq)).scalars().all()
        assert connection.execute(select(*(quarantine.c[name] for name in columns)).order_by("digest")).all() == blanks
    assert tuple(found) == ODD


def test_a_text_with_nul_cannot_break_out_of_its_array(store: EventStore) -> None:
    if store.engine.dialect.name != "postgresql":
        pytest.skip("SQLite takes it")
    for one in ("a\0", "\0,\0", "\0"):
        with pytest.raises(DataError, match="NUL"):
            tell(store, "1", said=one)


def test_rows_of_any_table_are_counted(store: EventStore) -> None:
    with store.writing() as connection:
        assert insert_new(connection, lead, ("lead_id", "known_at"), [], ("lead_id",)) == 0
        assert insert_new(connection, lead, ("lead_id", "known_at"), [("a", 1), ("b", 1)], ("lead_id",)) == 2
        assert insert_new(connection, lead, ("lead_id", "known_at"), [("b", 9), ("c", 9)], ("lead_id",)) == 1
        assert sorted(connection.execute(select(lead)).all()) == [("a", 1), ("b", 1), ("c", 9)]
