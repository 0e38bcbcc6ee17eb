"""The store as a source: what the server collected, or loaded, is read as the files and the live doors have it.

Who was forgotten is in no training: check 36.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.catalog import feature_set
from features.clock import DAY_US, HOUR_US, NEVER, format_us
from features.errors import InputError, OutsideError
from features.matrix import compute
from features.reading.moments import parse_moment
from features.store import EventStore
from features.storing.collected import collected
from features.storing.loading import load_history
from features.storing.rows import Outcome
from features.storing.schema import contact
from features.tables import Tables, read_tables
from features.workspace import Workspace, parse_workspace
from serving.items import Arrival
from serving.metrics import Metrics
from serving.sales import take_conversions
from serving.segment import clean
from serving.view import View
from tests import store_fixture
from tests.features.storing.test_loading import START, write
from tests.journeys.people import WORKSPACE, draw

store_url = store_fixture.store_url
FILES = ("leads.csv", "events.csv", "conversions.csv", "merges.csv")


def stored(folder: Path, name: str = "acme", *, beside: bool = False) -> Workspace:
    """Return the workspace of a folder with the store in place of its files, or beside them."""
    text = (folder / f"{name}.yaml").read_text(encoding="utf-8")
    for file in FILES:
        text = text.replace(f"source: {file}", f"source: [{file}, store]" if beside else "source: store")
    return parse_workspace(text, folder)


def rows(ws: Workspace, tables: Tables, at: int) -> dict[str, dict[str, Any]]:
    """Return the features of everybody who has started, by id."""
    features = feature_set(ws.definition(vocabulary={"core_use": ("feature_export",)}, categories={"country": ("DE",)}))
    begun = np.flatnonzero(tables.leads.started_at <= at)
    matrix = compute(features, tables, begun, np.full(len(begun), at))
    return {tables.leads.ids[lead]: matrix.row(row) for row, lead in enumerate(begun.tolist())}


@pytest.fixture(autouse=True)
def _place(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", store_url)


@pytest.mark.parametrize(("resolution", "ids"), [("second", True), ("second", False), ("day", True), ("day", False)])
@pytest.mark.parametrize("beside", [False, True])
def test_what_was_loaded_is_what_the_files_say(tmp_path: Path, resolution: str, ids: bool, beside: bool) -> None:
    files = write(tmp_path, resolution, ids=ids)
    load_history(tmp_path / "acme.yaml")
    ws = stored(tmp_path, beside=beside)
    if beside:
        assert load_history(tmp_path / "acme.yaml")["events_new"] == 0
    for cut in (None, START + 10 * DAY_US + HOUR_US, START + 30 * DAY_US):
        one, other = read_tables(files, cut=cut), read_tables(ws, cut=cut)
        at = one.newest if cut is None else cut
        assert other.newest == one.newest
        assert len(other.events) == len(one.events) > 30
        assert rows(ws, other, at) == rows(files, one, at)
        for name in ("started_at", "ended_at", "converted_at", "conversion_known", "account_known", "ignored"):
            np.testing.assert_array_equal(getattr(other.leads, name), getattr(one.leads, name), err_msg=name)
        assert other.leads.account.tolist() == one.leads.account.tolist()


@pytest.mark.parametrize("resolution", ["second", "day"])
def test_merges_of_the_store(tmp_path: Path, store_url: str, resolution: str) -> None:
    """Who did something before it is known who it is or it signed up is a lead, as live; others are as in the files."""
    files = write(tmp_path, resolution, ids=True, merges=True)
    load_history(tmp_path / "acme.yaml")
    ws, some, store = stored(tmp_path), 0, EventStore(store_url)
    view = View(ws, ws.definition())
    for day in (0, 3, 9, 14, 21, 40):
        at = START + day * DAY_US + 13 * HOUR_US
        one, other = rows(files, read_tables(files, cut=at), at), rows(ws, read_tables(ws, cut=at), at)
        assert one == {lead: other[lead] for lead in one}
        everybody = store.leads(store.lead_ids(0))
        assert other.keys() == {lead for lead, known in everybody.items() if view.standing(known, at) is not None}
        some += len(one)
    assert some > 100
    store.close()


def collect(url: str, seed: int, resolution: str, *, days: int = 20) -> None:
    """Tell the store a drawn history as the doors would, call by call, in no order."""
    people, taken = draw(seed, days=days), _Calls()
    people.send(taken)  # type: ignore[arg-type]  # it posts as a client does
    store = EventStore(url)
    store.migrate()
    arrival = Arrival(now=parse_moment("2026-12-01"), timezone="Europe/Berlin", may_backdate=True)
    for call in taken.calls:
        message = clean(call, arrival)
        assert store.add([message]) in (["accepted"], ["duplicate"], ["merge_cycle"])
    assert take_conversions(store, Metrics(), taken.paid, arrival, resolution)["success"]
    store.close()


class _Calls:
    """A client that keeps what is posted."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.paid: list[Any] = []

    def post(self, _: str, json: dict[str, Any]) -> _Calls:
        self.calls += json.get("batch", [])
        self.paid += json.get("conversions", [])
        return self

    def json(self) -> dict[str, Any]:
        return {"success": True}


@pytest.mark.parametrize("resolution", ["second", "day"])
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_what_training_sees_is_what_the_live_door_knows(tmp_path: Path, store_url: str, resolution: str, seed: int) -> None:
    """Late traits, groups, merges, payments: of every id, at four instants, the very numbers."""
    collect(store_url, seed, resolution)
    text = WORKSPACE
    for file in FILES:
        text = text.replace(f"source: {file}", "source: store")
    ws = parse_workspace(text + (f"resolution: {{events: {resolution}, conversions: {resolution}}}\n"), tmp_path)
    view, store, seen = View(ws, ws.definition()), EventStore(store_url), 0
    start = parse_moment("2026-03-20")
    for days in (2, 8.2, 14, 23.75):
        at = start + round(days * DAY_US)
        tables = read_tables(ws, cut=at)
        features = feature_set(ws.definition())
        begun = np.flatnonzero(tables.leads.started_at <= at)
        matrix = compute(features, tables, begun, np.full(len(begun), at))
        batch = {tables.leads.ids[lead]: matrix.row(row) for row, lead in enumerate(begun.tolist())}
        standings = {one: view.standing(lead, at) for one, lead in store.leads(store.lead_ids(0)).items()}
        live = {one: standing for one, standing in standings.items() if standing is not None}
        assert live.keys() == batch.keys()
        for place, (one, standing) in enumerate(sorted(live.items())):
            assert view.matrix([standing], at, store).row(0) == batch[one], one
            leads, lead = tables.leads, begun[place]
            assert leads.started_at[lead] == standing.lead.started_at
            assert leads.converted_at[lead] == (NEVER if standing.converted_at is None else standing.converted_at)
            assert leads.account[lead] == standing.account
        seen += len(live)
    assert seen > 100
    store.close()


def told(store: EventStore, *calls: dict[str, Any]) -> None:
    """Send calls, each received at its own time."""
    for number, call in enumerate(calls):
        at = call.pop("received", call["timestamp"])
        call |= {"messageId": f"m{number}", "receivedAt": at}
        assert store.add([clean(call, Arrival(now=parse_moment("2026-12-01"), may_backdate=True))]) == ["accepted"]


LIVE = """
name: live
data:
  events: {source: store}
  conversions: {events: [subscribed]}
behaviours: {session: {events: [login], duration: minutes}, profile: {events: ["profile.*"], traits: [title]}}
attributes: {company_size: number, country: category}
contact: {email: email}
ignore: {email: ["*@acme.com"]}
"""


def test_traits_are_missing_until_they_are_told(tmp_path: Path, store_url: str) -> None:
    """Also with no table of leads at all; the trial may be extended, and nobody knew it before."""
    store = EventStore(store_url)
    store.migrate()
    told(
        store,
        {"type": "track", "userId": "a", "event": "login", "timestamp": "2026-05-01T00:00:00Z", "properties": {"minutes": 3}},
        {"type": "identify", "userId": "a", "timestamp": "2026-05-03T00:00:00Z", "traits": {"companySize": 7, "title": "x"}},
        {"type": "identify", "userId": "a", "timestamp": "2026-05-04T00:00:00Z", "traits": {"companySize": 9, "country": "DE"}},
        {"type": "track", "userId": "a", "event": "subscribed", "timestamp": "2026-05-09T00:00:00Z"},
        {"type": "identify", "userId": "b", "timestamp": "2026-05-02T00:00:00Z", "traits": {"email": "b@acme.com"}},
        {"type": "identify", "userId": "c", "timestamp": "2026-05-02T00:00:00Z",
         "traits": {"createdAt": "2026-04-30T00:00:00Z", "trial_ends_at": "2026-05-14T00:00:00Z"}},
        {"type": "identify", "userId": "c", "timestamp": "2026-05-10T00:00:00Z",
         "traits": {"trial_ends_at": "2026-05-28T00:00:00Z"}},
    )  # fmt: skip
    at = parse_moment("2026-05-06")
    store.add_outcomes([Outcome("o", "c", at, at + DAY_US)])
    ws = parse_workspace(LIVE, tmp_path)
    tables = read_tables(ws)
    leads = tables.leads
    assert leads.ids == ["a", "b", "c"]
    assert [format_us(one)[:10] for one in leads.started_at.tolist()] == ["2026-05-01", "2026-05-02", "2026-04-30"]
    assert leads.ignored.tolist() == [False, True, False]
    assert leads.contact["email"].tolist() == [None, "b@acme.com", None]
    assert leads.conversion_known.tolist() == [parse_moment("2026-05-09"), NEVER, at + DAY_US]
    features = feature_set(ws.definition(categories={"country": ("DE",)}))
    sizes = []
    for day in (2, 3, 5, 11):
        when = parse_moment(f"2026-05-{day:02d}T12:00:00Z")
        matrix = compute(features, tables, np.arange(3), np.full(3, when))
        live = View(ws, features.definition)
        for place, one in enumerate(leads.ids):
            standing = live.standing(store.leads([one])[one], when)
            assert standing is not None
            assert live.matrix([standing], when, store).row(0) == matrix.row(place)
        sizes.append((matrix.row(0)["company_size"], matrix.row(0)["country"], matrix.row(2)["trial_left_d"]))
    assert [one[:2] for one in sizes] == [(None, None), (7.0, None), (7.0, "DE"), (7.0, "DE")]
    assert [one[2] for one in sizes] == [11.5, 10.5, 8.5, 16.5]
    store.close()


def test_files_and_store_count_an_id_once(tmp_path: Path, store_url: str) -> None:
    files = write(tmp_path, "second", ids=True)
    store = EventStore(store_url)
    store.migrate()
    call = {"type": "track", "userId": "lead 1", "event": "login", "messageId": "same", "timestamp": "2026-04-01T00:00:00Z"}
    new = call | {"messageId": "live only", "userId": "live lead", "timestamp": "2026-04-09T00:00:00Z"}
    now = START + 60 * DAY_US
    assert store.add([clean(one, Arrival(now=now)) for one in (call, new)]) == ["accepted", "accepted"]
    size = clean({"type": "identify", "userId": "lead 1", "traits": {"title": "told", "country": "XX"}}, Arrival(now=now))
    store.add([size])
    one, other = read_tables(files), read_tables(stored(tmp_path, beside=True))
    assert len(other.events) == len(one.events) + 1
    assert [lead for lead in other.leads.ids if lead not in one.leads.ids] == ["live lead"]
    assert other.leads.started_at[other.leads.ids.index("live lead")] == parse_moment("2026-04-09")
    place, before = other.leads.ids.index("lead 1"), one.leads.ids.index("lead 1")
    assert (one.leads.traits["title"][before] or "told") == other.leads.traits["title"][place]
    filled = one.leads.attributes["country"][before] is None
    assert other.leads.attributes["country"][place] == ("XX" if filled else one.leads.attributes["country"][before])
    assert other.leads.known["country"][place] == (now if filled else 0)
    store.close()


def test_who_was_forgotten_is_in_no_source(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write(tmp_path, "second", ids=True, merges=True)
    load_history(tmp_path / "acme.yaml")
    ws = stored(tmp_path, beside=True)
    before = read_tables(ws)
    assert "lead 1" in before.leads.ids
    store = EventStore(store_url)
    store.add_tombstones(["lead 1"], b"s", 0)
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TRIALWISE_KEY_SECRET", raising=False)
    with pytest.raises(InputError, match="secret of the server"):
        read_tables(ws)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "key_secret").write_bytes(b"s")
    tables = read_tables(ws)
    assert set(before.leads.ids) - set(tables.leads.ids) == {"lead 1"}
    assert len(tables.events) < len(before.events)
    monkeypatch.setenv("TRIALWISE_KEY_SECRET", "another")
    with pytest.raises(InputError, match="forgotten under another secret"):
        read_tables(ws)
    with pytest.raises(InputError, match="forgotten under another secret"):
        load_history(tmp_path / "acme.yaml")
    assert "lead 1" in read_tables(files).leads.ids
    store.close()


def test_what_is_no_source(tmp_path: Path, store_url: str) -> None:
    ws = parse_workspace(LIVE, tmp_path)
    undated = parse_workspace("name: x\ndata: {leads: {source: store, id: a, converted: c}}\n", tmp_path)
    with pytest.raises(InputError, match="without dates"):
        read_tables(undated)
    with pytest.raises(InputError, match="no store yet"):
        read_tables(ws)
    (tmp_path / "live.yaml").write_text(LIVE)
    with pytest.raises(InputError, match="nothing to load"):
        load_history(tmp_path / "live.yaml")
    store = EventStore(store_url)
    store.migrate()
    with pytest.raises(InputError, match=r"data[.]events has no rows"):
        read_tables(ws)
    store.close()


def test_a_database_that_does_not_answer_is_no_misuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(OutsideError, match="not available"):
        read_tables(parse_workspace(LIVE, tmp_path))


def test_contacts_are_read_too(tmp_path: Path, store_url: str) -> None:
    store = EventStore(store_url)
    store.migrate()
    row = {"contact_id": "c", "lead_id": "a", "at": START, "known_at": START, "play": "call", "channel": None, "result": "won"}
    with store.writing() as connection:
        connection.execute(contact.insert().values(row | {"body": "{}"}))
    text = LIVE.replace("  conversions", "  contacts: {source: store, play: play, result: result}\n  conversions")
    with collected(parse_workspace(text, tmp_path)) as source:
        (table,) = source("contacts", ["lead_id"])
    assert table.select(["lead_id", "play", "result"]).to_pylist() == [{"lead_id": "a", "play": "call", "result": "won"}]
    store.close()


def test_where_and_a_late_start_leave_out(tmp_path: Path, store_url: str) -> None:
    """Whom the workspace does not ask for, and who has not started by the cut, is no lead, and is nobody unknown."""
    store = EventStore(store_url)
    store.migrate()
    told(
        store,
        {"type": "identify", "userId": "a", "timestamp": "2026-05-01T00:00:00Z", "traits": {"plan": "pro"}},
        {"type": "identify", "userId": "b", "timestamp": "2026-05-01T00:00:00Z", "traits": {"plan": "free"}},
        {"type": "identify", "userId": "c", "timestamp": "2026-05-01T00:00:00Z", "traits": {"createdAt": "2026-06-01T00:00:00Z"}},
        *({"type": "track", "userId": one, "event": "login", "timestamp": "2026-05-02T00:00:00Z"} for one in "abc"),
    )  # fmt: skip
    text = LIVE.replace("data:", "data:\n  leads: {source: store, where: {plan: pro}}")
    ws = parse_workspace(text, tmp_path)
    cut = read_tables(ws, cut=parse_moment("2026-05-03"))
    assert (cut.leads.ids, len(cut.events), cut.report["events"].refused_count) == (["a"], 1, 0)
    assert read_tables(ws).leads.ids == ["a", "c"]
    store.close()
