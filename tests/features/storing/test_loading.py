"""Loading: what is in the store afterwards gives, to the bit, the features that the files give; twice is once."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from features.catalog import feature_set
from features.clock import DAY_US, HOUR_US, NEVER, format_us
from features.matrix import compute
from features.reading.moments import parse_moment
from features.store import EventStore
from features.storing.loading import load_history
from features.tables import read_tables
from features.workspace import Workspace, load_workspace
from tests import store_fixture

store_url = store_fixture.made_store_url

START = parse_moment("2026-03-25T00:00:00Z")  # Europe changes its clocks within the trials

WORKSPACE = """
name: acme
timezone: Europe/Berlin
data:
  leads: {{source: leads.csv, id: lead_id, started_at: signed_up_at, ended_at: cancelled_at, trial_ends_at: trial_end,
          account: org, missing: [Select]}}
  events: {{source: events.csv, lead: lead_id, name: event, at: at, {ids} {received} count: n,
           properties: [plan, minutes, price]}}
  conversions: {{source: conversions.csv, lead: lead_id, at: paid_at}}
  {identities}
resolution: {{events: {resolution}, conversions: {resolution}}}
behaviours:
  session: {{events: [login], duration: minutes}}
  core_use: {{events: ["feature.*"]}}
  add_on: {{events: [addon], amount: price}}
  purchase_intent: {{events: [{{event: upgrade, where: {{plan: {{eq: pro}}}}}}, {{event: nps, where: {{plan: {{ge: 9}}}}}}]}}
  profile: {{events: [profile_saved], traits: [title, country]}}
features: {{nps_all: {{count: [nps], behaviour: core_use}}}}
attributes: {{country: category, company_size: number}}
"""
NAMES = ["Login", "feature.export", "Feature.Import", "addon", "upgrade", "nps", "Profile Saved", "unknownThing"]


MERGES = "identities: {source: merges.csv, from: who, to: whom, at: known_at}"


def write(folder: Path, resolution: str, *, ids: bool, merges: bool = False) -> Workspace:
    """Write random leads and events: late ones, repeated ones, ones that lack this and that."""
    draw = random.Random(7)
    by_day = resolution == "day"

    def time(us: int) -> str:
        return format_us(us)[:10] if by_day else format_us(us)

    leads, events, paid = ["lead_id,signed_up_at,cancelled_at,trial_end,org,country,company_size,title"], [], ["lead_id,paid_at"]
    for i in range(40):
        start = START + draw.randrange(20 * DAY_US)
        ended = time(start + draw.randrange(30 * DAY_US)) if draw.random() < 0.2 else ""
        trial = time(start + 21 * DAY_US) if draw.random() < 0.3 else ""
        leads.append(
            f"lead {i},{time(start)},{ended},{trial},{draw.choice(['acme', ''])},{draw.choice(['DE', 'TR', 'Select', ''])},"
            f"{draw.choice(['7', '12.5', '', 'many'])},{draw.choice(['x', ''])}"
        )
        if draw.random() < 0.3:
            paid.append(f"lead {i},{time(start + draw.randrange(40 * DAY_US))}")
        # Some of what a lead did it did before anybody knew that it was this lead.
        who = f"anon {i}" if merges and draw.random() < 0.5 else f"lead {i}"
        for j in range(draw.choice([0, 1, 5, 30])):
            at = start - DAY_US + draw.randrange(25 * DAY_US)
            received = at + (draw.randrange(3 * DAY_US) if draw.random() < 0.2 else 0)
            row = [
                draw.choice([who, f"lead {i}"]),
                draw.choice(NAMES),
                time(at),
                f"m-{i}-{j}",
                format_us(received),
                draw.choice(["", "1", "3"]),
            ]
            row += [
                draw.choice(["pro", "free", "9", "9.5", ""]),
                draw.choice(["", "0.125", "31.0005", "7"]),
                draw.choice(["", "2.675", "-1"]),
            ]
            events.append(",".join(row))
            if draw.random() < 0.1:  # the same event delivered again, later, and once something else under its id
                row[4] = format_us(received + HOUR_US)
                events.append(",".join(row))
    events += ["lead 1,login,2026-04-01T00:00:00Z,same,2026-04-01T00:00:00Z,,,,"] * 3
    draw.shuffle(events)
    (folder / "leads.csv").write_text("\n".join(leads) + "\n", encoding="utf-8")
    (folder / "events.csv").write_text(
        "\n".join(["lead_id,event,at,mid,got,n,plan,minutes,price", *events]) + "\n", encoding="utf-8"
    )
    (folder / "conversions.csv").write_text("\n".join(paid) + "\n", encoding="utf-8")
    # Anonymous ids that become known to be leads, some by way of another, and leads that turn out to be one.
    told = [(f"anon {i}", draw.choice([f"lead {i}", f"step {i}"]), START + draw.randrange(25 * DAY_US)) for i in range(40)]
    told += [(f"step {i}", f"lead {i}", START + draw.randrange(25 * DAY_US)) for i in range(40)]
    told += [(f"lead {i}", f"lead {draw.randrange(40)}", START + draw.randrange(25 * DAY_US)) for i in range(0, 40, 3)]
    (folder / "merges.csv").write_text("who,whom,known_at\n" + "".join(f"{a},{b},{time(us)}\n" for a, b, us in told))
    text = WORKSPACE.format(
        identities=MERGES if merges else "",
        resolution=resolution,
        ids="id: mid," if ids else "",
        received="received_at: got," if not by_day or ids else "",
    )
    (folder / "acme.yaml").write_text(text, encoding="utf-8")
    return load_workspace(folder / "acme.yaml")


@pytest.mark.parametrize(("resolution", "ids"), [("second", True), ("second", False), ("day", True), ("day", False)])
def test_live_features_of_what_was_loaded_are_those_of_the_files(
    tmp_path: Path, store_url: str, resolution: str, ids: bool
) -> None:
    from serving.view import View

    ws = write(tmp_path, resolution, ids=ids)
    first = load_history(tmp_path / "acme.yaml", url=store_url)
    assert first["events"] == first["events_new"] > 250
    again = load_history(tmp_path / "acme.yaml", url=store_url)
    assert again == {name: 0 if name.endswith("_new") else count for name, count in first.items()}

    definition = ws.definition(vocabulary={"core_use": ("feature_export", "feature_import")}, categories={"country": ("DE",)})
    features, view = feature_set(definition), View(ws, definition)
    store = EventStore(store_url)
    seen = 0
    for age in (0, 1, 3.5, 7, 20):
        tables = read_tables(ws)
        as_of = tables.leads.started_at + round(age * DAY_US)
        batch = compute(features, tables, np.arange(len(tables.leads)), as_of)
        stored = store.leads(tables.leads.ids)
        for i, lead_id in enumerate(tables.leads.ids):
            at = int(as_of[i])
            standing = view.standing(stored[lead_id], at)
            assert standing is not None
            live = view.matrix([standing], at, store)
            np.testing.assert_array_equal(live.values[0], batch.values[i], err_msg=f"{lead_id} at {age}")
            assert {name: column[0] for name, column in live.labels.items()} == {
                name: column[i] for name, column in batch.labels.items()
            }
            assert live.features_as_of[0] == batch.features_as_of[i]
            assert (standing.converted_at is not None) == (tables.leads.conversion_known[i] <= at)
            assert standing.ended == (tables.leads.ended_at[i] <= at)
            assert (standing.account or None) == tables.leads.account[i]
            seen += 1
    assert seen == 200
    assert any(tables.leads.conversion_known < NEVER)
    store.close()


@pytest.mark.parametrize("resolution", ["second", "day"])
def test_merges_and_accounts_are_the_same_live(tmp_path: Path, store_url: str, resolution: str) -> None:
    from serving.view import View

    ws = write(tmp_path, resolution, ids=True, merges=True)
    first, again = (load_history(tmp_path / "acme.yaml", url=store_url) for _ in range(2))
    assert first["merges"] == first["merges_new"] > 60
    assert again["merges_new"] == again["events_new"] == again["leads_new"] == 0
    definition = ws.definition(vocabulary={"core_use": ("feature_export", "feature_import")}, categories={"country": ("DE",)})
    features, view, store = feature_set(definition), View(ws, definition), EventStore(store_url)
    seen, merged = 0, 0
    for day in (0, 3, 9, 14, 21, 40):
        at = START + day * DAY_US + 13 * HOUR_US
        tables = read_tables(ws, cut=at)
        leads = tables.leads
        batch = compute(features, tables, np.arange(len(leads)), np.full(len(leads), at))
        stored = store.leads([f"lead {i}" for i in range(40)])
        standings = {lead_id: view.standing(one, at) for lead_id, one in stored.items()}
        gone = {who for who, _, known in read_tables(ws, raw=True).links if known <= at}
        assert not gone & {*leads.ids, *(lead_id for lead_id, one in standings.items() if one is not None)}
        for i, lead_id in enumerate(leads.ids):
            standing = standings[lead_id]
            assert standing is not None
            live = view.matrix([standing], at, store)
            np.testing.assert_array_equal(live.values[0], batch.values[i], err_msg=f"{lead_id} on day {day}")
            assert live.features_as_of[0] == batch.features_as_of[i]
            assert standing.converted_at == (None if leads.converted_at[i] == NEVER else leads.converted_at[i])
            assert standing.account == leads.account[i]
            seen += 1
        merged += int((tables.events.known > tables.events.at + 4 * DAY_US).sum())  # nothing arrives so late by itself
    assert seen > 100
    assert merged > 5
    store.close()


def test_an_event_of_the_file_that_also_arrives_live_counts_once(tmp_path: Path, store_url: str) -> None:
    from serving.items import Arrival
    from serving.segment import clean

    write(tmp_path, "second", ids=True)
    load_history(tmp_path / "acme.yaml", url=store_url)
    store = EventStore(store_url)
    call = {"type": "track", "userId": "lead 1", "event": "login", "messageId": "same", "timestamp": "2026-04-01T00:00:00Z"}
    assert store.add([clean(call, Arrival(now=START + 90 * DAY_US))]) == ["conflict"]
    store.close()


def test_traits_are_stored_as_they_were_said(tmp_path: Path, store_url: str) -> None:
    write(tmp_path, "second", ids=True)
    load_history(tmp_path / "acme.yaml", url=store_url)
    leads = read_tables(load_workspace(tmp_path / "acme.yaml")).leads
    store = EventStore(store_url)
    for i, lead_id in enumerate(leads.ids):
        facts = {fact.name: fact.value for fact in store.leads([lead_id])[lead_id].facts}
        assert facts.get("title") == leads.traits["title"][i]
    assert set(leads.traits["title"]) == {"x", None}
    store.close()


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "second", ids=True)
    monkeypatch.setattr("features.storing.loading.BATCH", 100)
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TRIALWISE_DATABASE_URL", raising=False)
    told: list[tuple[int, int]] = []
    said: list[str] = []
    counts = load_history(tmp_path / "acme.yaml", say=said.append, progress=lambda done, total: told.append((done, total)))
    assert (tmp_path / "home" / "trialwise.db").exists()
    assert len(told) > 2
    assert told[-1] == (counts["events"], counts["events"])
    assert len(said) == 3


def test_a_table_without_dates_is_loaded_too(tmp_path: Path, store_url: str) -> None:
    from serving.view import View

    (tmp_path / "leads.csv").write_text("id,paid,country,size\na,1,DE,3\nb,0,,\nc,no,TR,4.5\n", encoding="utf-8")
    text = "name: plain\ndata: {leads: {source: leads.csv, id: id, converted: paid}}\n"
    text += "attributes: {country: category, size: number}\n"
    (tmp_path / "plain.yaml").write_text(text, encoding="utf-8")
    ws = load_workspace(tmp_path / "plain.yaml")
    assert load_history(tmp_path / "plain.yaml", url=store_url)["conversions_new"] == 1
    assert load_history(tmp_path / "plain.yaml", url=store_url)["conversions_new"] == 0
    tables, features = read_tables(ws), feature_set(ws.definition(categories={"country": ("DE",)}))
    batch = compute(features, tables, np.arange(3), np.zeros(3, dtype=np.int64))
    view, store = View(ws, features.definition), EventStore(store_url)
    now = parse_moment("2090-01-01")
    standings = [view.standing(lead, now) for lead in store.leads(["a", "b", "c"]).values()]
    assert [one is not None and one.converted_at is not None for one in standings] == [True, False, False]
    live = view.matrix([one for one in standings if one is not None], now, store)
    np.testing.assert_array_equal(live.values, batch.values)
    store.close()


def test_leads_that_only_their_events_know(tmp_path: Path, store_url: str) -> None:
    """No table of leads: the first event starts a lead, an event is the payment, some rows have no id."""
    from serving.view import View

    rows = [
        "who,what,when,id",
        "a,login,2026-04-01T00:00:00Z,",
        "a,login,2026-04-01T00:00:00Z,",
        "a,subscribed,2026-04-05T00:00:00Z,x",
    ]
    (tmp_path / "events.csv").write_text("\n".join([*rows, "b,login,2026-04-02T00:00:00Z,y"]) + "\n", encoding="utf-8")
    text = "name: plain\ndata:\n  events: {source: events.csv, lead: who, name: what, at: when, id: id}\n"
    (tmp_path / "plain.yaml").write_text(text + "  conversions: {events: [subscribed]}\n", encoding="utf-8")
    ws = load_workspace(tmp_path / "plain.yaml")
    first, again = (load_history(tmp_path / "plain.yaml", url=store_url) for _ in range(2))
    assert (first["events_new"], first["conversions"], again["events_new"]) == (4, 0, 0)
    view, store = View(ws, ws.definition()), EventStore(store_url)
    a = view.standing(store.leads(["a"])["a"], parse_moment("2026-05-01"))
    assert a is not None
    assert (format_us(a.lead.started_at)[:10], format_us(a.converted_at or 0)[:10]) == ("2026-04-01", "2026-04-05")
    assert view.matrix([a], parse_moment("2026-05-01"), store).row(0)["any_count_all"] == 3
    store.close()


def test_whom_the_workspace_ignores_and_how_to_reach_the_others(tmp_path: Path, store_url: str) -> None:
    from serving.view import View

    (tmp_path / "leads.csv").write_text(
        "id,at,mail\na,2026-04-01,x@acme.com\nb,2026-04-01,y@b.com\nc,2026-04-01,\n", encoding="utf-8"
    )
    text = "name: plain\ndata: {leads: {source: leads.csv, id: id, started_at: at}}\n"
    text += "contact: {email: mail}\nignore: {email: ['*@acme.com']}\n"
    (tmp_path / "plain.yaml").write_text(text, encoding="utf-8")
    ws = load_workspace(tmp_path / "plain.yaml")
    assert load_history(tmp_path / "plain.yaml", url=store_url)["events"] == 0
    view, store = View(ws, ws.definition()), EventStore(store_url)
    found = {lead_id: view.standing(lead, parse_moment("2026-05-01")) for lead_id, lead in store.leads(["a", "b", "c"]).items()}
    assert {lead_id: one.ignored for lead_id, one in found.items() if one is not None} == {"a": True, "b": False, "c": False}
    assert [fact.value for fact in store.leads(["b"])["b"].facts if fact.name == "mail"] == ["y@b.com"]
    store.close()
