"""JSON files that are one list of objects, as some tools export: read whole, and then like JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from features.errors import InputError
from features.reading.source_json import JsonOrigin
from features.reading.sources import I8

_BLANK = " \t\r\n"
_ROWS = 50_000


class JsonListOrigin(JsonOrigin):
    """One JSON file that begins with ``[``, also compressed; its objects are named by the line on which they begin."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._begins: list[int] = []

    @staticmethod
    def fits(path: Path) -> bool:
        """Tell whether a file begins with a list of objects."""
        origin = JsonListOrigin(path)
        try:
            with origin._open() as file:
                head = file.read(1 << 16).removeprefix(b"\xef\xbb\xbf").lstrip()
        except (OSError, EOFError):
            return False
        # A list of objects; a line such as [1] is left to the reader of lines, which names it.
        return head[:1] == b"[" and head[1:].lstrip()[:1] in (b"{", b"]")

    def lines(self, rows: I8) -> I8:
        """Return the line on which each object begins."""
        return np.array(self._begins, np.int64)[rows]

    def _chunks(self) -> Iterator[tuple[list[int], list[str]]]:
        text = self._text()
        decode = json.JSONDecoder().raw_decode
        self._begins = []
        texts: list[str] = []
        line, counted, place = 1, 0, self._skip(text, 0) + 1
        place = self._skip(text, place)
        while text[place : place + 1] != "]":
            line, counted = line + text.count("\n", counted, place), place
            try:
                _, end = decode(text, place)
            except (ValueError, RecursionError) as error:
                raise self._unreadable(line, str(error).splitlines()[0]) from None
            texts.append(text[place:end])
            self._begins.append(line)
            place = self._skip(text, end)
            if text[place : place + 1] == ",":
                place = self._skip(text, place + 1)
            elif text[place : place + 1] != "]":
                raise self._unreadable(
                    line, "a list that does not end" if place == len(text) else "objects without a comma between"
                )
        for first in range(0, len(texts), _ROWS):
            yield self._begins[first : first + _ROWS], texts[first : first + _ROWS]

    def _text(self) -> str:
        try:
            with self._open() as file:
                return file.read().decode("utf-8-sig")
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise self._unreadable(1, str(error)) from None

    @staticmethod
    def _skip(text: str, place: int) -> int:
        while text[place : place + 1] and text[place] in _BLANK:
            place += 1
        return place

    def _unreadable(self, line: int, given: str) -> InputError:
        return InputError(
            f"line {line} of {self.name} cannot be read as JSON",
            given=given,
            expected="a list of JSON objects, in UTF-8",
            do="correct the file there, or write one object a line",
        )
