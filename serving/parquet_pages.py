"""What the pages of a Parquet column take when they are unpacked, by the pages themselves.

The description at the end of a file says it too, but whoever wrote the file may have lied there, and the reader takes the word of
each page. Before a page stands its header, in Thrift's compact protocol (``PageHeader`` of Parquet's format).
"""

from __future__ import annotations

import struct
from typing import Any

from serving.problems import Problem

MOST_PAGES = 10_000
"""Of one file's wanted columns; a column of a row group counts as one more, for it may have none."""
_DEEPEST = 8
_BYTE, _INT32, _DOUBLE, _BINARY, _STRUCT = 3, 5, 7, 8, 12
_UNPACKED, _PACKED = 2, 3
"""The fields of a page's header that hold its sizes."""


class Pages:
    """A walk over the pages of some columns."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._left = MOST_PAGES

    def size_of(self, column: Any) -> int:
        """Return how many bytes the pages of a column chunk say they unpack to."""
        self._count()
        begin = column.data_page_offset
        if column.has_dictionary_page and column.dictionary_page_offset:
            begin = min(begin, column.dictionary_page_offset)
        end = begin + column.total_compressed_size
        if not 0 <= begin <= end <= len(self._data):
            raise struct.error
        self._at, total = begin, 0
        while self._at < end:
            self._count()
            unpacked, packed = self._header()
            total += unpacked
            self._at += packed
        return total

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Problem("too_large", f"At most {MOST_PAGES} pages in one file.")

    def _header(self) -> tuple[int, int]:
        sizes = self._fields(0)
        unpacked, packed = sizes[_UNPACKED], sizes[_PACKED]
        if unpacked < 0 or packed < 0:
            raise struct.error
        return unpacked, packed

    def _fields(self, depth: int) -> dict[int, int]:
        """Pass a struct, and return its numbers of 32 bits."""
        if depth > _DEEPEST:
            raise struct.error
        found: dict[int, int] = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            if kind == _INT32:
                found[number] = self._signed()
            elif kind > 2:  # truth values stand in the head itself
                self._pass(kind, depth)
        return found

    def _pass(self, kind: int, depth: int) -> None:
        if kind == _STRUCT:
            self._fields(depth + 1)
        elif kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BYTE:
            self._at += 1
        elif kind < _DOUBLE:
            self._varint()
        else:
            raise struct.error  # no header has lists or maps

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise struct.error
        return value | byte << shift

    def _signed(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)
