"""Rows in files: numbers in full, empty where missing, whole or not at all."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from features.errors import InputError, OutsideError
from models.outfile import check_ending, write_rows

COLUMNS = {"lead_id": "text", "p": "number", "note": "text"}
ROWS = [
    {"lead_id": "007", "p": 0.1 + 0.2, "note": 'said "hi", left\nagain'},
    {"lead_id": "ü", "p": float("nan"), "note": None},
    {"lead_id": "c", "p": 3.0, "note": ""},
]


def test_csv_reads_back_to_the_same_doubles(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "rows.csv"
    write_rows(out, ROWS, COLUMNS)
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["lead_id"] for row in rows] == ["007", "ü", "c"]
    assert [row["p"] for row in rows] == [repr(0.1 + 0.2), "", "3.0"]
    assert rows[0]["note"] == ROWS[0]["note"]
    assert rows[1]["note"] == ""
    assert list(tmp_path.rglob("*.part")) == []


def test_json_lines_are_strict_json(tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    write_rows(out, ROWS, COLUMNS)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert rows[0]["p"] == 0.1 + 0.2
    assert rows[1] == {"lead_id": "ü", "p": None, "note": None}
    write_rows(out, (), {}, nested=[{"deep": {"a": [1]}}])
    assert json.loads(out.read_text()) == {"deep": {"a": [1]}}


def test_parquet_keeps_types(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    write_rows(out, ROWS, COLUMNS)
    frame = pd.read_parquet(out)
    assert frame["lead_id"].tolist() == ["007", "ü", "c"]
    assert frame["p"].dtype == "float64"
    assert frame["p"].isna().tolist() == [False, True, False]
    assert frame["note"].isna().tolist() == [False, True, False]


def test_an_unknown_ending_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scores\.xls"):
        check_ending(tmp_path / "scores.xls")


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    out.write_text("old")

    def dies() -> object:
        yield ROWS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(out, dies(), COLUMNS)
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_a_place_that_cannot_be_written_is_the_outside(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError, match="cannot be written"):
        write_rows(tmp_path / "file" / "rows.csv", ROWS, COLUMNS)
