"""What the pages of a Parquet file unpack to, whatever the file says of them."""

from __future__ import annotations

import contextlib
import io
import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving import parquet_pages
from serving.parquet_pages import Pages
from serving.problems import Problem

TABLE = pa.table({"a": np.arange(3000), "b": [f"word {i % 7}" for i in range(3000)], "c": [None, 1.5] * 1500})


def written(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def chunks(data: bytes) -> list[Any]:
    meta = pq.ParquetFile(pa.BufferReader(data)).metadata
    return [meta.row_group(group).column(place) for group in range(meta.num_row_groups) for place in range(meta.num_columns)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zstd", "data_page_version": "2.0"},
        {"compression": "none", "use_dictionary": False, "data_page_size": 1000},
        {"row_group_size": 700, "write_page_checksum": True, "write_statistics": False},
    ],
)
def test_pages_are_what_an_honest_file_says_without_their_heads(options: dict[str, Any]) -> None:
    data = written(TABLE, **options)
    pages = Pages(data)
    for chunk in chunks(data):
        size = pages.size_of(chunk)
        assert 0.25 * chunk.total_uncompressed_size < size < chunk.total_uncompressed_size


def lying(data: bytes) -> bytes:
    """Return a file whose description says of its one column that it unpacks to a byte."""
    value, said = chunks(data)[0].total_uncompressed_size << 1, b""
    while value >= 128:
        value, said = value >> 7, said + bytes([value & 127 | 128])
    said += bytes([value])
    foot = len(data) - 8 - struct.unpack("<I", data[-8:-4])[0]
    return data[:foot] + data[foot:].replace(said, b"\x82" + b"\x80" * (len(said) - 2) + b"\x00")


def test_a_file_that_lies_is_seen_through() -> None:
    long = pa.table({"country": ["x" * 20_000] * 500})
    data = lying(written(long, compression="zstd", use_dictionary=False, write_statistics=False))
    (chunk,) = chunks(data)
    assert chunk.total_uncompressed_size == 1
    assert len(data) < 10_000
    assert Pages(data).size_of(chunk) > 10_000_000


def test_pages_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written(TABLE, use_dictionary=False, data_page_size=1000, write_batch_size=100)
    monkeypatch.setattr(parquet_pages, "MOST_PAGES", 10)
    with pytest.raises(Problem):
        Pages(data).size_of(chunks(data)[0])


def test_bytes_turned_at_random_end_the_walk() -> None:
    draw, whole = np.random.default_rng(0), written(TABLE.slice(0, 50))
    chunk = chunks(whole)[1]
    for _ in range(500):
        data = bytearray(whole)
        for place in draw.integers(0, 300, 3):
            data[place] = draw.integers(0, 256)
        with contextlib.suppress(struct.error, IndexError, KeyError, Problem):
            Pages(bytes(data)).size_of(chunk)
