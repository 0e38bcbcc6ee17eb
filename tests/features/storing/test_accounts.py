"""Members of an account: whom it may have, and when each was last active, by what was known at an instant."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from features.store import EventStore
from features.storing.rows import Message, digest_of
from tests import store_fixture

store_url = store_fixture.made_store_url


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def said(kind: str, lead_id: str, at: int, received_at: int | None = None, **more: str) -> Message:
    digest = digest_of(kind, lead_id, at, received_at, more)
    return Message(digest, kind, lead_id, "x", at, at if received_at is None else received_at, digest, **more)


def active(store: EventStore, account: str, *, known_by: int, at_most: int) -> dict[str, int]:
    return store.active_members([account], known_by=known_by, at_most=at_most)[account]


def test_members_and_their_newest_events(store: EventStore) -> None:
    store.add([said("group", one, at, account_id="acme") for one, at in (("a", 1), ("b", 2), ("late", 9), ("quiet", 1))])
    store.add([said("group", "stranger", 1, account_id="other"), said("track", "stranger", 2)])
    store.add([said("track", "a", 3), said("page", "a", 4), said("identify", "a", 5), said("track", "a", 6, received_at=8)])
    store.add([said("track", "b", 5), said("screen", "b", 5), said("track", "late", 3)])
    assert active(store, "acme", known_by=7, at_most=7) == {"a": 4, "b": 5}
    assert active(store, "acme", known_by=8, at_most=8) == {"a": 6, "b": 5}
    assert active(store, "acme", known_by=8, at_most=3) == {"a": 3}
    assert active(store, "acme", known_by=9, at_most=9) == {"a": 6, "b": 5, "late": 3}
    assert active(store, "acme", known_by=1, at_most=1) == {}
    assert active(store, "nobody's", known_by=9, at_most=9) == {}


def test_what_an_id_did_counts_for_the_lead_that_it_turned_out_to_be(store: EventStore) -> None:
    store.add(
        [said("group", "a", 1, account_id="acme"), said("track", "a", 2), said("track", "anon", 4), said("track", "phone", 3)]
    )
    store.add([said("alias", "a", 5, received_at=6, merged_from="anon"), said("alias", "anon", 7, merged_from="phone")])
    assert active(store, "acme", known_by=5, at_most=5) == {"a": 2}
    assert active(store, "acme", known_by=6, at_most=6) == {"a": 4}
    # By the day a merge counts once its day is over, as an event does.
    assert active(store, "acme", known_by=6, at_most=4) == {"a": 2}


def test_a_member_that_turned_out_to_be_somebody_stands_there_as_that_lead(store: EventStore) -> None:
    store.add([said("group", "anon", 1, account_id="acme"), said("track", "anon", 2), said("track", "user", 3)])
    store.add([said("alias", "user", 5, merged_from="anon")])
    assert active(store, "acme", known_by=4, at_most=4) == {"anon": 2}
    assert active(store, "acme", known_by=5, at_most=5) == {"user": 3}


@pytest.mark.parametrize("seed", range(8))
def test_any_history_gives_what_going_through_all_of_it_gives(store: EventStore, seed: int) -> None:
    draw = random.Random(seed)
    names = [f"lead {i}" for i in range(30)]
    events = [(draw.choice(names), draw.randrange(50), draw.randrange(60)) for _ in range(150)]
    joins = [(draw.choice(names), draw.choice(("acme", "other")), draw.randrange(50)) for _ in range(25)]
    # From a later name to an earlier one, so that there is no ring, and each from only once.
    merges = {a: (names[draw.randrange(names.index(a))], draw.randrange(50)) for a in draw.sample(names[1:], 12)}
    store.add([said("track", one, at, max(at, received)) for one, at, received in dict.fromkeys(events)])
    store.add([said("group", one, at, account_id=account) for one, account, at in dict.fromkeys(joins)])
    store.add([said("alias", to, at, merged_from=one) for one, (to, at) in merges.items()])
    for now in (10, 25, 49, 70):
        for at_most in (now, now - 7):

            def end(one: str, until: int = at_most) -> str:
                while one in merges and merges[one][1] <= until:
                    one = merges[one][0]
                return one

            wanted: dict[str, dict[str, int]] = {"acme": {}, "other": {}, "nobody's": {}}
            for account, found in wanted.items():
                members = {end(one) for one, joined, at in joins if joined == account and at <= now}
                for one, at, received in events:
                    if end(one) in members and at <= at_most and max(at, received) <= now:
                        found[end(one)] = max(at, found.get(end(one), 0))
                assert active(store, account, known_by=now, at_most=at_most) == found
            assert store.active_members(list(wanted), known_by=now, at_most=at_most) == wanted
            assert store.active_members([], known_by=now, at_most=at_most) == {}
