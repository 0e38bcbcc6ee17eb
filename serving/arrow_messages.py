"""The messages of an Arrow stream, judged before any table is made of them.

What a stream costs to read does not follow from its size: batches may be compressed, columns may point at the same bytes, and
a dictionary that grows by deltas is copied whole for each batch. All of this stands in the heads of the messages, which are
flatbuffers: a table of fields whose places stand in its vtable (``Message.fbs`` of Arrow).
"""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa

from serving.feature_table import need_size
from serving.problems import Problem

MOST_BATCHES = 100
"""5,000 leads in batches of 50; an empty batch costs as much as a full one."""

DICTIONARY, BATCH = 2, 3
"""The kinds of messages that hold columns."""


def need_plain_stream(buffer: Any) -> None:
    """Refuse a stream of too many rows or batches, and one that would take more memory than its own bytes."""
    rows = batches = 0
    known: set[int] = set()
    messages = pa.ipc.MessageReader.open_stream(buffer)
    while (message := _next(messages)) is not None:
        told = message.metadata.to_pybytes()
        root = struct.unpack_from("<I", told, 0)[0]
        kind = told[place] if (place := _field(told, root, 1)) else 0
        if kind not in (DICTIONARY, BATCH):
            continue
        batch = _table(told, root, 2)
        if kind == DICTIONARY:
            _need_new(told, batch, known)
            batch = _table(told, batch, 1)
        length = _number(told, batch, 0)
        rows, batches = (rows + length, batches + 1) if kind == BATCH else (rows, batches)
        need_size(max(rows, length))
        if batches > MOST_BATCHES:
            raise Problem("too_large", f"At most {MOST_BATCHES} batches in one stream.")
        if _field(told, batch, 3):
            raise Problem("invalid_request", "Send the Arrow stream without compression.")
        _need_own_bytes(told, batch, message.body.size if message.body is not None else 0)


def _need_new(told: bytes, dictionary: int, known: set[int]) -> None:
    """Refuse a dictionary that adds to another or takes its place."""
    number = _number(told, dictionary, 0)
    adds = told[place] if (place := _field(told, dictionary, 2)) else 0
    if adds or number in known:
        raise Problem("invalid_request", "Send each dictionary of the Arrow stream once, and whole.")
    known.add(number)


def _need_own_bytes(told: bytes, batch: int, size: int) -> None:
    """Refuse a batch whose buffers together are longer than its body: some of them would be the same bytes."""
    if not _field(told, batch, 2):
        return
    buffers = _table(told, batch, 2)
    count = struct.unpack_from("<I", told, buffers)[0]
    places_and_lengths = struct.unpack_from(f"<{2 * count}q", told, buffers + 4) if 16 * count <= len(told) else None
    if places_and_lengths is None or sum(map(abs, places_and_lengths[1::2])) > size:
        raise struct.error


def _next(messages: Any) -> Any:
    try:
        return messages.read_next_message()
    except StopIteration:
        return None


def _field(told: bytes, table: int, number: int) -> int:
    """Return where a field of a flatbuffer's table stands, or 0 if it is left out."""
    vtable = table - struct.unpack_from("<i", told, table)[0]
    at = 4 + 2 * number
    if vtable < 0 or at + 2 > struct.unpack_from("<H", told, vtable)[0]:
        return 0
    offset = struct.unpack_from("<H", told, vtable + at)[0]
    return table + offset if offset else 0


def _number(told: bytes, table: int, number: int) -> int:
    place = _field(told, table, number)
    return int(struct.unpack_from("<q", told, place)[0]) if place else 0


def _table(told: bytes, table: int, number: int) -> int:
    """Return where the table or the vector that a field points at stands."""
    place = _field(told, table, number)
    if not place:
        raise struct.error
    return int(place + struct.unpack_from("<I", told, place)[0])
