"""What a YAML parser stumbles over, in plain words: where the mistake was made, what stands there, what to do."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml


class Mistake(NamedTuple):
    """A mistake in a YAML text."""

    line: int | None
    given: str
    do: str


_COLUMN = "let the entries of a section begin in one column"
_QUOTE = "put the whole value in quotes"
_WORDS = (
    (
        r"mapping values are not allowed",
        "a ':' where no key can stand",
        f"{_COLUMN}, and put a value that contains ': ' in quotes",
    ),
    (r"expected ',' or '\]'", "a list in [ ] without its comma or its end", "add what is missing"),
    (r"expected ',' or '\}'", "a mapping in { } without its comma or its end", "add what is missing"),
    (r"unexpected end of stream|unexpected document separator", "a quote that is not closed", "close it"),
    (
        r"expected <block end>",
        "text that belongs to nothing above it",
        f"{_COLUMN}, and put a value that has quotes in it in quotes",
    ),
    (r"undefined alias|expected alphabetic or numeric", "a * or & at the beginning of a value", _QUOTE),
    (r"character '\\t'", "a tab at the beginning of a line", "indent with blanks"),
    (r"cannot start any token", "a sign at the beginning of a value that means something else in YAML", _QUOTE),
    (r"could not find expected ':'", "a line without ':'", "write KEY: VALUE"),
    (r"found another document", "a second document after ---", "keep one of them"),
    (r"sequence entries are not allowed", "a list behind its key", "begin every '- ' on a line of its own, or write [a, b]"),
    (r"unknown escape character", "a \\ in double quotes with a letter that YAML does not know", "use single quotes"),
)
_BEGINS_BEFORE = re.compile(r"expected ',' or|end of stream|document separator|could not find")
"""Mistakes that are met at the end of what is wrong: where it begins says more."""


def mistake_in(text: str, error: yaml.YAMLError) -> Mistake:
    """Return what is wrong with a text that cannot be parsed.

    >>> text = "name: acme\\nnote: [a, b"
    >>> try:
    ...     yaml.compose(text, Loader=yaml.SafeLoader)
    ... except yaml.YAMLError as error:
    ...     mistake_in(text, error)
    Mistake(line=2, given='a list in [ ] without its comma or its end', do='add what is missing')
    """
    if isinstance(error, yaml.reader.ReaderError):
        return Mistake(text.count("\n", 0, error.position) + 1, "a character that YAML does not allow", "delete it")
    problem = str(getattr(error, "problem", None) or "")
    mark, begun = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    if begun is not None and (mark is None or _BEGINS_BEFORE.search(problem)):
        mark = begun
    line = None if mark is None else mark.line + 1
    for pattern, given, do in _WORDS:
        if re.search(pattern, problem):
            return Mistake(line, given, do)
    return Mistake(line, "text that is no YAML" + (f" ({problem})" if problem else ""), "correct the text there")
