from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from features.errors import InputError
from features.reading.sources import Reading, as_array, open_file, open_sources
from features.reading.table_report import Finding
from features.tables import read_tables
from features.workspaces.data import FileSource, SqlSource, StoreSource
from tests.features.disk import put, workspace


def rows(reading: Reading) -> list[dict[str, Any]]:
    return [row for _, piece in reading for row in pa.table(piece.columns).to_pylist()]


def files(folder: Path, *patterns: str, store: Any = None) -> list[Any]:
    return open_sources("events", [FileSource(path=one) for one in patterns], folder, store=store)


def test_a_list_and_a_glob_read_each_file_once_in_order(tmp_path: Path) -> None:
    for name in ("e2.csv", "e1.csv", "x.csv.gz"):
        put(tmp_path, name, f"id\n{name}\n")
    origins = files(tmp_path, "x.csv.gz", "e*.csv", "e1.csv")
    assert [origin.name for origin in origins] == ["x.csv.gz", "e1.csv", "e2.csv"]
    assert rows(Reading("events", origins, {"id": "key"})) == [{"id": "x.csv.gz"}, {"id": "e1.csv"}, {"id": "e2.csv"}]


def test_a_folder_with_brackets_is_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "data [2026]"
    folder.mkdir()
    put(folder, "e1.csv", "id\n1\n")
    assert [origin.name for origin in files(folder, "e?.csv")] == ["e1.csv"]
    (tmp_path / "y").mkdir()
    put(tmp_path / "y", "e2.csv", "id\n2\n")
    assert [origin.name for origin in files(folder, f"{tmp_path}/y/*.csv", "../y/e*.csv")] == ["e2.csv"]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("event.csv", "did you mean 'events.csv'"),
        ("nowhere/e.csv", "correct data.events.source"),
        ("q*.csv", "no file fits data.events.source"),
        ("folder", "data.events.source is a folder"),
        ("empty.csv", "empty.csv is empty"),
        ("notes.txt", "no format that is read here"),
    ],
)
def test_what_is_no_source(tmp_path: Path, pattern: str, sentence: str) -> None:
    put(tmp_path, "events.csv", "id\n1\n")
    put(tmp_path, "empty.csv", "")
    put(tmp_path, "notes.txt", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="(?s).*" + sentence.replace(".", "[.]")) as caught:
        files(tmp_path, pattern)
    assert caught.value.exit_code == 2


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    put(tmp_path, "events.csv", "lead,evnt\n1,x\n")
    with pytest.raises(InputError, match="did you mean 'evnt'") as caught:
        rows(Reading("events", files(tmp_path, "events.csv"), {"event": "data.events.name"}))
    assert caught.value.expected == "'event', as data.events.name says"
    with pytest.raises(InputError, match=r"correct data[.]events[.]at"):
        rows(Reading("events", files(tmp_path, "events.csv"), {"zzzzzz": "data.events.at"}))


def test_a_column_twice(tmp_path: Path) -> None:
    put(tmp_path, "events.csv", "lead,lead\n1,x\n")
    with pytest.raises(InputError, match="two columns of one name"):
        rows(Reading("events", files(tmp_path, "events.csv"), {"lead": "data.events.lead"}))


def test_optional_columns_stand_in_some_file(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "id,n\n1,2\n")
    put(tmp_path, "b.csv", "id\n3\n")
    origins = files(tmp_path, "a.csv", "b.csv")
    pieces = [piece for _, piece in Reading("events", origins, {"id": "k"}, {"n": "data.events.count"}, maybe=["m"])]
    assert [piece.column("n").to_pylist() for piece in pieces] == [["2"], [None]]
    with pytest.raises(InputError, match=r"a[.]csv and b[.]csv has no column 'm'"):
        rows(Reading("events", origins, {"id": "k"}, {"m": "data.events.count"}))


def test_json_lines_have_no_header(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", [{"id": 1}, {"id": 2}])
    reading = Reading("events", files(tmp_path, "a.jsonl"), {"id": "k"}, {"n": "data.events.count"})
    assert rows(reading) == [{"id": 1, "n": None}, {"id": 2, "n": None}]
    assert reading.absent == {"n": "data.events.count"}
    with pytest.raises(InputError, match=r"a[.]jsonl has no column 'user'"):
        rows(Reading("events", files(tmp_path, "a.jsonl"), {"user": "data.events.lead"}))


def test_an_optional_key_that_no_line_has_is_noted(tmp_path: Path) -> None:
    body = "data: {events: {source: e.jsonl, properties: [plan]}}\n"
    tables = read_tables(workspace(tmp_path, body, e__jsonl=[{"lead_id": 1, "event": "x", "timestamp": "2026-05-01"}]))
    assert tables.findings == [Finding("warn", "plan", "no row of data.events has it, though data.events.properties names it")]
    assert tables.events.properties["plan"].tolist() == [None]


def test_the_store_is_read_by_who_has_it() -> None:
    def read(table: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        assert (table, columns) == ("events", ["id"])
        yield pa.table({"id": ["a", "b"], "other": [1, 2]})
        yield pa.table({"id": ["c"]})

    with pytest.raises(InputError, match="is the store"):
        open_sources("events", [StoreSource()], Path())
    origins = open_sources("events", [StoreSource()], Path(), store=read)
    pieces = [piece for _, piece in Reading("events", origins, {"id": "k"})]
    assert [(piece.first, piece.column("id").to_pylist()) for piece in pieces] == [(0, ["a", "b"]), (2, ["c"])]
    assert origins[0].lines(pieces[1].first + pa.array([0]).to_numpy()).tolist() == [3]
    assert origins[0].spoilt() == []


def test_a_query_is_a_source() -> None:
    (origin,) = open_sources("events", [SqlSource(url="sqlite://", query="select 1 as id")], Path())
    assert rows(Reading("events", [origin], {"id": "k"})) == [{"id": 1}]
    with pytest.raises(InputError, match="has no column 'lead'"):
        rows(Reading("events", [origin], {"lead": "k"}))


def test_columns_of_python_values() -> None:
    assert as_array([]).type == pa.string()
    assert as_array([None, None]).type == pa.string()
    assert as_array([1.5, None]).type == pa.float64()
    assert as_array([2**70]).to_pylist() == [str(2**70)]
    assert as_array([["VIP", 1], {"b": 2, "a": None}]).to_pylist() == ['["VIP", 1]', '{"a": null, "b": 2}']
    assert as_array(["1", 1, 1.0, True, None]).to_pylist() == ["1", "1", "1", "true", None]


@pytest.mark.parametrize("name", ["e.csv", "e.jsonl", "e.ndjson.gz", "e.json", "e.parquet", "e.pq", "e.CSV.gz"])
def test_formats_by_ending(tmp_path: Path, name: str) -> None:
    content: Any = [{"id": "1"}]
    if "csv" in name.lower():
        content = "id\n1\n"
    if "p" in name.split(".")[1]:
        content = pa.table({"id": ["1"]})
    origin = open_file(put(tmp_path, name, content))
    assert [piece.rows for _, piece in Reading("events", [origin], {"id": "k"})] == [1]
