from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from features.errors import InputError
from features.reading.source_parquet import ParquetOrigin
from tests.features.disk import put

TABLE = pa.table({"id": ["a", "b", "a"], "n": [1, 2, 3], "other": [0, 0, 0]})


@pytest.mark.parametrize("name", ["e.parquet", "e.parquet.gz"])
def test_columns_keep_their_types(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.reading.source_parquet._ROWS", 2)
    origin = ParquetOrigin(put(tmp_path, name, TABLE))
    assert origin.columns() == ["id", "n", "other"]
    pieces = list(origin.pieces(["n", "id", "absent"], frozenset(["id"])))
    assert [(piece.first, piece.rows) for piece in pieces] == [(0, 2), (2, 1)]
    assert sorted(pieces[0].columns) == ["id", "n"]
    assert pa.types.is_dictionary(pieces[0].columns["id"].type)
    assert [value for piece in pieces for value in piece.columns["id"].to_pylist()] == ["a", "b", "a"]
    assert pieces[1].columns["n"].equals(pa.array([3]))
    assert origin.lines(np.arange(3)).tolist() == [1, 2, 3]
    assert origin.spoilt() == []


@pytest.mark.parametrize(("most", "sizes"), [(4, [4, 4, 2]), (2, [2, 2, 2, 2, 2]), (100, [10]), (5, [4, 4, 2])])
def test_pieces_keep_to_row_groups(tmp_path: Path, most: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.reading.source_parquet._ROWS", most)
    path = tmp_path / "e.parquet"
    parquet.write_table(pa.table({"n": list(range(10))}), path, row_group_size=2)
    origin = ParquetOrigin(path)
    assert origin.expected_rows == 10
    pieces = list(origin.pieces(["n"], frozenset()))
    assert [piece.rows for piece in pieces] == sizes
    assert [piece.first for piece in pieces] == np.cumsum([0, *sizes[:-1]]).tolist()
    assert [number for piece in pieces for number in piece.columns["n"].to_pylist()] == list(range(10))


@pytest.mark.parametrize("name", ["e.parquet", "e.parquet.gz"])
def test_what_is_no_parquet(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PAR1 is not enough")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        ParquetOrigin(tmp_path / name)


def test_a_file_that_is_damaged_inside(tmp_path: Path) -> None:
    path = put(tmp_path, "e.parquet", pa.table({"id": [f"{i}" for i in range(10_000)]}))
    data = bytearray(path.read_bytes())
    data[8:2000] = bytes(1992)
    path.write_bytes(data)
    origin = ParquetOrigin(path)
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        list(origin.pieces(["id"], frozenset()))
