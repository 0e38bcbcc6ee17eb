"""Merges: the first known counts in whatever order they arrive, chains are followed, rings are refused, alone and in a crowd."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, insert

from features.store import EventStore
from features.storing import schema
from features.storing.links import Link, links_from, links_into
from features.storing.rows import Merged, Message, StoredLead, digest_of
from tests import store_fixture

store_url = store_fixture.made_store_url


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url, wait_ms=10_000)
    store.migrate()
    yield store
    store.close()


def track(lead_id: str, at: int) -> Message:
    return Message(f"{lead_id} at {at}", "track", lead_id, "Login", at, at, digest_of(lead_id, at))


def alias(from_id: str, to_id: str, at: int, known_at: int | None = None) -> Message:
    message_id = f"{from_id} is {to_id} at {at}"
    received_at = at if known_at is None else known_at
    return Message(message_id, "alias", to_id, "", at, received_at, digest_of(message_id), merged_from=from_id)


def tree(lead: StoredLead | None) -> tuple[str, list[tuple[object, int]]]:
    """Return a lead with its sources, and when each became known."""
    assert lead is not None
    return lead.lead_id, [(tree(source), merged.known_at) for source, merged in lead.sources]


def test_a_lead_comes_with_whoever_turned_out_to_be_it(store: EventStore) -> None:
    store.add([track("anon", 1), track("phone", 2), track("user", 5), track("other", 6)])
    store.add([alias("anon", "phone", 3), alias("phone", "user", 7, known_at=9)])
    found = store.leads(["user", "anon", "other"])
    assert tree(found["user"]) == ("user", [(("phone", [(("anon", []), 3)]), 9)])
    (phone, merged) = found["user"].sources[0]
    assert (merged, phone.merged, [event.at for event in phone.events]) == (Merged(7, 9), Merged(7, 9), [2])
    assert (found["anon"].merged, found["anon"].sources, found["user"].merged) == (Merged(3, 3), [], None)
    assert (found["other"].sources, found["other"].merged) == ([], None)


def test_an_id_of_which_nothing_is_known_is_a_step_between_two_others(store: EventStore) -> None:
    store.add([track("a", 1), alias("b", "c", 2), alias("a", "b", 3)])
    assert tree(store.lead("c")) == ("c", [(("b", [(("a", []), 3)]), 2)])
    store.add([track("x", 1), alias("nobody", "y", 2), alias("x", "nobody", 3)])
    assert tree(store.lead("y")) == ("y", [(("nobody", [(("x", []), 3)]), 2)])
    assert store.lead("never heard of") is None


def test_the_first_known_merge_of_an_id_counts_in_any_order(store: EventStore) -> None:
    calls = [alias("a", "late", 20), alias("a", "early", 10), alias("a", "at once", 10, known_at=20), alias("a", "early", 30)]
    for order in itertools.permutations(calls):
        with store.writing() as connection:
            for table in (schema.event, schema.identity_link, schema.lead):
                connection.execute(delete(table))
        assert [store.add([call]) for call in order] == [["accepted"]] * 4
        with store.reading() as connection:
            assert links_from(connection, ["a"]) == {"a": Link(10, "early", 10)}
            assert links_into(connection, ["late", "at once"]) == {"a": Link(10, "early", 10)}
        found = store.leads(["early", "late"])
        assert (len(found["early"].sources), found["late"].sources) == (1, [])


def test_who_is_merged_is_no_lead_from_then_on(store: EventStore) -> None:
    store.add([track("a", 1), track("b", 1), alias("a", "b", 10)])
    assert (store.lead_ids(9), store.lead_ids(10), store.lead_ids()) == (["a", "b"], ["b"], ["b"])


def test_leads_of_one_account_stand_side_by_side(store: EventStore) -> None:
    store.add_leads([(one, 1) for one in "abcde"], [], [("a", "z", 1, 1), ("d", "z", 1, 1), ("c", "y", 1, 1), ("c", "z", 2, 2)])
    assert store.lead_ids(by_account=True) == ["b", "e", "c", "a", "d"]


def test_a_merge_into_oneself_says_nothing(store: EventStore) -> None:
    assert store.add([alias("a", "a", 1)]) == ["accepted"]
    assert store.add_links([("a", "a", 1, 1)]) == 0
    assert (store.counts()["identity_link"], store.lead_ids()) == (0, ["a"])


def test_what_closes_a_ring_is_refused_and_nothing_else_is_lost(store: EventStore) -> None:
    batch = [track("a", 1), alias("a", "b", 2), alias("b", "c", 3), alias("c", "a", 4), track("c", 5)]
    assert store.add(batch) == ["accepted", "accepted", "accepted", "merge_cycle", "accepted"]
    assert store.add(batch) == ["duplicate", "duplicate", "duplicate", "merge_cycle", "duplicate"]
    assert store.add([alias("c", "b", 5), alias("b", "a", 1)]) == ["merge_cycle", "merge_cycle"]
    assert tree(store.lead("c")) == ("c", [(("b", [(("a", []), 2)]), 3)])
    assert (store.counts()["identity_link"], store.counts()["event"]) == (2, 4)


def test_a_merge_that_does_not_count_closes_no_ring(store: EventStore) -> None:
    store.add([alias("a", "b", 1), alias("a", "c", 2)])
    assert store.add([alias("c", "a", 3)]) == ["accepted"]
    assert tree(store.lead("b")) == ("b", [(("a", [(("c", []), 3)]), 1)])
    # Now a turns out to have been c even before: that would make a ring of the two.
    assert store.add([alias("a", "c", 0)]) == ["merge_cycle"]


def test_a_repeat_under_the_same_id_is_no_merge(store: EventStore) -> None:
    store.add([track("a", 1), alias("a", "b", 2)])
    again = Message("a at 1", "alias", "a", "", 3, 3, "other", merged_from="b")
    assert store.add([again, alias("x", "y", 3)]) == ["conflict", "accepted"]
    twice = Message("1", "alias", "q", "", 3, 3, "d", merged_from="p"), Message("1", "alias", "p", "", 3, 3, "e", merged_from="q")
    assert store.add(twice) == ["accepted", "conflict"]


def test_a_table_of_merges_is_stored_once(store: EventStore) -> None:
    rows = [("a", "b", 1, 2), ("b", "c", 3, 3), ("c", "a", 4, 4), ("a", "b", 1, 1), ("x", "c", 5, 5)]
    assert (store.add_links(rows), store.add_links(rows)) == (3, 0)
    assert tree(store.lead("c")) == ("c", [(("b", [(("a", []), 1)]), 3), (("x", []), 5)])
    assert store.lead_ids(0) == ["a", "b", "c", "x"]


def test_a_ring_of_an_older_store_is_cut_where_it_closed(store: EventStore) -> None:
    ring = [("a", "b", 1), ("b", "c", 2), ("c", "a", 3), ("d", "c", 4)]
    links = [{"from_id": a, "to_id": b, "kind": "alias", "at": at, "known_at": at} for a, b, at in ring]
    with store.writing() as connection:
        connection.execute(insert(schema.identity_link), links)
        connection.execute(insert(schema.lead), [{"lead_id": a, "known_at": 0} for a, _, _ in ring])
    found = store.leads(["a", "c", "d"])
    assert tree(found["c"]) == ("c", [(("b", [(("a", []), 1)]), 2), (("d", []), 4)])
    assert (found["c"].merged, found["a"].sources, found["d"].merged) == (None, [], Merged(4, 4))


@pytest.mark.parametrize("seed", range(5))
def test_merges_at_random_never_make_a_ring_and_forget_nobody(store: EventStore, seed: int) -> None:
    draw = random.Random(seed)
    names = [f"id {i}" for i in range(12)]
    store.add([track(name, 1) for name in names])
    for _ in range(8):
        store.add([alias(draw.choice(names), draw.choice(names), draw.randrange(2, 50)) for _ in range(6)])
    found = store.leads(names)
    ends = [name for name in names if found[name].merged is None]

    def everybody(lead: StoredLead) -> list[str]:
        return [lead.lead_id, *(one for source, _ in lead.sources for one in everybody(source))]

    assert sorted(one for end in ends for one in everybody(found[end])) == sorted(names)


def test_two_halves_of_a_ring_at_the_same_time(store: EventStore) -> None:
    told: list[str] = []
    barrier = threading.Barrier(2)

    def send(from_id: str, to_id: str, turn: int) -> None:
        barrier.wait()
        told.extend(store.add([track(from_id, turn), alias(f"{from_id} {turn}", f"{to_id} {turn}", turn)]))

    for turn in range(10):
        threads = [threading.Thread(target=send, args=(*pair, turn)) for pair in (("a", "b"), ("b", "a"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (told.count("merge_cycle"), told.count("accepted")) == (10, 30)
