"""``load --since last``: a database is asked only for what is newer, and nothing is left out for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.clock import DAY_US, HOUR_US, format_us
from features.reading.moments import parse_moment
from features.store import EventStore
from features.storing.loaded import OVERLAP_US, begins_at, source_of
from features.storing.loading import load_history
from features.workspace import load_workspace
from tests import store_fixture

store_url = store_fixture.made_store_url

START = parse_moment("2026-03-02T00:00:00Z")
WORKSPACE = """
name: acme
data:
  {leads}
  events: {{source: {{url: "sqlite:///{folder}/product.db", query: "select * from events where received > :since"}},
           lead: who, name: what, at: at, received_at: received{id}}}
behaviours: {{session: {{events: [login]}}}}
"""


class Product:
    """A product's database with its events, and the workspace that reads it."""

    def __init__(self, folder: Path, *, ids: bool = True, leads: bool = False) -> None:
        self.path = folder / "acme.yaml"
        self.leads = folder / "leads.csv"
        named = "leads: {source: leads.csv, id: lead_id, started_at: began}" if leads else ""
        self.path.write_text(WORKSPACE.format(folder=folder, id=", id: id" if ids else "", leads=named), encoding="utf-8")
        self.leads.write_text("lead_id,began\n", encoding="utf-8")
        self.database = sqlite3.connect(folder / "product.db", isolation_level=None)
        self.database.execute("create table events (id text, who text, what text, at text, received text)")

    def happened(self, name: str, at: int, *, received: int | None = None, who: str = "a") -> None:
        row = (name, who, "login", format_us(at)[:19] + "Z", format_us(at if received is None else received))
        self.database.execute("insert into events values (?, ?, ?, ?, ?)", row)

    def signed_up(self, who: str, at: int) -> None:
        with self.leads.open("a", encoding="utf-8") as file:
            file.write(f"{who},{format_us(at)}\n")


@pytest.fixture
def target(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def load(product: Product, url: str) -> dict[str, int]:
    return load_history(product.path, url=url, since_last=True)


def test_only_what_is_newer_is_asked_for_and_late_rows_come_in(store_url: str, tmp_path: Path, target: EventStore) -> None:
    product = Product(tmp_path)
    for day in range(10):
        product.happened(f"m{day}", START + day * DAY_US)
    assert load(product, store_url)["events"] == 10  # the first time all of it
    product.happened("new", START + 10 * DAY_US)
    product.happened("late", START + 2 * DAY_US, received=START + 10 * DAY_US)  # happened long ago
    product.happened("shown late", START + 7 * DAY_US)  # received before the last load, and seen only now
    counts = load(product, store_url)
    assert (counts["events"], counts["events_new"]) == (7, 3)  # four of the last three days again, and what is new
    assert load(product, store_url)["events_new"] == 0
    assert target.counts()["event"] == 13
    product.database.execute("delete from events")
    assert load(product, store_url)["events"] == 0  # nothing new is not a mistake
    product.happened("newest", START + 11 * DAY_US)
    assert load(product, store_url)["events_new"] == 1


def test_events_without_ids_are_always_read_as_a_whole(store_url: str, tmp_path: Path, target: EventStore) -> None:
    product = Product(tmp_path, ids=False)
    product.happened("", START)
    load(product, store_url)
    product.happened("", START, received=START + 9 * DAY_US)  # the same once more: only beside the first one is it another
    assert load(product, store_url)["events"] == 2
    assert target.counts()["event"] == 2


def test_an_event_without_its_id_among_new_ones_makes_it_read_everything(
    store_url: str, tmp_path: Path, target: EventStore
) -> None:
    product = Product(tmp_path)
    product.happened("m", START)
    product.database.execute("update events set id = null")
    product.happened("n", START + 9 * DAY_US)
    load(product, store_url)
    product.happened("", START, received=START + 9 * DAY_US)
    product.database.execute("update events set id = null where id = ''")
    assert load(product, store_url)["events"] == 3
    assert target.counts()["event"] == 3


def test_a_lead_that_is_entered_late_brings_its_older_events(store_url: str, tmp_path: Path, target: EventStore) -> None:
    product = Product(tmp_path, leads=True)
    product.signed_up("a", START)
    product.happened("a0", START + HOUR_US)
    product.happened("b0", START + HOUR_US, who="b")  # nobody knows this lead yet
    product.happened("a9", START + 9 * DAY_US)
    load(product, store_url)
    assert target.counts()["event"] == 2
    product.signed_up("b", START)
    said: list[str] = []
    load_history(product.path, url=store_url, since_last=True, say=said.append)
    assert target.counts()["event"] == 3
    assert any("reading everything" in line for line in said)


def test_a_load_that_is_cut_off_is_followed_by_one_of_everything(
    store_url: str, tmp_path: Path, target: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = Product(tmp_path)
    product.happened("m0", START)
    product.happened("m9", START + 9 * DAY_US)
    load(product, store_url)

    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(EventStore, "add_bulk", stop)
        with pytest.raises(KeyboardInterrupt):
            load(product, store_url)
    assert target.loaded.newest(source_of(load_workspace(product.path))) is None
    assert load(product, store_url)["events"] == 2
    assert load(product, store_url)["events"] == 1


def test_another_mapping_is_another_source_and_a_password_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    product = Product(tmp_path)
    first = source_of(load_workspace(product.path))
    text = product.path.read_text(encoding="utf-8")
    product.path.write_text(text.replace("name: what", "name: who"), encoding="utf-8")
    assert source_of(load_workspace(product.path)) != first
    url = "postgresql://reader:${PRODUCT_PASSWORD}@host/db"
    product.path.write_text(text.replace(f"sqlite:///{tmp_path}/product.db", url), encoding="utf-8")
    named = []
    for word in ("secret", "changed"):
        monkeypatch.setenv("PRODUCT_PASSWORD", word)
        named.append(source_of(load_workspace(product.path)))
    assert named[0] == named[1] != first


def test_files_are_read_as_a_whole(tmp_path: Path) -> None:
    product = Product(tmp_path)
    ws = load_workspace(product.path)
    assert begins_at(ws, START) == START - OVERLAP_US
    assert begins_at(ws, None) is None
    text = product.path.read_text(encoding="utf-8")
    product.path.write_text(text.replace("where received > :since", ""), encoding="utf-8")
    assert begins_at(load_workspace(product.path), START) is None
