"""Latest scores: one for each live lead and model, gone with the lead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, insert, inspect

from features.store import EventStore
from features.storing.latest_score_table import add_latest_scores, latest_score
from features.storing.schema import NEWEST, STEPS, schema_version
from tests import store_fixture

store_url = store_fixture.store_url


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    store.need_same_secret(b"s")
    store.add_leads([("a", 1), ("b", 1), ("c", 1)], [], [])
    yield store
    store.close()


def test_the_latest_counts_and_each_model_has_a_scale_of_its_own(store: EventStore) -> None:
    store.latest.write("one", 1, {"a": 0.1, "b": 0.2, "c": 0.3})
    store.latest.write("one", 2, {"a": 0.4})
    assert sorted(store.latest.of_model("one")) == [0.2, 0.3, 0.4]
    store.latest.write("two", 3, {"a": 0.5})
    assert (sorted(store.latest.of_model("one")), store.latest.of_model("two")) == ([0.2, 0.3], [0.5])


def test_who_is_not_live_has_no_place(store: EventStore) -> None:
    store.latest.write("one", 1, {"a": 0.1, "b": 0.2})
    store.latest.write("one", 2, {"a": None, "c": 0.3, "never seen": None})
    assert sorted(store.latest.of_model("one")) == [0.2, 0.3]
    store.latest.write("one", 3, {})
    assert len(store.latest.of_model("one")) == 2
    store.latest.write("one", 4, {"b": None, "c": None})
    assert store.latest.of_model("one") == []


def test_who_was_forgotten_has_none_and_gets_none(store: EventStore) -> None:
    store.latest.write("one", 1, {"a": 0.1, "b": 0.2})
    assert store.privacy.forget("a", 9).removed.rows["latest_score"] == 1
    store.latest.write("one", 10, {"a": 0.1, "b": 0.3})
    assert store.latest.of_model("one") == [0.3]


def test_an_older_store_gets_the_table(store: EventStore) -> None:
    with store.writing() as connection:
        latest_score.drop(connection)
        connection.execute(delete(schema_version))
        connection.execute(insert(schema_version).values(version=1 + STEPS.index(add_latest_scores), applied_at=1))
    assert store.migrate() == NEWEST
    assert inspect(store.engine).has_table("latest_score")
