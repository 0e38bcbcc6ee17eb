"""The store: each id once for ever, in any order, and durable on every connection (check 4)."""

from __future__ import annotations

import random
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from features.errors import InputError
from features.store import EventStore
from features.storing import schema as store_schema
from features.storing.engine import StoreUnavailable, parse_url
from features.storing.keys import KeyRow
from features.storing.rows import Answer, Fact, Message, Outcome, Refused, digest_of
from features.storing.schema import NEWEST, schema_version
from features.storing.tombstones import forgotten
from tests import store_fixture

store_url = store_fixture.store_url


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def message(
    message_id: str, lead_id: str = "a", *, at: int = 10, received_at: int = 20, name: str = "Login", **more: object
) -> Message:
    digest = digest_of(lead_id, name, at, more)
    return Message(message_id, "track", lead_id, name, at, received_at, digest, **more)


def test_a_message_counts_once_and_a_repeat_that_differs_is_a_conflict(store: EventStore) -> None:
    assert store.add([message("1"), message("2"), message("1"), message("2", name="Other")]) == [
        "accepted",
        "accepted",
        "duplicate",
        "conflict",
    ]
    assert store.add([message("3"), message("1"), message("2", at=11)]) == ["accepted", "duplicate", "conflict"]
    lead = store.lead("a")
    assert lead is not None
    assert [(event.name, event.at, event.received_at) for event in lead.events] == [("Login", 10, 20)] * 3
    assert store.counts()["event"] == 3


def test_a_repeat_that_arrives_later_keeps_the_first_received_at(store: EventStore) -> None:
    store.add([message("1", received_at=20)])
    assert store.add([message("1", received_at=99)]) == ["duplicate"]
    lead = store.lead("a")
    assert lead is not None
    assert lead.events[0].received_at == 20


def test_one_batch_sent_shuffled_by_eight_threads_is_stored_once(store: EventStore) -> None:
    batch = [message(str(i), f"lead {i % 7}", at=i, account_id=f"account {i % 3}") for i in range(100)]
    accepted: list[int] = []
    troubles: list[BaseException] = []

    def send(seed: int) -> None:
        try:
            own = random.Random(seed)
            for _ in range(3):
                shuffled = own.sample(batch, len(batch))
                cut = own.randrange(1, 99)
                told = store.add(shuffled[:cut]) + store.add(shuffled[cut:])
                accepted.append(told.count("accepted"))
        except BaseException as trouble:
            troubles.append(trouble)

    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not troubles
    assert sum(accepted) == 100
    assert store.counts()["event"] == 100
    assert store.lead_ids() == [f"lead {i}" for i in range(7)]


def test_what_a_message_says_about_a_lead_comes_back_in_the_order_it_was_known(store: EventStore) -> None:
    late = Message("1", "identify", "a", "", 5, 50, "d1", traits={"country": "DE", "size": None}, merged_from="anon")
    early = Message("2", "identify", "a", "", 7, 8, "d2", traits={"country": "FR", "size": 3}, merged_from="anon")
    group = Message("3", "group", "a", "", 9, 9, "d3", account_id="acme")
    assert store.add([late, early, group]) == ["accepted"] * 3
    assert store.add([late]) == ["duplicate"]
    lead = store.lead("a")
    assert lead is not None
    assert lead.events == []
    assert [(f.name, f.value, f.known_at) for f in lead.facts] == [("country", "FR", 8), ("size", 3, 8), ("country", "DE", 50)]
    assert lead.accounts == [("acme", 9)]
    with store.reading() as connection:
        assert connection.execute(text("SELECT from_id, to_id, known_at FROM identity_link")).all() == [("anon", "a", 8)]


def test_an_id_that_was_merged_into_another_is_no_lead_of_its_own(store: EventStore) -> None:
    store.add([message("1", "anon"), Message("2", "alias", "a", "", 5, 6, "d", merged_from="anon")])
    assert store.lead_ids() == ["a"]


def test_outcomes_count_once_and_register_their_lead(store: EventStore) -> None:
    first = Outcome("o1", "payer", 10, 12)
    assert store.add_outcomes([first, Outcome("o1", "payer", 11, 12), Outcome("o2", "payer", 30, 31)]) == [
        "accepted",
        "conflict",
        "accepted",
    ]
    assert store.add_outcomes([first]) == ["duplicate"]
    lead = store.lead("payer")
    assert lead is not None
    assert [outcome.at for outcome in lead.outcomes] == [10, 30]


def test_what_is_refused_is_kept_once(store: EventStore) -> None:
    refused = Refused("/v1/batch", "a", "naive_timestamp", '{"x":1}', 5)
    store.add([], [refused])
    store.add([], [refused, Refused("/v1/batch", None, "missing_event", "{}", 6)])
    assert store.counts()["quarantine"] == 2


def test_loading_in_bulk_twice_adds_nothing(store: EventStore) -> None:
    rows = [message(str(i), f"lead {i % 3}", at=i, properties={"n": i}) for i in range(2500)]
    facts = [Fact(f"lead {i}", "file", "country", "DE", 1, 1) for i in range(3)]
    leads = [(f"lead {i}", 1) for i in range(3)]
    assert (store.add_leads(leads, facts, []), store.add_bulk(rows)) == (3, 2500)
    assert (store.add_leads(leads, facts, []), store.add_bulk(rows)) == (0, 0)
    assert store.add([rows[7]]) == ["duplicate"]
    lead = store.lead("lead 1")
    assert lead is not None
    assert (len(lead.events), len(lead.facts), lead.events[0].properties) == (833, 1, '{"n":1}')


def test_many_leads_come_back_in_one_call_and_unknown_ones_are_left_out(store: EventStore) -> None:
    store.add([message(str(i), f"lead {i}") for i in range(1200)])
    found = store.leads([f"lead {i}" for i in range(0, 2400, 2)])
    assert len(found) == 600
    assert store.lead("nobody") is None


@pytest.mark.parametrize("lead_id", ["ünï/cödé @ x", "a'b\"c;--", "🚀", "x" * 512, "%2F", "null"])
def test_ids_and_values_survive_exactly(store: EventStore, lead_id: str) -> None:
    store.add([message(lead_id, lead_id, name=lead_id, traits={lead_id: lead_id})])
    lead = store.lead(lead_id)
    assert lead is not None
    assert (lead.events[0].name, lead.facts[0].name, lead.facts[0].value) == (lead_id, lead_id, lead_id)


def test_the_ledger_and_the_keys_are_kept(store: EventStore) -> None:
    store.add_answers([Answer(1, "score", None, "a", 2, "3", "d", "f", 0.1 + 0.2, "lead", None)])
    with store.reading() as connection:
        assert connection.execute(text("SELECT probability FROM ledger")).scalar() == 0.1 + 0.2
    key = KeyRow("k1", "digest", ("ingest", "score"), "shop", 5, None)
    store.keys.add(key)
    assert store.keys.all() == [key]
    assert store.keys.revoke("k1", 9)
    assert store.keys.revoke("k1", 11)
    assert not store.keys.revoke("k2", 9)
    assert store.keys.all()[0].revoked_at == 9


def test_every_pooled_connection_is_durable(store: EventStore) -> None:
    connections = [store.engine.connect() for _ in range(5)]
    for connection in connections:
        if store.engine.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        else:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
        connection.close()


def test_migrating_is_done_once_however_many_start_together(store_url: str) -> None:
    stores = [EventStore(store_url, wait_ms=10_000) for _ in range(4)]
    versions: list[int] = []
    threads = [threading.Thread(target=lambda one=one: versions.append(one.migrate())) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions == [NEWEST] * 4
    assert stores[0].counts()["schema_version"] == 1
    for one in stores:
        one.close()


def test_a_store_of_a_newer_program_is_refused(store: EventStore) -> None:
    with store.writing() as connection:
        connection.execute(insert(schema_version).values(version=NEWEST + 1, applied_at=1))
    with pytest.raises(InputError, match="the store is newer than this program"):
        store.migrate()


def test_an_older_store_is_brought_forward_step_by_step(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    last = NEWEST + 2
    steps = [lambda connection, n=n: connection.execute(text(f"CREATE TABLE step_{n} (x INTEGER)")) for n in range(NEWEST, last)]
    monkeypatch.setattr(store_schema, "STEPS", (*store_schema.STEPS, *steps))
    monkeypatch.setattr(store_schema, "NEWEST", last)
    assert (store.migrate(), store.migrate()) == (last, last)
    with store.reading() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM step_{NEWEST}")).scalar() == 0
        assert sorted(connection.execute(select(schema_version.c.version)).scalars()) == [NEWEST, NEWEST + 1, last]


def test_a_store_of_version_1_gets_what_tells_secrets_apart(store: EventStore) -> None:
    with store.writing() as connection:
        connection.execute(text("DROP TABLE tombstone_secret"))
        connection.execute(update(schema_version).values(version=1))
    store.need_same_secret(b"any")  # which is not asked before anybody was forgotten
    assert store.migrate() == NEWEST
    store.add_tombstones(["a"], b"s", 1)
    store.need_same_secret(b"s")
    with pytest.raises(InputError, match="forgotten under another secret"):
        store.need_same_secret(b"any")


def test_tombstones_have_one_secret(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add_tombstones(["a", "b"], b"s", 1)
    store.add_tombstones(["b", "c"], b"s", 2)
    with pytest.raises(InputError, match="TRIALWISE_KEY_SECRET") as refused:
        store.add_tombstones(["d"], b"another", 3)
    assert refused.value.exit_code == 2
    assert "another" not in refused.value.given
    assert store.counts()["tombstone"] == 3
    with store.reading() as connection:
        monkeypatch.setenv("TRIALWISE_KEY_SECRET", "s")
        assert forgotten(connection, ["a", "d", "c"]).tolist() == [True, False, True]
        monkeypatch.setenv("TRIALWISE_KEY_SECRET", "another")
        with pytest.raises(InputError, match="forgotten under another secret"):
            forgotten(connection, ["a"])


def test_a_writer_that_does_not_end_holds_others_up_to_the_limit(tmp_path: Path) -> None:
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}", wait_ms=50)
    store.migrate()
    with store.writing():
        thread_says: list[str] = []

        def write() -> None:
            try:
                store.add([message("1")])
            except StoreUnavailable as trouble:
                thread_says.append(str(trouble))

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert "LockTimeout" in thread_says[0]
    assert store.add([message("1")]) == ["accepted"]
    store.add_answers([])
    store.ping()
    store.close()


def test_a_transaction_that_fails_leaves_nothing(store: EventStore) -> None:
    def fail() -> None:
        with store.writing() as connection:
            connection.execute(insert(schema_version).values(version=99, applied_at=1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.reading() as connection:
        assert connection.execute(select(schema_version.c.version)).scalars().all() == [NEWEST]


def test_a_locked_database_is_said_to_be_unavailable_within_the_limit(tmp_path: Path) -> None:
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}", wait_ms=100)
    store.migrate()
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="a database error of kind OperationalError"):
        store.add([message("1")])
    assert store.lead("a") is None  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    assert store.add([message("1")]) == ["accepted"]
    store.close()


@pytest.mark.parametrize(
    "url", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "not a url", "postgresql+asyncpg://u:secret@h/d"]
)
def test_other_databases_are_refused_without_repeating_the_address(url: str) -> None:
    with pytest.raises(InputError, match="the database address is not usable") as refusal:
        parse_url(url)
    assert "secret" not in str(refusal.value)


def test_a_damaged_file_is_unavailable_and_a_mistake_of_ours_is_not(tmp_path: Path) -> None:
    (tmp_path / "damaged.db").write_text("not a database, and longer than the header of one would be: " * 20)
    store = EventStore(f"sqlite:///{tmp_path / 'damaged.db'}")
    with pytest.raises(StoreUnavailable, match="a database error of kind DatabaseError"):
        store.migrate()
    store.close()
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    with pytest.raises(IntegrityError), store.writing() as connection:
        connection.execute(text("INSERT INTO schema_version (version) VALUES (NULL)"))
    store.close()


def test_postgresql_without_its_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match="install the extra postgres"):
        EventStore("postgresql://localhost/trialwise")


def test_a_file_that_is_locked_for_good_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("CREATE TABLE something (x INTEGER)")
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("features.storing.engine.WAL_ATTEMPTS", 2)
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}", wait_ms=0)
    with pytest.raises(StoreUnavailable):
        store.migrate()
    other.close()
    assert store.migrate() == NEWEST
    store.close()
