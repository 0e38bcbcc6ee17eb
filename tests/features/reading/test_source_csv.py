from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from features.errors import InputError
from features.reading.source_csv import CsvOrigin
from tests.features.disk import put


def read(origin: CsvOrigin, *wanted: str) -> list[dict[str, str]]:
    found = []
    for piece in origin.pieces(wanted, frozenset(["event"])):
        columns = {name: column.to_pylist() for name, column in piece.columns.items()}
        found += [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return found


def test_everything_is_text_and_order_is_kept(tmp_path: Path) -> None:
    origin = CsvOrigin(put(tmp_path, "e.csv", "﻿id,n,event\n007,1.50,a\n,2026-05-07,\n"))
    assert origin.columns() == ["id", "n", "event"]
    assert read(origin, "n", "id", "event", "absent") == [
        {"n": "1.50", "id": "007", "event": "a"},
        {"n": "2026-05-07", "id": "", "event": ""},
    ]
    assert origin.spoilt() == []


@pytest.mark.parametrize("name", ["e.csv", "e.csv.gz"])
def test_semicolons_of_a_spreadsheet(tmp_path: Path, name: str) -> None:
    """Where decimals have a comma, values have semicolons between them."""
    text = '\ufeffid;event;note\r\na;Login;"x; y"\r\nb;export;1,5\r\nc;too;many;values\r\n'
    origin = CsvOrigin(put(tmp_path, name, text))
    assert origin.columns() == ["id", "event", "note"]
    assert read(origin, "id", "note") == [{"id": "a", "note": "x; y"}, {"id": "b", "note": "1,5"}]
    assert origin.spoilt() == [(4, "wrong_number_of_values")]
    assert origin.lines(np.arange(2)).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("id,a;b\n1,2\n", ["id", "a;b"]),
        ('"a;b"\n1\n', ["a;b"]),
        ("id\n1;2\n", ["id"]),
        ('"id, old";event\n1;2\n', ["id, old", "event"]),
    ],
)
def test_only_a_header_without_commas_is_parted_by_semicolons(tmp_path: Path, text: str, columns: list[str]) -> None:
    assert CsvOrigin(put(tmp_path, "e.csv", text)).columns() == columns


@pytest.mark.parametrize("name", ["e.csv", "e.csv.gz", "E.CSV.GZ"])
def test_lines_are_those_of_an_editor(tmp_path: Path, name: str) -> None:
    text = 'id,note\r\na,"one\r\ntwo"\r\n\r\nb,x\r\nc\r\nd,y,z\r\ne,"q ""w"""\r\n'
    origin = CsvOrigin(put(tmp_path, name, text))
    assert [row["id"] for row in read(origin, "id")] == ["a", "b", "e"]
    assert origin.lines(np.arange(3)).tolist() == [2, 5, 8]
    assert origin.spoilt() == [(6, "wrong_number_of_values"), (7, "wrong_number_of_values")]


def test_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.reading.source_csv._BLOCK", 64)
    origin = CsvOrigin(put(tmp_path, "e.csv", "id\n" + "".join(f"{i:05d}\n" for i in range(100))))
    pieces = list(origin.pieces(["id"], frozenset()))
    assert len(pieces) > 1
    assert [piece.first for piece in pieces] == np.cumsum([0] + [piece.rows for piece in pieces[:-1]]).tolist()
    assert [value for piece in pieces for value in piece.columns["id"].to_pylist()] == [f"{i:05d}" for i in range(100)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.csv", b"\n\n"),
        ("e.csv", b"id\xff,x\n1,2\n"),
        ("e.csv.gz", b"not compressed"),
        ("e.csv", "id\n1\n".encode("utf-16")),
    ],
)
def test_what_is_no_csv(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"e\.csv"):
        CsvOrigin(path)


def test_bad_letters_below_the_header(tmp_path: Path) -> None:
    origin = CsvOrigin(put(tmp_path, "e.csv", b"id\n" + b"a\n" * 20_000 + b"\xff\n"))
    with pytest.raises(InputError, match="cannot be read as CSV"):
        read(origin, "id")


def test_the_limit_of_other_readers_is_left_alone(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    origin = CsvOrigin(put(tmp_path, "e.csv", "id,note\n1," + "x" * 200_000 + "\n2\n"))
    read(origin, "id")
    assert origin.spoilt() == [(3, "wrong_number_of_values")]
    assert csv.field_size_limit() == before
