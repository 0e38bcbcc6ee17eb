from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import InputError
from features.reading.source_json import JsonOrigin
from tests.features.disk import put


def read(origin: JsonOrigin, *wanted: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [] for name in wanted}
    for piece in origin.pieces(wanted, frozenset()):
        for name in wanted:
            found[name] += piece.columns[name].to_pylist()
    return found


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.gz"])
def test_keys_become_columns(tmp_path: Path, name: str) -> None:
    rows = [
        {"id": "007", "n": 1},
        {"id": "8", "properties": {"n": 2, "plan": "pro"}},
        {"id": "9", "traits": {"plan": "x"}, "n": None},
    ]
    origin = JsonOrigin(put(tmp_path, name, rows))
    assert origin.columns() is None
    assert read(origin, "id", "n", "plan", "absent") == {
        "id": ["007", "8", "9"],
        "n": [1, 2, None],
        "plan": [None, "pro", "x"],
        "absent": [None] * 3,
    }
    assert origin.columns() == ["id", "n", "properties", "traits", "plan"]
    assert origin.spoilt() == []


def test_lines_count_blank_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.reading.source_json._ROWS", 2)
    origin = JsonOrigin(put(tmp_path, "e.jsonl", '\n{"a": 1}\n\n\n{"a": 2}\n{"a": 3}\n\n{"a": 4}'))
    pieces = list(origin.pieces(["a"], frozenset()))
    assert [(piece.first, piece.rows) for piece in pieces] == [(0, 2), (2, 2)]
    assert origin.lines(np.arange(4)).tolist() == [2, 5, 6, 8]


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("{not json", "Expecting property name"),
        ('{"a": NaN}', "NaN, which is not JSON"),
        ("[1]", "a line that is no object"),
        ('{"a": "\\ud800"}', "half of a pair of surrogates"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, given: str) -> None:
    origin = JsonOrigin(put(tmp_path, "e.jsonl", '{"a": "x"}\n' + line + "\n"))
    with pytest.raises(InputError, match=r"line 2 of e[.]jsonl") as caught:
        read(origin, "a")
    assert given in caught.value.given


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2 of e[.]jsonl"):
        read(JsonOrigin(put(tmp_path, "e.jsonl", b'{"a": 1}\n\xff\n')), "a")
    with pytest.raises(InputError, match=r"line 1 of e[.]jsonl[.]gz"):
        read(JsonOrigin(_raw(tmp_path / "e.jsonl.gz")), "a")


def _raw(path: Path) -> Path:
    path.write_bytes(b"not compressed")
    return path
