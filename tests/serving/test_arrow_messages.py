"""Arrow streams that are small and would cost much: each is refused by the heads of its messages."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest

from serving.arrow_messages import MOST_BATCHES, need_plain_stream
from serving.problems import Problem

WORDS = pa.schema([("country", pa.dictionary(pa.int32(), pa.string()))])


def stream(batches: Sequence[Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batches[0].schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def worded(*words: str) -> Any:
    column = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array(words))
    return pa.record_batch([column], schema=WORDS)


def told(data: bytes) -> str:
    with pytest.raises(Problem) as caught:
        need_plain_stream(pa.py_buffer(data))
    return caught.value.detail


def test_a_dictionary_comes_once() -> None:
    need_plain_stream(pa.py_buffer(stream([worded("DE", "TR")] * 3)))
    once = "Send each dictionary of the Arrow stream once, and whole."
    assert told(stream([worded("DE"), worded("TR")])) == once
    assert told(stream([worded("DE"), worded("DE", "TR")], emit_dictionary_deltas=True)) == once


def test_batches_are_counted_though_they_are_empty() -> None:
    nothing = pa.record_batch({"any_count_all": pa.array([], pa.float64())})
    need_plain_stream(pa.py_buffer(stream([nothing] * MOST_BATCHES)))
    assert told(stream([nothing] * (MOST_BATCHES + 1))) == f"At most {MOST_BATCHES} batches in one stream."


def test_columns_do_not_share_bytes() -> None:
    """The buffer of one column is pointed at all of the body, as those of a hundred could be."""
    data = stream([pa.record_batch({"a": pa.array([1.0] * 64), "b": pa.array([2.0] * 64)})])
    need_plain_stream(pa.py_buffer(data))
    place = data.rindex(struct.pack("<qq", 512, 512))
    shared = data[:place] + struct.pack("<qq", 0, 1024) + data[place + 16 :]
    with pytest.raises(struct.error):
        need_plain_stream(pa.py_buffer(shared))


def test_a_compressed_stream_is_refused() -> None:
    assert told(stream([worded("x" * 900)], compression="zstd")) == "Send the Arrow stream without compression."
