"""The tables of a database become queries; on SQLite, and on PostgreSQL where there is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from features.errors import InputError, OutsideError
from features.inspecting.checkup import check
from features.inspecting.presets.database import Database, TableColumns, shown_url
from features.inspecting.presets.warehouse import all_of
from features.inspecting.proposal import propose
from features.tables import read_tables
from features.workspace import Workspace, parse_workspace
from tests.features.inspecting.presets.exports import call_tables, fill, ga4, posthog_row, snowplow_row
from tests.features.inspecting.presets.test_exports import ACTS, expected, seconds, told
from tests.store_fixture import store_url

__all__ = ["store_url"]


def proposed(url: str, preset: str | None, folder: Path) -> tuple[str, Workspace]:
    written = propose([], url=url, preset=preset, folder=folder, environment={})
    return written, parse_workspace(written, folder, environment={"WAREHOUSE_URL": url})


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize("preset", ["segment", "rudderstack", None])
def test_the_tables_of_calls(store_url: str, tmp_path: Path, preset: str | None) -> None:
    fill(store_url, call_tables(ACTS))
    written, ws = proposed(store_url, preset, tmp_path)
    report = check(ws)
    assert report.ok
    assert not any(table.refused for table in report.tables.values())
    tables = read_tables(ws)
    assert seconds(told(tables)) == seconds(expected(ACTS, merged=True))
    assert tables.leads.ids == sorted({act.user for act in ACTS if act.user})
    assert tables.leads.account[0] == "acme0"
    assert (ws.attributes, ws.contact) == ({"plan": "category"}, {"email": "email"})
    assert ws.data.identities is not None
    assert "'page:' || NULLIF(path, '')" in written
    assert "# or, in place of started_at, start: [signed_up]" in written


def test_what_is_known_first_is_what_counts(store_url: str, tmp_path: Path) -> None:
    tables = call_tables(ACTS)
    later = tables["identifies"][0] | {"id": "late", "timestamp": ACTS[-1].at, "plan": "changed"}
    fill(store_url, tables | {"identifies": [*tables["identifies"], later]})
    leads = read_tables(proposed(store_url, "segment", tmp_path)[1]).leads
    assert "changed" not in leads.attributes["plan"]
    assert len(leads) == 60


def test_aliases_and_a_time_of_creation(store_url: str, tmp_path: Path) -> None:
    tables = call_tables(ACTS)
    shared = tables["tracks"][0]
    tables["aliases"] = [shared | {"id": "al", "previous_id": "ghost", "user_id": "user-000", "timestamp": ACTS[-1].at}]
    tables["tracks"].append(shared | {"id": "gh", "user_id": None, "anonymous_id": "ghost", "event_text": "Haunted"})
    for row in tables["identifies"]:
        row["created_at"] = ACTS[0].at
    fill(store_url, tables)
    written, ws = proposed(store_url, "segment", tmp_path)
    read = read_tables(ws)
    assert "COALESCE(created_at, timestamp) AS started_at" in written
    assert "haunted" in read.events.names
    assert len(set(read.leads.started_at.tolist())) == 1


def test_users_alone_and_nobody_at_all(store_url: str, tmp_path: Path) -> None:
    tables = call_tables(ACTS)
    users = [{"id": act.user, "received_at": act.received} for act in ACTS if act.kind == "identify"]
    fill(store_url, {"tracks": tables["tracks"], "users": users})
    written, ws = proposed(store_url, "segment", tmp_path)
    assert "only what never changes may be an attribute" in written
    assert len(read_tables(ws).leads) == 60
    execute(store_url, "DROP TABLE users")
    written, ws = proposed(store_url, "segment", tmp_path)
    assert "start: [signed_up]" in written
    assert ws.data.identities is None
    assert check(ws).ok


@pytest.mark.parametrize("tool", ["posthog", "snowplow", "ga4", None])
def test_a_table_of_events(store_url: str, tmp_path: Path, tool: str | None) -> None:
    if tool == "ga4":
        rows = [json.loads(line) for line in ga4(tmp_path, ACTS)[0].read_text().splitlines()]
        rows = [row | {"event_params": json.dumps(row["event_params"]), "user_properties": "[]"} for row in rows]
        rows = [{"user_id": None, **row} for row in rows]
        fill(store_url, {"events_20260101": rows[::2], "events_20260102": rows[1::2]})
    elif tool == "snowplow":
        fill(
            store_url,
            {"events": [snowplow_row(act) | {"collector_tstamp": act.received, "derived_tstamp": act.at} for act in ACTS]},
        )
    else:
        posted = [posthog_row(act) | {"timestamp": act.at, "created_at": act.received} for act in ACTS]
        fill(store_url, {"events": [row | {"properties": json.dumps(row["properties"])} for row in posted]})
    written, ws = proposed(store_url, tool, tmp_path)
    report = check(ws)
    assert report.ok
    assert not any(table.refused for table in report.tables.values())
    assert seconds(told(read_tables(ws))) == seconds(expected(ACTS, merged=True))
    assert f"  # zorp: {sum(act.name == 'Zorp' for act in ACTS)} events" in written


def test_tables_of_nobody_in_particular(store_url: str, tmp_path: Path) -> None:
    users = [
        {"user_id": act.user, "created_at": act.at, "plan": act.properties["plan"]} for act in ACTS if act.kind == "identify"
    ]
    events = [
        {"id": str(act.number), "user_id": act.user, "action": act.name, "ts": act.at} for act in ACTS if act.user and act.name
    ]
    paid = [{"user_id": act.user, "paid_at": act.at} for act in ACTS if act.name == "Subscription Started"]
    fill(store_url, {"customers": users, "app_events": events, "payments": paid})
    _, ws = proposed(store_url, None, tmp_path)
    report = check(ws)
    assert report.ok
    assert {name: table.read for name, table in report.tables.items()} == {
        "leads": 60,
        "events": len(events),
        "conversions": len(paid),
    }
    assert not any(table.refused for table in report.tables.values())
    assert ws.attributes == {"plan": "category"}


def test_identifies_without_a_user_tell_no_leads(tmp_path: Path) -> None:
    url, tables = f"sqlite:///{tmp_path / 'x.db'}", call_tables(ACTS)
    fill(url, {"tracks": tables["tracks"], "identifies": [row | {"user_id": None} for row in tables["identifies"]]})
    written, ws = proposed(url, "segment", tmp_path)
    assert "start: [signed_up]" in written
    assert check(ws).ok


def test_the_days_of_an_export_have_one_name_in_bigquery() -> None:
    days = [TableColumns("ga", f"events_2026010{i}", {}) for i in range(3)]
    database = Database("", create_engine("sqlite://"), "")
    assert all_of(database, days[:1], "a") == "SELECT a FROM ga.events_20260100"
    database.engine.dialect.name = "bigquery"
    assert all_of(database, days, "a") == "SELECT a FROM `ga.events_*`"


def test_a_schema_of_its_own_and_a_password(store_url: str, tmp_path: Path) -> None:
    if make_url(store_url).get_backend_name() == "sqlite":
        pytest.skip("SQLite has no schemas and no passwords")
    execute(store_url, "CREATE SCHEMA prod")
    fill(store_url, call_tables(ACTS), "prod")
    url = make_url(store_url).set(password="s3cret").render_as_string(hide_password=False)
    written, ws = proposed(url, "segment", tmp_path)
    assert "s3cret" not in written
    assert "set WAREHOUSE_URL before you run anything" in written
    assert "FROM prod.tracks" in written
    assert check(ws).ok


@pytest.mark.parametrize(
    ("url", "environment", "shown"),
    [
        ("postgresql://ann:x@db/acme", {}, "${WAREHOUSE_URL}"),
        ("postgresql://ann:x@db/acme", {"ACME_DB": "postgresql://ann:x@db/acme"}, "${ACME_DB}"),
        ("postgresql://ann@db/acme", {}, '"postgresql://ann@db/acme"'),
        ("snowflake://ann@acme/db?private_key=x", {}, "${WAREHOUSE_URL}"),
        ("postgresql://ann@db/acme?password=x", {}, "${WAREHOUSE_URL}"),
    ],
)
def test_a_password_is_never_written(url: str, environment: dict[str, str], shown: str) -> None:
    assert shown_url(url, environment) == shown


def test_what_is_wrong_with_a_database_is_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"

    def refused(preset: str | None, at: str = url) -> str:
        with pytest.raises(InputError) as caught:
            propose([], url=at, preset=preset, folder=tmp_path, environment={})
        return str(caught.value)

    assert "the database of a source is missing" in refused(None)
    assert "dialect://user@host/database" in refused(None, "no address")
    assert "no driver for nosuch" in refused(None, "nosuch://x")
    execute(url, "PRAGMA user_version = 1")
    (tmp_path / "empty.db").write_bytes(b"")
    assert "the database has no tables" in refused("segment", f"sqlite:///{tmp_path / 'empty.db'}")
    execute(url, "CREATE TABLE trackz (id TEXT)")
    assert "did you mean the table 'trackz'?" in refused("segment")
    assert "a table called events" in refused("snowplow")
    assert "no table looks like events" in refused(None)
    execute(url, "CREATE TABLE tracks (id TEXT, received_at TEXT, user_id TEXT)")
    assert "table tracks has no column 'event_text'" in refused("segment")
    execute(url, "CREATE TABLE events (a TEXT)")
    assert "table events is empty" in refused("posthog")
    execute(url, "INSERT INTO events VALUES ('x')")
    assert "events does not have the columns of PostHog's events" in refused("posthog")
    assert "there is no preset 'posthogg'" in refused("posthogg")
    execute(url, "DROP TABLE events", "CREATE TABLE events (user_id TEXT, event TEXT, ts TEXT, odd)", "DROP TABLE tracks")
    assert "table events is empty" in refused(None)
    with pytest.raises(InputError, match="files and --url exclude each other"):
        propose([tmp_path / "e.csv"], url=url)


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="cannot be reached") as caught:
        propose([], url="postgresql+psycopg://ann:s3cret@127.0.0.1:1/acme", preset="segment", folder=tmp_path)
    assert caught.value.exit_code == 3
    assert "s3cret" not in str(caught.value)


def test_times_in_whole_seconds_are_told_by_their_size(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"lead": act.user, "event": act.name, "at": int(act.at.timestamp())} for act in ACTS if act.user and act.name
    ]
    (tmp_path / "e.csv").write_text("user_id,event,ts\n" + "".join(f"{row['lead']},{row['event']},{row['at']}\n" for row in rows))
    written = propose([tmp_path / "e.csv"], folder=tmp_path)
    assert "\n    at: ts in seconds " in written
    ws = parse_workspace(written, tmp_path, environment={})
    assert check(ws).ok
    first = min(act.at for act in ACTS if act.user and act.name)
    assert read_tables(ws).report["events"].as_dict()["first"] == f"{first:%Y-%m-%dT%H:%M:%S}.000000Z"
