from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy.exc import OperationalError

from features.clock import HOUR_US, from_datetime
from features.errors import InputError, OutsideError
from features.reading.source_sql import SqlOrigin
from features.reading.sources import EVERY, as_array


@pytest.fixture
def url(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "w.db")) as connection:
        connection.execute("create table events (lead text, at text, n integer)")
        rows = [(f"l{i}", f"2026-05-{i + 1:02d} 09:00:00.000000", i) for i in range(5)]
        connection.executemany("insert into events values (?, ?, ?)", rows)
        connection.commit()
    return f"sqlite:///{tmp_path / 'w.db'}"


def read(origin: SqlOrigin, *wanted: str) -> list[dict[str, Any]]:
    return [row for piece in origin.pieces(wanted, frozenset()) for row in pa.table(piece.columns).to_pylist()]


def test_rows_come_in_chunks(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.reading.source_sql._ROWS", 2)
    origin = SqlOrigin(url, "select lead, n from events order by lead")
    assert origin.columns() is None
    pieces = list(origin.pieces(["n", "lead", "absent"], frozenset()))
    assert [(piece.first, piece.rows) for piece in pieces] == [(0, 2), (2, 2), (4, 1)]
    assert pieces[2].columns["lead"].to_pylist() == ["l4"]
    assert origin.columns() == ["lead", "n"]
    assert origin.lines(np.arange(2)).tolist() == [1, 2]
    assert origin.spoilt() == []


def test_times_are_bound_where_the_query_has_them(url: str) -> None:
    query = "select lead from events where at > :since and at <= :as_of order by lead"
    cut = from_datetime(datetime(2026, 5, 3, 9, tzinfo=UTC))
    assert read(SqlOrigin(url, query, as_of=cut), "lead") == [{"lead": "l0"}, {"lead": "l1"}, {"lead": "l2"}]
    assert len(read(SqlOrigin(url, "select lead from events where at <= :as_of"), "lead")) in range(6)


def test_an_answer_without_rows_still_has_columns(url: str) -> None:
    origin = SqlOrigin(url, "select lead from events where n > 99")
    assert [piece.rows for piece in origin.pieces(["lead"], frozenset())] == [0]
    assert origin.columns() == ["lead"]


def test_values_of_databases() -> None:
    assert as_array([datetime.fromisoformat("2026-05-07T09:00"), None]).to_pylist() == ["2026-05-07T09:00:00", None]
    zoned = [datetime.fromisoformat(f"2026-05-07T09:00+0{hours}:00") for hours in (0, 2)]
    read = as_array([zoned[0], None, zoned[1]])
    assert (read.type, read.cast("int64").to_pylist()) == (
        pa.timestamp("us", "UTC"),
        [from_datetime(zoned[0]), None, from_datetime(zoned[0]) - 2 * HOUR_US],
    )
    assert as_array([zoned[0], datetime.fromisoformat("2026-05-07T09:00")]).type == pa.string()
    assert as_array([date(2026, 5, 7), Decimal("1.50")]).to_pylist() == ["2026-05-07", "1.5"]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("no address", "cannot be read"), ("nosuch://host/db", "no driver for nosuch"), ("sqlite:////no/such.db", "is missing")],
)
def test_addresses_that_cannot_be_used(address: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(SqlOrigin(address, "select 1 as n"), "n")


def test_a_query_that_does_not_run(url: str) -> None:
    with pytest.raises(InputError, match="no such table: absent"):
        read(SqlOrigin(url, "select * from absent"), "n")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("select lead from events where at > :start", "a value that nobody gives: given :start"), ("delete from events", "no rows")],
)
def test_a_query_that_is_no_question(url: str, query: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(SqlOrigin(url, query), "lead")
    assert len(read(SqlOrigin(url, "select lead from events where 'a:b' <> '09:30'"), "lead")) == 5  # nothing was deleted


def test_a_database_that_does_not_answer(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="unable to open") as caught:
        read(SqlOrigin(f"sqlite:///{tmp_path}", "select 1 as n"), "n")
    assert caught.value.exit_code == 3

    def gone(*_: Any, **__: Any) -> None:
        raise OperationalError("select", {}, Exception(""), connection_invalidated=True)

    monkeypatch.setattr("sqlalchemy.engine.Connection.execute", gone)
    with pytest.raises(OutsideError, match="cannot be reached"):
        read(SqlOrigin(url, "select 1 as n"), "n")


def test_a_password_is_in_no_message() -> None:
    assert "s3cret" not in SqlOrigin("postgresql+psycopg://me:s3cret@host/db", "select 1").name


@pytest.mark.postgres
def test_times_and_nested_values_of_a_real_database() -> None:
    server = os.environ.get("TRIALWISE_TEST_POSTGRES")
    if not server:
        pytest.skip("TRIALWISE_TEST_POSTGRES names no server")
    rows = """('a', '2026-05-01T09:00Z', '{"plan": "pro"}'), ('b', '2026-05-03T11:00+02', null), ('c', '2026-05-04', '{}')"""
    query = f"select lead, at::timestamptz as at, said::jsonb as j from (values {rows}) as t (lead, at, said)"
    cut = from_datetime(datetime(2026, 5, 3, 9, tzinfo=UTC))
    found = read(
        SqlOrigin(server, f"select * from ({query}) q where at > :since and at <= :as_of order by lead", as_of=cut),
        "lead",
        "at",
        "j",
    )
    assert [row["lead"] for row in found] == ["a", "b"]
    assert found[1]["at"] == datetime(2026, 5, 3, 9, tzinfo=UTC)
    assert [row["j"] for row in found] == ['{"plan": "pro"}', None]
    every = next(SqlOrigin(server, query).pieces(["lead", EVERY], frozenset()))
    assert list(every.columns) == ["lead", "at", "j"]


@pytest.mark.postgres
def test_a_large_answer_is_never_held_as_a_whole() -> None:
    server = os.environ.get("TRIALWISE_TEST_POSTGRES")
    if not server:
        pytest.skip("TRIALWISE_TEST_POSTGRES names no server")
    # A billion rows would take minutes and all memory, were they not streamed.
    pieces = SqlOrigin(server, "select generate_series(1, 1000000000) as n").pieces(["n"], frozenset())
    assert next(pieces).columns["n"][:3].to_pylist() == [1, 2, 3]
    assert next(pieces).first > 0
    pieces.close()  # type: ignore[attr-defined]  # a generator, though declared as an iterator
