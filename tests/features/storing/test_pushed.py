"""What was written into a CRM is remembered lead by lead, and forgotten with the lead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, insert, inspect

from features.store import EventStore
from features.storing.offer_table import offer
from features.storing.pushed_table import add_pushed, pushed
from features.storing.schema import NEWEST, STEPS, schema_version
from tests import store_fixture

store_url = store_fixture.made_store_url


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    store.need_same_secret(b"s")
    yield store
    store.close()


def test_the_newest_counts_and_targets_are_apart(store: EventStore) -> None:
    store.pushed.note("one", {"a": "1", "b": "1"}, 5)
    store.pushed.note("one", {"b": "2"}, 6)
    store.pushed.note("other", {"a": "9"}, 7)
    store.pushed.note("one", {}, 8)
    assert store.pushed.digests("one") == {"a": "1", "b": "2"}
    assert store.pushed.digests("other") == {"a": "9"}
    assert store.pushed.digests("third") == {}


def test_of_a_forgotten_lead_nothing_is_noted_again(store: EventStore) -> None:
    store.pushed.note("one", {"a": "1", "b": "1"}, 5)
    assert store.privacy.forget("a", 9).removed.rows == {"pushed": 1}
    assert store.pushed.forgotten(["a", "b"]) == {"a"}
    store.pushed.note("one", {"a": "2", "b": "2"}, 10)
    assert store.pushed.digests("one") == {"b": "2"}


def test_an_export_tells_of_it(store: EventStore) -> None:
    store.pushed.note("one", {"a": "1"}, 1_778_144_400_000_000)
    found = store.privacy.export("a")
    assert found is not None
    assert [row["pushed_at"] for row in found["pushed"]] == ["2026-05-07T09:00:00.000000Z"]


def test_an_older_store_gets_the_table(store: EventStore) -> None:
    with store.writing() as connection:
        for later in (pushed, offer):
            later.drop(connection)
        connection.execute(delete(schema_version))
        connection.execute(insert(schema_version).values(version=1 + STEPS.index(add_pushed), applied_at=1))
    assert store.migrate() == NEWEST
    assert inspect(store.engine).has_table("pushed")
