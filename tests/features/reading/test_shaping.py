"""Nested values and terms read as plain columns, whatever the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import create_engine, text

from features.errors import InputError
from features.tables import Tables, read_tables
from features.workspace import parse_workspace

ROWS: list[dict[str, Any]] = [
    {"event": "view", "properties": {"time": 1_778_144_400, "who": "a", "path": "/x", "n": 3}, "deep": {"id": "m1"}},
    {"event": "click", "properties": {"time": 1_778_144_401, "who": "b", "path": "/y"}, "deep": {"id": "m2"}},
    {"event": "quiet", "properties": {"time": 1_778_144_402, "anonymous": "c", "path": "/z"}, "deep": {"id": "m3"}},
]
EVENTS = 'lead: who or anonymous, name: "page:{path} if event = view or event unless event = quiet", at: time in seconds'


def read(folder: Path, source: str, keys: str = EVENTS, more: str = "id: deep.id, properties: [n]") -> Tables:
    ws = parse_workspace(f"version: 1\nname: x\ndata:\n  events: {{source: {source}, {keys}, {more}}}\n", folder, environment={})
    return read_tables(ws)


def put(folder: Path, kind: str) -> str:
    flat = [{"event": row["event"], "properties": json.dumps(row["properties"]), "deep": json.dumps(row["deep"])} for row in ROWS]
    if kind == "jsonl":
        (folder / "e.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    elif kind == "json":
        (folder / "e.json").write_text(json.dumps(ROWS, indent=2))
    elif kind == "parquet":
        parquet.write_table(pa.Table.from_pylist(ROWS), folder / "e.parquet")
    elif kind == "text.parquet":
        parquet.write_table(pa.Table.from_pylist(flat), folder / "e.text.parquet")
    elif kind == "tsv":
        quoted = ['"' + value.replace('"', '""') + '"' for row in flat for value in row.values()]
        lines = ["\t".join(quoted[i : i + 3]) for i in range(0, len(quoted), 3)]
        (folder / "e.tsv").write_text("\n".join(["event\tproperties\tdeep", *lines]) + "\n")
    else:
        engine = create_engine(f"sqlite:///{folder / 'e.db'}")
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE e (event TEXT, properties TEXT, deep TEXT)"))
            connection.execute(text("INSERT INTO e VALUES (:event, :properties, :deep)"), flat)
        engine.dispose()
        return f'{{url: "sqlite:///{folder / "e.db"}", query: "SELECT * FROM e"}}'
    return f"e.{kind}"


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "text.parquet", "tsv", "sql"])
def test_one_shape_in_every_format(tmp_path: Path, kind: str) -> None:
    tables = read(tmp_path, put(tmp_path, kind))
    assert tables.leads.ids == ["a", "b"], "what is passed over starts nobody"
    assert tables.events.names == ["click", "page:/x"]
    assert tables.events.at.tolist() == [1_778_144_400_000_000, 1_778_144_401_000_000]
    assert tables.events.properties["n"][0] == 3
    assert (tables.report["events"].outside, tables.report["events"].refused_count) == (1, 0)
    assert not tables.findings or "never start" in tables.findings[0].evidence


def test_a_column_that_has_the_very_name_comes_first(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("a or b,a,b,time in seconds,event\nme,you,they,2026-01-01T00:00:00Z,x\n")
    tables = read(tmp_path, "e.csv", "lead: a or b, name: event, at: time in seconds", "properties: [b]")
    assert tables.leads.ids == ["me"]
    (tmp_path / "e.jsonl").write_text('{"a or b": "me", "a": "you", "t": "2026-01-01T00:00:00Z", "event": "x"}')
    assert read(tmp_path, "e.jsonl", "lead: a or b, name: event, at: t", "properties: [a]").leads.ids == ["me"]


def test_files_of_one_list_may_differ(tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").write_text("user_id,event,timestamp\na,login,2026-01-01T00:00:00Z\n")
    (tmp_path / "pages.csv").write_text("user_id,path,timestamp\na,/x,2026-01-01T00:00:00Z\n")
    tables = read(tmp_path, "[tracks.csv, pages.csv]", 'lead: user_id, name: "event or page:{path}"', "at: timestamp")
    assert tables.events.names == ["login", "page:/x"]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ("lead: who, name: event, at: tme in seconds", "every row of data.events is refused"),
        ("lead: whom or nobody, name: event, at: time in seconds", "no column 'whom or nobody'"),
        ("lead: user, name: event, at: when", "numbers that count from 1970 on need their unit, such as 'when in seconds'"),
        ("lead: user, name: event, at: when in milliseconds", "time out of range"),
    ],
)
def test_what_is_not_there_is_a_sentence(tmp_path: Path, keys: str, sentence: str) -> None:
    rows = {"user": ["a"], "event": ["x"], "when": [1_778_144_400]}
    parquet.write_table(
        pa.table(rows if "whom" in keys or "when" in keys else {"who": ["a"], "event": ["x"], "properties": ["{}"]}),
        tmp_path / "e.parquet",
    )
    with pytest.raises(InputError) as caught:
        read(tmp_path, "e.parquet", keys, "properties: []")
    assert sentence in str(caught.value)


def test_a_property_that_no_object_has_is_noted(tmp_path: Path) -> None:
    tables = read(tmp_path, put(tmp_path, "text.parquet"), more="properties: [n, absent]")
    assert [(one.column, one.level) for one in tables.findings if one.column == "absent"] == [("absent", "warn")]
