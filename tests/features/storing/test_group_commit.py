"""Group commit: whoever stores at the same time is answered as if each had come alone, and one's failure is not the others'."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from features.store import EventStore
from features.storing import group_commit, schema, writes
from features.storing.engine import StoreUnavailable
from features.storing.group_commit import GroupCommit
from features.storing.rows import Message, Refused, Told, digest_of
from tests import store_fixture

store_url = store_fixture.made_store_url

TABLES = (schema.event, schema.lead, schema.attribute, schema.membership, schema.identity_link, schema.quarantine)


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def message(message_id: str, name: str = "login", **more: Any) -> Message:
    lead_id = more.pop("lead_id", "a")
    return Message(
        message_id, more.pop("kind", "track"), lead_id, name, 10, 20, digest_of(lead_id, name, repr(sorted(more.items()))), **more
    )


class Held:
    """A store's transactions, the first of which does not begin before it is let go; counts how many there were."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.gate = threading.Event()
        self.count = 0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self.count += 1
        assert self.gate.wait(30)
        with self.store.writing() as connection:
            yield connection


def all_at_once(group: GroupCommit[Message], held: Held, batches: Sequence[Sequence[Message]]) -> list[Any]:
    """Add each batch in a thread of its own, in this order: the first begins, and the others find it busy."""
    answers: list[Any] = [None] * len(batches)

    def add(place: int) -> None:
        try:
            answers[place] = group.add(batches[place], [Refused("/v1/batch", None, "code", f"{place}", 1)])
        except Exception as trouble:
            answers[place] = trouble

    threads = [threading.Thread(target=add, args=(place,)) for place in range(len(batches))]
    for place, thread in enumerate(threads):
        thread.start()
        wait_for(lambda place=place: held.count == 1 and len(group._waiting) == place)
    held.gate.set()
    for thread in threads:
        thread.join(30)
    return answers


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


def content(store: EventStore) -> dict[str, list[tuple[Any, ...]]]:
    with store.reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(select(*(c for c in table.c if c.name != "seq")))), key=repr
            )
            for table in TABLES
        }


def draw_batches(draw: random.Random, prefix: str) -> list[list[Message]]:
    """Draw what eight threads send: repeats, contradictions, traits, accounts, and merges some of which close a ring."""

    def one() -> Message:
        message_id, lead = f"{prefix}{draw.randrange(25)}", f"{prefix}lead {draw.randrange(4)}"
        kind = draw.randrange(4)
        if kind == 0:
            other = f"{prefix}lead {draw.randrange(4)}"
            return message(message_id, "", lead_id=lead, kind="alias", merged_from=other)
        if kind == 1:
            return message(message_id, "", lead_id=lead, kind="identify", traits={"plan": draw.choice(["a", "b"])})
        return message(message_id, draw.choice(["login", "export"]), lead_id=lead, account_id=draw.choice([None, "acme"]))

    return [[one() for _ in range(draw.randrange(1, 8))] for _ in range(8)]


def test_any_group_is_answered_and_stored_as_one_by_one(store: EventStore, tmp_path: Path) -> None:
    alone = EventStore(f"sqlite:///{tmp_path / 'alone.db'}")
    alone.migrate()
    kinds: set[Told] = set()
    for seed in range(12):
        batches = draw_batches(random.Random(seed), f"{seed} ")
        held = Held(store)
        group = GroupCommit(held.writing, writes.write_messages, wait=30)
        told = all_at_once(group, held, batches)
        assert told == [
            alone.add(batch, [Refused("/v1/batch", None, "code", f"{place}", 1)]) for place, batch in enumerate(batches)
        ]
        assert held.count == 2  # the first, and all who came while it was being written
        kinds |= {one for batch in told for one in batch}
    assert content(store) == content(alone)
    assert kinds == {"accepted", "duplicate", "conflict", "merge_cycle"}
    alone.close()


def test_one_batch_of_eight_threads_is_accepted_once_in_all(store: EventStore) -> None:
    batch = [message(str(i)) for i in range(100)]
    held = Held(store)
    told = all_at_once(GroupCommit(held.writing, writes.write_messages, wait=30), held, [batch] * 8)
    assert sum(one.count("accepted") for one in told) == 100
    assert sum(one.count("duplicate") for one in told) == 700


def test_who_fails_fails_alone(store: EventStore) -> None:
    def write(connection: Connection, messages: Sequence[Message]) -> list[Told]:
        told = writes.write_messages(connection, messages)
        if any(one.name == "poison" for one in messages):
            raise ValueError("this one")
        return told

    held = Held(store)
    batches = [[message("1")], [message("2")], [message("3", "poison")], [message("4"), message("2")]]
    told = all_at_once(GroupCommit(held.writing, write, wait=30), held, batches)
    assert [told[0], told[1], told[3]] == [["accepted"], ["accepted"], ["accepted", "duplicate"]]
    assert isinstance(told[2], ValueError)
    assert [row[0] for row in content(store)["event"]] == ["1", "2", "4"]
    assert sorted(row[4] for row in content(store)["quarantine"]) == ["0", "1", "3"]


def test_a_store_that_is_gone_is_gone_for_all_of_them(tmp_path: Path) -> None:
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}", wait_ms=50)
    store.migrate()
    held = Held(store)
    group = GroupCommit(held.writing, writes.write_messages, wait=30)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    told = all_at_once(group, held, [[message(str(i))] for i in range(5)])
    assert [type(one) for one in told] == [StoreUnavailable] * 5
    assert len({id(one) for one in told}) == 5
    assert held.count == 1  # who waited behind it waited for the same database
    other.execute("ROLLBACK")
    other.close()
    assert group.add([message("0")], []) == ["accepted"]
    store.close()


def test_who_waits_too_long_for_a_turn_is_not_stored_later(store: EventStore) -> None:
    held = Held(store)
    group = GroupCommit(held.writing, writes.write_messages, wait=0.05)
    first = threading.Thread(target=lambda: group.add([message("1")], []))
    first.start()
    wait_for(lambda: held.count == 1)
    with pytest.raises(StoreUnavailable, match="LockTimeout"):
        group.add([message("2")], [])
    held.gate.set()
    first.join(30)
    assert [row[0] for row in content(store)["event"]] == ["1"]


def test_a_group_is_bounded(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "MOST_ITEMS", 4)
    held = Held(store)
    sizes: list[int] = []

    def write(connection: Connection, messages: Sequence[Message]) -> list[Told]:
        sizes.append(len(messages))
        return writes.write_messages(connection, messages)

    batches = [[message(f"{place}-{i}") for i in range(size)] for place, size in enumerate((1, 9, 2, 2, 1))]
    told = all_at_once(GroupCommit(held.writing, write, wait=30), held, batches)
    assert [len(one) for one in told] == [1, 9, 2, 2, 1]
    assert sizes == [1, 9, 4, 1]


def test_a_writer_that_is_stopped_leaves_nobody_waiting(store: EventStore) -> None:
    held = Held(store)

    def write(_connection: Connection, _messages: Sequence[Message]) -> list[Told]:
        raise KeyboardInterrupt

    group = GroupCommit(held.writing, write, wait=30)
    held.gate.set()
    with pytest.raises(KeyboardInterrupt):
        group.add([message("1")], [])
    assert GroupCommit(held.writing, writes.write_messages, wait=1).add([message("1")], []) == ["accepted"]
    assert not group._is_writing
