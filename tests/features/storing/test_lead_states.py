"""States of leads: a change is written once with its messages, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from features.store import EventStore
from features.storing.lead_states import LeadState, Message, Move, Transition
from features.storing.schema import lead, tables
from features.storing.watch_tables import WATCH_TABLES, add_watch, outbox, transition
from tests import store_fixture

store_url = store_fixture.made_store_url

NEW = LeadState("a", "lead", None, "1", 10)


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    store.add_leads([("a", 1), ("b", 1)], [], [])
    yield store
    store.close()


def change(name: str, lead_id: str = "a") -> Transition:
    return Transition(name, lead_id, 20, "lead", "pql", None, "A", 0.25, "1", "digest", '{"rule":{}}')


def message(name: str, of: Transition) -> Message:
    return Message(name, of.transition_id, "crm", "lead.stage_changed", of.lead_id, "{}", 20)


def test_a_state_is_written_over_the_one_that_was_seen(store: EventStore) -> None:
    assert store.states.of(["a", "b"]) == {}
    store.states.write([Move(NEW)])
    first = store.states.of(["a", "b"])["a"]
    assert first == replace(NEW, revision=1)
    made = store.states.write([Move(replace(first, stage="pql", grade="A", at=20), change("t1"))])
    assert made == [change("t1")]
    assert store.states.of(["a"])["a"] == LeadState("a", "pql", "A", "1", 20, revision=2)
    assert store.states.write([Move(replace(first, stage="sql"), change("t2"))]) == []
    assert store.states.write([Move(NEW, change("t3"))]) == []
    assert store.states.history("a") == [change("t1")]


def test_the_stage_of_an_instant(store: EventStore) -> None:
    store.states.write([Move(NEW)])
    seen = store.states.of(["a"])["a"]
    store.states.write([Move(replace(seen, stage="pql", at=20), change("t1"))])
    seen = store.states.of(["a"])["a"]
    store.states.write([Move(replace(seen, stage="sql", at=30), replace(change("t2"), at=30, from_stage="pql", to_stage="sql"))])
    known = {at: store.states.stages_at(["a", "b", "nobody"], at) for at in (5, 19, 20, 29, 30, 99)}
    assert known == {5: {}, 19: {}, 20: {"a": "pql"}, 29: {"a": "pql"}, 30: {"a": "sql"}, 99: {"a": "sql"}}


def test_the_messages_stand_or_fall_with_the_change(store: EventStore) -> None:
    store.states.write([Move(NEW, change("t1"), [message("msg_1", change("t1"))])])
    seen = store.states.of(["a"])["a"]
    with pytest.raises(IntegrityError):
        store.states.write([Move(seen, change("t2"), [message("msg_1", change("t2"))])])
    assert store.states.of(["a"])["a"] == seen
    assert store.counts()["transition"] == store.counts()["outbox"] == 1


def test_many_that_found_the_same_change_write_it_once(store: EventStore) -> None:
    store.states.write([Move(NEW), Move(replace(NEW, lead_id="b"))])
    seen = store.states.of(["a", "b"])
    stores = [EventStore(store.engine.url.render_as_string(hide_password=False), wait_ms=20_000) for _ in range(4)]
    made: list[Transition] = []

    def write(number: int) -> None:
        found = [change(f"t{number}{one}", one) for one in ("a", "b")]
        moves = [Move(replace(seen[one.lead_id], stage="pql"), one, [message(f"msg_{one.transition_id}", one)]) for one in found]
        made.extend(stores[number].states.write(moves))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in stores:
        one.close()
    assert sorted(one.lead_id for one in made) == ["a", "b"]
    with store.reading() as connection:
        assert len(connection.execute(select(transition)).all()) == len(connection.execute(select(outbox)).all()) == 2


def test_nothing_is_written_of_a_lead_that_was_forgotten(store: EventStore) -> None:
    with store.writing() as connection:
        connection.execute(delete(lead).where(lead.c.lead_id == "a"))
    assert store.states.write([Move(NEW, change("t1"), [message("msg_1", change("t1"))])]) == []
    assert store.counts()["lead_state"] == store.counts()["outbox"] == 0


def test_an_older_store_gets_the_tables(store: EventStore) -> None:
    with store.writing() as connection:
        tables.drop_all(connection, tables=list(WATCH_TABLES))
        add_watch(connection)
        add_watch(connection)
    store.states.write([Move(NEW, change("t1"), [message("msg_1", change("t1"))])])
    assert store.counts()["outbox"] == 1


def test_what_is_due_and_what_is_dropped(store: EventStore) -> None:
    store.states.write([Move(replace(NEW, due_at=50, next_stage="pql", stage_since=40)), Move(replace(NEW, lead_id="b"))])
    assert (store.states.due(49, 9), store.states.due(50, 9), store.states.due(50, 0)) == ([], ["a"], [])
    store.states.drop(["a"])
    assert list(store.states.of(["a", "b"])) == ["b"]
