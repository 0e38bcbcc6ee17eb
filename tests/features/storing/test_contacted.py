"""What sales did, as far as it decides what to do next; and the proposals of the hold-out, each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from features.store import EventStore
from features.storing.contacted import Offer
from features.storing.lead_states import Message as Notice
from features.storing.rows import Contact
from features.storing.watch_tables import outbox
from tests import store_fixture

store_url = store_fixture.made_store_url

OFFER = Offer("a", "demo", "acme", 5, False, 0.9, "pql", 0.4, 0.1, "3")


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    store.need_same_secret(b"s")
    yield store
    store.close()


def test_contacts_of_a_lead_are_read_newest_first_as_they_were_known(store: EventStore) -> None:
    told = [Contact("1", "a", 10, 10, "demo"), Contact("2", "a-before", 20, 25, None), Contact("3", "b", 30, 30, "call")]
    assert store.add_contacts(told) == ["accepted"] * 3
    assert store.contacted.of(["a", "a-before"], 99) == [(20, None), (10, "demo")]
    assert store.contacted.of(["a", "a-before"], 24) == [(10, "demo")]
    assert store.contacted.of(["nobody"], 99) == []


def test_a_week_counts_all_contacts_but_those_that_reach_everybody(store: EventStore) -> None:
    told = [Contact(str(i), f"l{i}", 10 * i, 10 * i, play) for i, play in enumerate(("demo", None, "webinar", "call", "call"), 1)]
    store.add_contacts(told)
    assert store.contacted.count(10, 40) == 3
    assert store.contacted.count(0, 50, without=["webinar"]) == 4


def test_a_proposal_is_written_once(store: EventStore) -> None:
    store.contacted.note([])
    store.contacted.note([OFFER, replace(OFFER, play="call", held_out=True)])
    store.contacted.note([replace(OFFER, at=9), replace(OFFER, at=9, propensity=0.5)])
    assert [(one.play, one.at, one.held_out, one.propensity) for one in store.contacted.offers("a")] == [
        ("call", 5, True, 0.9), ("demo", 5, False, 0.9), ("demo", 9, False, 0.5),
    ]  # fmt: skip


def test_nothing_is_proposed_for_a_lead_that_was_forgotten(store: EventStore) -> None:
    store.contacted.note([OFFER])
    store.privacy.forget("a", 6)
    store.contacted.note([replace(OFFER, play="call")])
    assert store.contacted.offers("a") == []


def test_who_is_told_of_a_contact_stands_or_falls_with_it(store: EventStore) -> None:
    def notice(name: str) -> Notice:
        return Notice(name, f"contact-{name}", "crm", "lead.handed_over", "a", "{}", 20)

    contact = Contact("1", "a", 10, 10, notes={"owner": "kim"})
    assert store.add_contacts([contact], notices={0: [notice("m1")]}) == ["accepted"]
    assert store.add_contacts([contact, Contact("2", "a", 11, 11)], notices={0: [notice("m2")]}) == ["duplicate", "accepted"]
    with store.reading() as connection:
        assert [row.message_id for row in connection.execute(outbox.select())] == ["m1"]
