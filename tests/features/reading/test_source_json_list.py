"""A JSON file may be one list of objects."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from features.errors import InputError
from features.reading.source_json import JsonOrigin
from features.reading.source_json_list import JsonListOrigin
from features.reading.sources import open_file

LIST = '\ufeff[\n  {"id": 1, "a": "x"},\n\n  {"id": 2,\n   "a": null}, {"id": 3}\n]\n'


@pytest.mark.parametrize("name", ["e.json", "e.json.gz", "e.jsonl"])
def test_objects_and_their_lines(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(LIST.encode()) if name.endswith("gz") else LIST.encode())
    origin = open_file(tmp_path / name)
    assert isinstance(origin, JsonListOrigin)
    pieces = list(origin.pieces(["id", "a"], frozenset()))
    assert [column.to_pylist() for piece in pieces for column in piece.columns.values()] == [[1, 2, 3], ["x", None, None]]
    assert origin.lines(np.arange(3)).tolist() == [2, 4, 5]
    assert origin.columns() == ["id", "a"]


def test_an_empty_list_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(" [ ] ")
    assert list(open_file(tmp_path / "e.json").pieces(["id"], frozenset())) == []


@pytest.mark.parametrize(
    ("content", "given"),
    [
        ('[{"a": 1},\n{"a": }]', "line 2 of e.json"),
        ('[{"a": 1} {"a": 2}]', "objects without a comma between"),
        ('[{"a": 1}', "a list that does not end"),
        ('[{"a": 1}, 7]', "a line that is no object"),
        (b'[{"a": "\xff"}]', "line 1 of e.json"),
    ],
)
def test_a_broken_list_names_its_line(tmp_path: Path, content: str | bytes, given: str) -> None:
    (tmp_path / "e.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        list(open_file(tmp_path / "e.json").pieces(["a"], frozenset()))
    assert given in str(caught.value)


def test_lines_stay_lines(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text("[1]\n")
    assert type(open_file(tmp_path / "e.json")) is JsonOrigin
    (tmp_path / "e.json.gz").write_bytes(b"no gzip")
    assert not JsonListOrigin.fits(tmp_path / "e.json.gz")
