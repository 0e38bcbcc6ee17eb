"""The same history as each tool exports it, written from the tools' documented schemas."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from sqlalchemy import Column, DateTime, MetaData, String, Table, create_engine

from tests.features.inspecting.presets.world import Act, iso, naive


def json_lines(path: Path, rows: Iterable[Any]) -> Path:
    text = "\n".join(json.dumps(row) for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())
    return path


def posthog_row(act: Act) -> dict[str, Any]:
    names = {"page": "$pageview", "screen": "$screen", "identify": "$identify"}
    extra: dict[str, Any] = {"$lib": "web"}
    if act.kind == "page":
        extra |= {"$pathname": act.name, "$current_url": f"https://acme.test{act.name}"}
    if act.kind == "screen":
        extra |= {"$screen_name": act.name}
    if act.kind == "identify":
        extra |= {"$anon_distinct_id": act.visitor, "$set": {"email": "x"}}
    return {
        "uuid": f"0000-{act.number}", "event": names.get(act.kind, act.name), "properties": act.properties | extra,
        "distinct_id": act.user or act.visitor, "person_id": f"p-{act.visitor}", "timestamp": iso(act.at),
        "created_at": iso(act.received), "_inserted_at": iso(act.received), "elements_chain": "",
    }  # fmt: skip


def posthog(folder: Path, acts: Sequence[Act]) -> list[Path]:
    return [json_lines(folder / "events.jsonl.gz", map(posthog_row, acts))]


def posthog_parquet(folder: Path, acts: Sequence[Act]) -> list[Path]:
    rows = [posthog_row(act) | {"timestamp": act.at, "created_at": act.received} for act in acts]
    for row in rows:
        row["properties"] = json.dumps(row["properties"])
    parquet.write_table(pa.Table.from_pylist(rows), folder / "events.parquet")
    return [folder / "events.parquet"]


def mixpanel(folder: Path, acts: Sequence[Act]) -> list[Path]:
    def row(act: Act) -> dict[str, Any]:
        inner = act.properties | {
            "time": int(act.at.timestamp()), "distinct_id": act.user or f"$device:{act.visitor}", "$insert_id": f"i{act.number}",
            "$device_id": act.visitor, "mp_processing_time_ms": int(act.received.timestamp() * 1000), "mp_lib": "web",
        }  # fmt: skip
        if act.user:
            inner["$user_id"] = act.user
        if act.kind == "page":
            inner["current_url_path"] = act.name
        return {"event": {"page": "$mp_web_page_view", "identify": "$identify"}.get(act.kind, act.name), "properties": inner}

    return [json_lines(folder / "mixpanel.jsonl", map(row, acts))]


def amplitude(folder: Path, acts: Sequence[Act]) -> list[Path]:
    def row(act: Act) -> dict[str, Any]:
        names = {"page": "[Amplitude] Page Viewed", "identify": "$identify"}
        page = {"[Amplitude] Page Path": act.name} if act.kind == "page" else {}
        return {
            "event_type": names.get(act.kind, act.name), "user_id": act.user, "amplitude_id": 9000 + int(act.visitor[-3:]),
            "device_id": act.visitor, "event_time": naive(act.at), "client_event_time": naive(act.at),
            "server_received_time": naive(act.received), "server_upload_time": naive(act.received),
            "$insert_id": f"i{act.number}", "uuid": f"u{act.number}", "event_properties": act.properties | page,
            "user_properties": {"plan": "free"}, "groups": {}, "session_id": 1, "platform": "Web", "country": "Norway",
        }  # fmt: skip

    return [json_lines(folder / f"amplitude_{i}.json.gz", map(row, acts[i::2])) for i in range(2)]


def ga4(folder: Path, acts: Sequence[Act]) -> list[Path]:
    def row(act: Act) -> dict[str, Any]:
        names = {"page": "page_view", "screen": "screen_view", "identify": "login"}
        name = names.get(act.kind, act.name.lower().replace(" ", "_"))
        name = {"signed_up": "sign_up", "subscription_started": "purchase"}.get(name, name)
        params: list[dict[str, Any]] = [{"key": "ga_session_id", "value": {"int_value": "1767"}}]
        if act.kind == "page":
            params.append({"key": "page_location", "value": {"string_value": f"https://acme.test{act.name}?utm=x"}})
        if act.kind == "screen":
            params.append({"key": "firebase_screen", "value": {"string_value": act.name}})
        params += [{"key": key, "value": {"int_value": str(value)}} for key, value in act.properties.items() if key == "seats"]
        return {
            "event_date": act.at.strftime("%Y%m%d"), "event_timestamp": str(int(act.at.timestamp() * 1_000_000)),
            "event_name": name, "event_params": params, "user_pseudo_id": act.visitor, "platform": "WEB", "user_properties": [],
        } | ({"user_id": act.user} if act.user else {})  # fmt: skip

    return [json_lines(folder / "events_20260101.json", map(row, acts))]


def snowplow_row(act: Act) -> dict[str, Any]:
    names = {"page": "page_view", "identify": "login", "screen": "screen_view"}
    return {
        "app_id": "web", "platform": "web", "collector_tstamp": naive(act.received)[:-3],
        "dvce_created_tstamp": naive(act.at)[:-3], "event_id": f"e{act.number}",
        "event": "page_view" if act.kind == "page" else "struct" if act.kind == "track" else "unstruct",
        "user_id": act.user, "domain_userid": act.visitor, "page_urlpath": act.name if act.kind == "page" else None,
        "se_category": "app" if act.kind == "track" else None, "se_action": act.name if act.kind == "track" else None,
        "derived_tstamp": naive(act.at)[:-3], "event_name": "event" if act.kind == "track" else names[act.kind],
    }  # fmt: skip


def snowplow(folder: Path, acts: Sequence[Act]) -> list[Path]:
    return [_table(folder / "events.tsv", list(map(snowplow_row, acts)), "\t")]


def segment_calls(folder: Path, acts: Sequence[Act]) -> list[Path]:
    def row(act: Act) -> dict[str, Any]:
        call: dict[str, Any] = {
            "type": act.kind, "messageId": f"m{act.number}", "anonymousId": act.visitor, "timestamp": iso(act.at),
            "originalTimestamp": iso(act.at), "sentAt": iso(act.received), "receivedAt": iso(act.received),
            "context": {"ip": "1.2.3.4", "page": {"path": "/x"}},
        }  # fmt: skip
        call |= {"userId": act.user} if act.user else {}
        if act.kind == "identify":
            return call | {"traits": act.properties}
        call["properties"] = act.properties | ({"path": act.name} if act.kind == "page" else {})
        return call | ({"event": act.name} if act.kind == "track" else {"name": act.name} if act.kind == "screen" else {})

    return [json_lines(folder / "calls.jsonl", map(row, acts))]


def call_tables(acts: Sequence[Act]) -> dict[str, list[dict[str, Any]]]:
    """Return Segment's warehouse tables: rows by table."""
    tables: dict[str, list[dict[str, Any]]] = {
        "tracks": [],
        "pages": [],
        "screens": [],
        "identifies": [],
        "users": [],
        "groups": [],
    }
    for act in acts:
        shared = {
            "id": f"m{act.number}", "received_at": act.received, "sent_at": act.received, "original_timestamp": act.at,
            "timestamp": act.at, "user_id": act.user, "anonymous_id": act.visitor, "context_ip": "1.2.3.4",
        }  # fmt: skip
        if act.kind == "track":
            tables["tracks"].append(shared | {"event": act.name.lower().replace(" ", "_"), "event_text": act.name})
        elif act.kind == "page":
            tables["pages"].append(shared | {"path": act.name, "name": None, "url": f"https://acme.test{act.name}"})
        elif act.kind == "screen":
            tables["screens"].append(shared | {"name": act.name})
        else:
            tables["identifies"].append(shared | act.properties)
            tables["users"].append({"id": act.user, "received_at": act.received, **act.properties})
            group = f"acme{int(str(act.user)[-3:]) % 40}"
            tables["groups"].append({**shared, "id": f"g{act.number}", "group_id": group})
    return tables


def segment_files(folder: Path, acts: Sequence[Act]) -> list[Path]:
    tables = call_tables(acts)
    return [
        _table(folder / f"{name}.csv", [_written(row) for row in tables[name]], ",")
        for name in ("tracks", "pages", "identifies", "users")
    ]


def _written(row: dict[str, Any]) -> dict[str, Any]:
    return {key: naive(value) if hasattr(value, "strftime") else value for key, value in row.items()}


def _table(path: Path, rows: Sequence[dict[str, Any]], delimiter: str) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def fill(url: str, tables: dict[str, list[dict[str, Any]]], schema: str | None = None) -> None:
    """Put rows into tables of a database; whatever holds a time is a timestamp."""
    engine, meta = create_engine(url), MetaData(schema=schema)
    for name, rows in tables.items():
        kinds = {
            key: DateTime(timezone=True) if hasattr(value, "strftime") else String() for row in rows for key, value in row.items()
        }
        Table(name, meta, *(Column(key, kind) for key, kind in kinds.items()))
    with engine.begin() as connection:
        meta.create_all(connection)
        for name, rows in tables.items():
            connection.execute(meta.tables[f"{schema}.{name}" if schema else name].insert(), rows)
    engine.dispose()


Writer = Callable[[Path, Sequence[Act]], list[Path]]
WRITERS: dict[str, tuple[str, Writer]] = {
    "posthog": ("posthog", posthog),
    "posthog_parquet": ("posthog", posthog_parquet),
    "mixpanel": ("mixpanel", mixpanel),
    "amplitude": ("amplitude", amplitude),
    "ga4": ("ga4", ga4),
    "snowplow": ("snowplow", snowplow),
    "segment_calls": ("segment", segment_calls),
    "rudderstack_calls": ("rudderstack", segment_calls),
    "segment_files": ("segment", segment_files),
}
