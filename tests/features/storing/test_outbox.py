"""The outbox: a message is claimed by one, tried again after a crash, and never lost to who held it too long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from features.store import EventStore
from features.storing.lead_states import LeadState, Message, Move, Transition
from features.storing.outbox import Claimed, Result
from tests import store_fixture

store_url = store_fixture.made_store_url


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    store.outbox.know({"crm": "a1", "chat": "b1"})
    yield store
    store.close()


def put(store: EventStore, number: int, *, endpoint: str = "crm", at: int = 100) -> str:
    """Store a change with one message."""
    lead_id, change_id = f"lead{number}", f"t{number}-{endpoint}"
    store.add_leads([(lead_id, 1)], [], [])
    change = Transition(change_id, lead_id, at, "lead", "pql", None, "A", 0.5, "1", "d", "{}")
    message = Message(f"msg_{number}_{endpoint}", change_id, endpoint, "lead.stage_changed", lead_id, f"body {number}", at)
    known = store.states.of([lead_id]).get(lead_id) or LeadState(lead_id, "lead", None, "1", at)
    assert store.states.write([Move(known, change, [message])]) == [change]
    return message.message_id


def claim(store: EventStore, now: int, until: int, name: str = "crm") -> Claimed:
    found = store.outbox.claim(name, now, until)
    assert found is not None
    return found


def test_a_claimed_message_is_nobody_elses_until_the_claim_is_over(store: EventStore) -> None:
    first, second = put(store, 1), put(store, 2)
    assert store.outbox.claim("crm", 99, 200) is None
    one, two = claim(store, 100, 200), claim(store, 100, 200)
    assert [(one.message_id, one.body, one.attempts), (two.message_id, two.body)] == [(first, "body 1", 1), (second, "body 2")]
    assert store.outbox.claim("crm", 199, 300) is None
    again = claim(store, 200, 300)
    assert (again.message_id, again.attempts) == (first, 2)
    assert store.outbox.claim("chat", 200, 300) is None


def test_two_that_want_the_same_message_get_it_once(store: EventStore) -> None:
    put(store, 1)
    other = EventStore(store.engine.url.render_as_string(hide_password=False))
    try:
        assert [one is not None for one in (other.outbox.claim("crm", 100, 200), store.outbox.claim("crm", 100, 200))] == [
            True, False,
        ]  # fmt: skip
    finally:
        other.close()


def test_delivered_failed_and_given_up(store: EventStore) -> None:
    for number in (1, 2, 3):
        put(store, number)
    store.outbox.record(claim(store, 100, 200), Result(110, "204", delivered=True))
    store.outbox.record(claim(store, 100, 200), Result(120, "500", next_at=500))
    store.outbox.record(claim(store, 100, 200), Result(130, "timeout"))
    _, crm = store.outbox.states()
    assert (crm.name, crm.waiting, crm.oldest, crm.delivered, crm.failed) == ("crm", 1, 100, 1, 1)
    assert (crm.failing_since, crm.last_success_at, crm.last_answer) == (120, 110, "timeout")
    assert store.outbox.waiting(["crm", "chat"]) == {"crm": (1, 100)}
    assert store.outbox.claim("crm", 499, 600) is None
    store.outbox.record(claim(store, 500, 600), Result(510, "200", delivered=True))
    assert store.outbox.states()[1].failing_since is None


def test_who_held_a_claim_too_long_changes_nothing(store: EventStore) -> None:
    put(store, 1)
    late = claim(store, 100, 200)
    newer = claim(store, 200, 300)
    store.outbox.record(late, Result(210, "timeout"))
    assert store.outbox.states()[1].failed == 0
    store.outbox.record(newer, Result(220, "200", delivered=True))
    store.outbox.record(late, Result(230, "timeout", next_at=240))
    assert store.outbox.claim("crm", 1000, 1100) is None


def test_who_asks_for_less_is_left_alone(store: EventStore) -> None:
    put(store, 1), put(store, 2)
    store.outbox.record(claim(store, 100, 200), Result(110, "429", next_at=120, pause_until=400))
    assert store.outbox.claim("crm", 399, 500) is None
    claim(store, 400, 500)


def test_who_wants_no_more_gets_nothing_more_until_it_answers_well_again(store: EventStore) -> None:
    put(store, 1), put(store, 2), put(store, 3, endpoint="chat")
    store.outbox.record(claim(store, 100, 200), Result(110, "410", gone=True))
    assert store.outbox.enabled(["crm", "chat"]) == {"chat"}
    _, crm = store.outbox.states()
    assert (crm.disabled_at, crm.waiting, crm.failed) == (110, 0, 2)
    assert store.outbox.replay(300, since=0, name="crm", every=False) == 2
    assert store.outbox.claim("crm", 300, 400) is None
    store.outbox.note("crm", Result(310, "200", delivered=True))
    claim(store, 300, 400)
    assert store.outbox.enabled(["crm", "chat"]) == {"chat", "crm"}


def test_a_new_address_is_not_held_to_account_for_the_old_one(store: EventStore) -> None:
    store.outbox.note("crm", Result(110, "410", gone=True))
    store.outbox.know({"crm": "a1"})
    assert store.outbox.enabled(["crm"]) == set()
    store.outbox.know({"crm": "a2"})
    assert store.outbox.enabled(["crm"]) == {"crm"}


def test_replay_keeps_the_id_and_begins_the_attempts_anew(store: EventStore) -> None:
    first, second = put(store, 1, at=100), put(store, 2, at=200)
    store.outbox.record(claim(store, 300, 400), Result(310, "204", delivered=True))
    store.outbox.record(claim(store, 300, 400), Result(320, "500"))
    assert store.outbox.replay(500, since=201, every=True) == 0
    assert store.outbox.replay(500, since=100, name="chat", every=True) == 0
    assert store.outbox.replay(500, since=100, every=False) == 1
    again = claim(store, 500, 600)
    assert (again.message_id, again.attempts) == (second, 1)
    assert store.outbox.replay(500, message_id=first, every=False) == 1
    assert claim(store, 500, 600).message_id == first
    assert store.outbox.replay(500, message_id="msg_none", every=False) == 0


def test_what_is_long_done_is_let_go(store: EventStore) -> None:
    for number in (1, 2, 3):
        put(store, number)
    store.outbox.record(claim(store, 100, 200), Result(110, "204", delivered=True))
    store.outbox.record(claim(store, 100, 200), Result(120, "500"))
    assert (store.outbox.prune(110), store.outbox.prune(120), store.outbox.prune(121)) == (0, 1, 1)
    assert store.counts()["outbox"] == 1
