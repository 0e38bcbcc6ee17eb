"""What is new: found whoever stored it, however late its transaction commits, and looked at by one process at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, insert

from features.store import EventStore
from features.storing import news as news_module
from features.storing.news import News, Watched
from features.storing.rows import Fact, Message, Outcome
from features.storing.schema import event
from tests import store_fixture

store_url = store_fixture.made_store_url


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def another(store: EventStore) -> EventStore:
    return EventStore(store.engine.url.render_as_string(hide_password=False))


def track(store: EventStore, lead_id: str, number: int, **more: str) -> None:
    store.add([Message(f"{lead_id}-{number}", "track", lead_id, "login", 5, 5, "d", **more)])  # type: ignore[arg-type]


def begin(store: EventStore, holder: str = "me", now: int = 1000) -> Watched:
    watched = store.news.hold(holder, now, 100)
    assert watched is not None
    return watched


def test_what_was_there_before_is_not_new_and_all_that_comes_is(store: EventStore) -> None:
    track(store, "old", 1)
    watched = begin(store)
    assert watched.began_at == 1000
    ids, watched, more = store.news.fetch(watched)
    assert (ids, more) == ([], False)
    other = another(store)
    try:
        track(other, "a", 1)
        other.add_leads([("b", 1), ("c", 1)], [Fact("b", "file", "country", "DE", 5, 5)], [("c", "acme", 5, 5)])
        other.add_outcomes([Outcome("o", "d", 5, 5)])
    finally:
        other.close()
    ids, watched, _ = store.news.fetch(watched)
    assert sorted(ids) == ["a", "b", "c", "d"]
    assert store.news.fetch(watched)[0] == []


def test_of_merged_ids_the_lead_in_the_end_is_named_too(store: EventStore) -> None:
    store.add_links([("anon", "a", 5, 5), ("a", "b", 6, 6)])
    watched = begin(store)
    track(store, "anon", 1)
    assert sorted(store.news.fetch(watched)[0]) == ["anon", "b"]
    store.add_links([("x", "y", 7, 7)])
    assert sorted(store.news.fetch(watched)[0]) == ["x", "y"]


def test_much_comes_in_parts(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news_module, "ROWS", 3)
    watched = begin(store)
    for number in range(7):
        track(store, f"lead{number}", 1)
    found: list[str] = []
    more = True
    while more:
        ids, watched, more = store.news.fetch(watched)
        found += ids
    assert found == [f"lead{number}" for number in range(7)]


def test_one_watches_at_a_time_and_goes_on_where_the_other_was(store: EventStore) -> None:
    mine = begin(store)
    other = another(store)
    try:
        assert other.news.hold("other", 1099, 100) is None
        assert store.news.keep("me", mine, 1200)
        assert other.news.hold("other", 1199, 100) is None
        track(store, "a", 1)
        track(store, "b", 1)
        theirs = other.news.hold("other", 1200, 100)
        assert theirs is not None
        assert theirs == mine
        assert not store.news.keep("me", mine, 1300)
        ids, theirs, _ = other.news.fetch(theirs)
        assert ids == ["a", "b"]
        other.news.give_up("other")
        assert begin(store, now=1201).began_at == 1000
    finally:
        other.close()


def test_how_far_the_pass_is_comes_back(store: EventStore) -> None:
    track(store, "lead 7", 1)  # of one that is not there any more the place before it is kept
    watched = begin(store)
    further = Watched(watched.began_at, {"event": 7}, "lead 7", 55, "digest")
    store.news.keep("me", further, 1000)
    assert begin(store) == further


def test_numbers_that_are_used_again_are_not_skipped(store: EventStore) -> None:
    watched = begin(store)
    for number in (1, 2, 3):
        track(store, f"lead{number}", 1)
    _, watched, _ = store.news.fetch(watched)
    with store.writing() as connection:
        connection.execute(delete(event))
    assert store.news.fetch(watched)[0] == []
    track(store, "a", 2)
    assert store.news.fetch(watched)[0] == ["a"]


@pytest.mark.postgres
@pytest.mark.skipif(not os.environ.get("TRIALWISE_TEST_POSTGRES"), reason="TRIALWISE_TEST_POSTGRES names no server")
def test_a_transaction_that_commits_late_is_still_found() -> None:
    with store_fixture.scratch_database() as url:
        store = EventStore(url)
        store.migrate()
        watched = begin(store)
        late = store.engine.connect()
        row = {
            "message_id": "late", "lead_id": "late", "kind": "track", "name": "login", "at": 5, "received_at": 5, "count": 1,
            "properties": "{}", "digest": "d", "origin": "live",
        }  # fmt: skip
        late.execute(insert(event).values(row))
        seen: list[str] = []
        for number in range(5):
            track(store, f"lead{number}", 1)
            ids, watched, _ = store.news.fetch(watched)
            seen += ids
        assert watched.read_to["event"] < 1
        restarted = News(store.reading, store.writing)
        assert sorted(restarted.fetch(watched)[0]) == [f"lead{number}" for number in range(5)]
        late.commit()
        late.close()
        for number in range(5, 9):
            track(store, f"lead{number}", 1)
            ids, watched, _ = store.news.fetch(watched)
            seen += ids
        assert sorted(seen) == ["late", *(f"lead{number}" for number in range(9))]
        assert watched.read_to["event"] > 5
        store.close()


def test_the_pass_goes_over_all_leads_but_those_that_became_another(store: EventStore) -> None:
    store.add_leads([(one, 1) for one in "edcba"], [], [])
    store.add_links([("b", "c", 5, 5)])
    assert store.news.next_leads(None, 3) == store.news.next_leads("", 3) == ["a", "c", "d"]
    assert store.news.next_leads("d", 3) == ["e"]
