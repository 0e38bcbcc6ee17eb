"""What workers read at once: row groups that one machine reads together, rows of a table in larger pieces."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from features.errors import InputError
from features.sparking import dealing
from features.sparking.buckets import deal_out
from features.sparking.dealing import Dealer, GivenRows, gathered, shares
from features.sparking.told import sum_of
from features.workspace import parse_workspace


def test_the_shares_of_a_file_are_the_pieces_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.reading.source_parquet._ROWS", 25)
    path = tmp_path / "e.parquet"
    parquet.write_table(pa.table({"a": range(100)}), path, row_group_size=10)
    found = shares(path)
    assert [share.groups for share in found] == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    assert [share.rows for share in found] == [20] * 5
    rows = [
        value for share in found for piece in share.open().pieces(["a"], frozenset()) for value in piece.columns["a"].to_pylist()
    ]
    assert rows == list(range(100))


def test_a_file_of_text_is_one_share(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("a\n" + "1\n" * 300)
    (share,) = shares(tmp_path / "e.csv")
    assert share.groups is None
    assert share.rows == 602 // 60
    assert next(share.open().pieces(["a"], frozenset())).rows == 300


def test_small_batches_are_read_together() -> None:
    batches = [pa.record_batch({"a": [number]}) for number in range(7)]
    assert [table.num_rows for table in gathered(batches, rows=3)] == [3, 3, 1]
    assert [table.num_rows for table in gathered(batches[:6], rows=3)] == [3, 3]
    assert list(gathered([])) == []


def test_a_mistake_of_a_row_names_its_place_in_the_table(tmp_path: Path) -> None:
    ws = parse_workspace("name: a\ndata: {events: {source: e.csv, lead: l, name: n, at: t}}", tmp_path)
    rows = pa.table({"l": ["a", "b"], "n": ["x", "y"], "t": ["2026-05-07T09:00:00Z", "2026-05-07T09:00:00"]})
    (told,) = Dealer(ws, frozenset(), deal_out(3, []), None).deal(GivenRows(rows))
    assert told.kind == dealing.TOLD
    with pytest.raises(InputError, match=r"times without a zone in column 't' of the Spark table: given '.*' in row 2"):
        sum_of([told.packed])
