"""Forgetting: nothing of a lead is left in any table or file, nothing comes back, and any step can be the last before a crash.

That is check 36.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, MetaData, Table, Text, insert, inspect, select

from features import failpoints
from features.errors import InputError
from features.store import EventStore
from features.storing import erasing, forgetting
from features.storing.holdings import HOLDINGS, MENTIONS, OTHERS, person_of
from features.storing.latest_score_table import latest_score
from features.storing.loading import load_history
from features.storing.offer_table import offer
from features.storing.rows import Answer, Contact, Fact, Message, Outcome, Refused
from features.storing.said_ids import mentions
from features.storing.schema import event, quarantine, tables
from features.storing.watch_tables import lead_state, outbox, transition, watch
from tests import store_fixture
from tests.features.storing.test_loading import write

store_url = store_fixture.made_store_url

CANARY = "ann-7781-canary@acme.com"
BROWSER = "browser-5512-canary"
ALL = (CANARY, BROWSER)


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    store.need_same_secret(b"s")
    yield store
    store.close()


def track(message_id: str, lead_id: str, **more: Any) -> Message:
    return Message(message_id, "track", lead_id, "Login", 10, 20, f"d{message_id}", **more)


def fill(store: EventStore, lead_id: str = CANARY, browser: str = BROWSER) -> None:
    """Put something of a lead into every table that can hold it, by its ways in where it has one."""
    store.news.begin(1)
    identify = Message(
        f"i-{lead_id}", "identify", lead_id, "", 11, 21, "d", browser, traits={"email": lead_id}, merged_from=browser
    )
    sent = [track(f"b-{lead_id}", browser, anonymous_id=browser, account_id="acme"), identify]
    shared = track(f"o-{len(lead_id)}", f"other-{len(lead_id)}", anonymous_id=browser)
    body = json.dumps({"userId": lead_id}, separators=(",", ":"))
    mentioned = Refused("/v1/batch", None, "c", json.dumps({"x": [f"mailto:{lead_id}"]}), 1)
    store.add([*sent, shared], [Refused("/v1/track", lead_id, "c", body, 1), mentioned])
    store.add_outcomes([Outcome(f"p-{lead_id}", lead_id, 12, 22)])
    store.add_contacts([Contact(f"c-{lead_id}", lead_id, 13, 23, "call", notes={"need": "much"})])
    store.add_leads([(lead_id, 1)], [Fact(lead_id, "file", "country", "DE", 1, 1)], [(lead_id, "acme", 1, 1)])
    store.add_answers([Answer(1, "lead", "k", lead_id, 2, "3", "d", "f", 0.25, "lead", None)])
    store.pushed.note("crm", {lead_id: "d"}, 1)
    with store.writing() as connection:
        for table in (lead_state, transition, outbox, offer, latest_score):
            connection.execute(insert(table).values(row_of(table, lead_id)))
        told = {"read_to": {}, "sweep_after": lead_id, "sweep_begun": 0, "swept_by": ""}
        connection.execute(watch.update().values(position=json.dumps(told)))


def row_of(table: Table, lead_id: str) -> dict[str, Any]:
    """Return a row of a table that is about a lead, whatever columns it has."""
    given = {c.name: f"{c.name} of {lead_id}" if isinstance(c.type, Text) else 1 for c in table.columns if not c.primary_key}
    given |= {c.name: True for c in table.columns if isinstance(c.type, Boolean)}
    return given | {"lead_id": lead_id}


def found(store: EventStore, text: str) -> dict[str, int]:
    """Return how many rows of each table hold a text in any column."""
    with store.reading() as connection:
        rows = {table.name: connection.execute(select(table)).all() for table in tables.sorted_tables}
    counts = {name: sum(any(text in str(value) for value in row) for row in those) for name, those in rows.items()}
    return {name: number for name, number in counts.items() if number}


def test_every_table_says_whether_it_holds_anything_of_a_lead() -> None:
    assert {*HOLDINGS, *MENTIONS, *OTHERS} == set(tables.sorted_tables), "forgetting has to know this table"
    assert not {*HOLDINGS, *MENTIONS} & set(OTHERS)
    assert unknown_columns(tables) == set()


def unknown_columns(of: MetaData) -> set[tuple[str, str]]:
    """Return the columns that look as if they hold the id of a lead, and that forgetting does not know."""
    known = {(table.name, name) for held in (HOLDINGS, MENTIONS) for table, names in held.items() for name in names}
    asked = {(t.name, c.name) for t in of.sorted_tables for c in t.columns if c.name in ("from_id", "to_id") or "lead" in c.name}
    asked |= {(t.name, c.name) for t in of.sorted_tables for c in t.columns if "anonymous" in c.name or "user" in c.name}
    return {one for one in asked if one not in known and one != ("tombstone", "lead_digest")}


def test_a_new_column_of_leads_would_be_noticed() -> None:
    made = MetaData()
    Table("visit", made, Column("seq", Text), *(Column(name, Text) for name in ("lead_id", "merged_lead", "user_id")))
    assert len(unknown_columns(made)) == 3


def test_a_store_has_the_tables_that_forgetting_knows(store: EventStore) -> None:
    assert set(inspect(store.engine).get_table_names()) == {table.name for table in (*HOLDINGS, *MENTIONS, *OTHERS)}


def test_nothing_is_left_in_any_table(store: EventStore) -> None:
    fill(store, "bob-2", "browser-2")
    fill(store)
    before = store.counts()
    assert set(found(store, CANARY)) | {"event"} == {table.name for table in HOLDINGS} | {"watch"}
    done = store.privacy.forget(CANARY, 99)
    assert found(store, CANARY) == {}
    assert found(store, BROWSER) == {}
    report = done.as_dict()
    assert (report["ids"], report["forgotten_before"], report["problem"]) == (2, False, None)
    assert {table.name for table in HOLDINGS} | {"event_mentions"} == set(done.removed.rows)
    assert done.removed.rows["quarantine"] == 2
    # Of others nothing is gone but the browser of an event.
    after = store.counts()
    assert all(before[name] - after[name] == number for name, number in done.removed.rows.items() if name in after)
    assert set(found(store, "bob-2")) == {table.name for table in HOLDINGS}
    with store.reading() as connection:
        shared = connection.execute(select(event.c.anonymous_id).where(event.c.message_id == f"o-{len(CANARY)}")).scalar_one()
    assert shared is None


def test_any_id_of_a_lead_means_all_of_them(store: EventStore) -> None:
    fill(store)
    store.add_links([("phone", BROWSER, 5, 5), ("unborn", "bob", 5, 5)])
    with store.reading() as connection:
        for one in ("phone", BROWSER, CANARY):
            assert person_of(connection, one) == [CANARY, BROWSER, "phone"]
        assert person_of(connection, "nobody") == ["nobody"]
    assert store.privacy.forget("phone", 99).removed.ids == 3
    assert found(store, CANARY) == found(store, BROWSER) == {}


def test_a_second_merge_of_a_browser_does_not_take_the_first_lead_along(store: EventStore) -> None:
    store.add_links([("shared", "first", 1, 1), ("shared", "second", 2, 2)])
    store.add([track("1", "first"), track("2", "shared"), track("3", "second")])
    store.privacy.forget("second", 99)
    assert sorted(store.leads(["first", "shared", "second"])) == ["first", "shared"]
    assert found(store, "second") == {}
    assert store.add([track("4", "shared")]) == ["accepted"]


def test_the_bytes_are_gone_from_the_files_as_well(tmp_path: Path) -> None:
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    store.need_same_secret(b"s")
    for number in range(300):  # so that pages are split with the lead among them
        store.add([track(f"{number}-{who}", who, properties={"note": who * 5}) for who in (CANARY, f"lead {number}")])
    fill(store)
    assert any(CANARY.encode() in path.read_bytes() for path in tmp_path.iterdir())
    assert store.privacy.forget(CANARY, 99).problem is None
    for path in tmp_path.iterdir():
        for one in ALL:
            assert one.encode() not in path.read_bytes(), path.name
    store.close()


def test_a_reader_in_the_way_is_told_of_and_the_next_time_finishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "WAIT_SECONDS", 0.05)
    store = EventStore(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    store.need_same_secret(b"s")
    fill(store)
    with store.reading() as connection:
        connection.execute(select(event)).all()
        assert store.privacy.forget(CANARY, 99).problem == erasing.STILL_READ
    with store.writing():
        assert erasing.erase(store.engine, []) == erasing.AT_WORK
    again = store.privacy.forget(CANARY, 100)
    assert (again.problem, again.removed.before, again.removed.rows) == (None, True, {})
    assert not any(CANARY.encode() in path.read_bytes() for path in tmp_path.iterdir())
    store.close()


def test_what_still_comes_of_the_lead_is_refused_and_not_kept(store: EventStore) -> None:
    fill(store)
    store.privacy.forget(CANARY, 99)
    identify = Message("n1", "identify", CANARY, "", 11, 21, "d", "new", merged_from="new")
    renamed = Message("n2", "alias", "ann-2", "", 11, 21, "d", merged_from=CANARY)
    sent = [track("n3", "bob"), track("n4", BROWSER), identify, renamed, track("n5", "carl", anonymous_id=BROWSER)]
    kept = Refused("/v1/track", None, "missing_event", json.dumps({"anonymousId": BROWSER}), 1)
    assert store.add(sent, [kept]) == ["accepted", *["forgotten"] * 4]
    assert store.add_outcomes([Outcome("q", CANARY, 1, 1), Outcome("r", "bob", 1, 1)]) == ["forgotten", "accepted"]
    assert store.add_contacts([Contact("q", BROWSER, 1, 1)]) == ["forgotten"]
    leads = [(CANARY, 1), ("dora", 1)]
    facts = [Fact(one, "file", "country", "DE", 1, 1) for one, _ in leads]
    assert store.add_leads(leads, facts, [(one, "acme", 1, 1) for one, _ in leads]) == 1
    assert store.add_links([(BROWSER, "x", 1, 1), ("y", CANARY, 1, 1), ("y", "x", 1, 1)]) == 1
    assert store.add_bulk([track("n6", CANARY), track("n7", "bob")]) == 1
    store.add_answers([Answer(1, "score", "k", one, 2, "3", "d", "f", 0.2, "lead", "{}") for one in (CANARY, "bob")])
    assert store.counts()["ledger"] == 1
    assert found(store, CANARY) == found(store, BROWSER) == {}


def test_another_secret_stops_every_writer_once_somebody_is_forgotten(store: EventStore) -> None:
    store.privacy.forget("a", 1)
    store.engine.update_execution_options(tombstone_secret=b"another")
    for work in (lambda: store.add([track("1", "b")]), lambda: store.privacy.forget("b", 1)):
        with pytest.raises(InputError, match="under another secret"):
            work()
    assert store.counts()["event"] == 0


class Killed(BaseException):
    """Stands for the end of the process at a failpoint."""


POINTS = ("before_tombstones", "after_tombstones", "before_commit", "after_commit", "before_checkpoint")


@pytest.mark.parametrize("point", POINTS)
def test_cut_off_anywhere_the_next_time_finishes(store: EventStore, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    if point == "before_checkpoint" and store.engine.dialect.name != "sqlite":
        pytest.skip("only SQLite has a file to be written anew")
    fill(store)

    def die(name: str) -> None:
        if name == f"forget.{point}":
            raise Killed

    for module in (forgetting, erasing):
        monkeypatch.setattr(module, "failpoint", die)
    with pytest.raises(Killed):
        store.privacy.forget(CANARY, 99)
    barred = store.add([track("late", BROWSER)]) == ["forgotten"]
    assert barred == (point != "before_tombstones")
    kept = set(found(store, CANARY))
    assert bool(kept) == (POINTS.index(point) < POINTS.index("after_commit"))
    for module in (forgetting, erasing):
        monkeypatch.setattr(module, "failpoint", failpoints.failpoint)
    assert store.privacy.forget(CANARY, 100).problem is None
    assert found(store, CANARY) == found(store, BROWSER) == {}


def test_a_writer_that_had_not_seen_the_tombstone_is_waited_for(store: EventStore) -> None:
    """Each of many threads goes on writing while the lead is forgotten: whatever one of them got in is gone in the end."""
    stop = threading.Event()
    told: list[str] = []

    def send(number: int) -> None:
        count = 0
        while not stop.is_set():
            told.extend(store.add([track(f"{number}-{count}", CANARY)]))
            count += 1

    threads = [threading.Thread(target=send, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while told.count("accepted") < 20 and time.monotonic() < deadline:
        time.sleep(0.005)
    forgetting.forget(store.reading, store.writing, CANARY, 99)
    while told.count("forgotten") < 8 and time.monotonic() < deadline:
        time.sleep(0.005)
    stop.set()
    for thread in threads:
        thread.join()
    assert {"accepted", "forgotten"} == set(told)
    assert found(store, CANARY) == {}


def test_the_pass_of_the_watch_stands_at_a_lead_that_is_there(store: EventStore) -> None:
    store.add([track(one, one) for one in ("a", "b", "c")])
    watched = store.news.hold("me", 1, 10)
    watched = store.news.hold("me", 1, 10) if watched is None else watched
    assert watched is not None
    assert store.news.keep("me", replace(watched, sweep_after="b"), 20)
    store.privacy.forget("b", 99)
    assert place(store) == "a"
    assert store.news.keep("me", replace(watched, sweep_after="b"), 20)  # what the process that watches still remembers
    assert place(store) == "a"
    store.privacy.forget("a", 99)
    assert place(store) == ""


def place(store: EventStore) -> str:
    with store.reading() as connection:
        told: str = json.loads(connection.execute(select(watch.c.position)).scalar_one())["sweep_after"]
    return told


def test_a_short_id_takes_no_foreign_item_along(store: EventStore) -> None:
    bodies = ['{"userId":7}', '{"count":7,"userId":"8"}', '{"note":"7 of 9"}', '{"a":["7"]}', "no JSON, 7"]
    assert [mentions(body, "7") for body in bodies] == [True, False, False, True, False]
    store.add([], [Refused("/v1/track", None, "c", body, 1) for body in bodies])
    store.privacy.forget("7", 99)
    with store.reading() as connection:
        left = set(connection.execute(select(quarantine.c.body)).scalars())
    assert left == {bodies[1], bodies[2], bodies[4]}


def test_loading_leaves_the_forgotten_out_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_KEY_SECRET", "s")
    write(tmp_path, "second", ids=True)
    url, said = f"sqlite:///{tmp_path / 'store.db'}", list[str]()
    assert load_history(tmp_path / "acme.yaml", url=url)["forgotten"] == 0
    store = EventStore(url)
    (lead_id, *_) = store.lead_ids()
    store.privacy.forget(lead_id, 1)
    again = load_history(tmp_path / "acme.yaml", url=url, say=said.append)
    assert (again["forgotten"], again["leads_new"], again["events_new"], again["conversions_new"]) == (1, 0, 0, 0)
    assert "1 leads of these files were forgotten: nothing of them is loaded." in said
    assert store.leads([lead_id]) == {}
    store.close()
