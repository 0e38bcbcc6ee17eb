"""Terms stand for columns that a tool exports in another shape."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from features.reading.column_terms import Choice, choose, columns_of, instants, parse_term, passes_over, terms_of


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("time in seconds", [Choice("time", unit="seconds")]),
        ("a or b", [Choice("a"), Choice("b")]),
        ("page:{p.q}", [Choice("p.q", before="page:")]),
        ("{p}!", [Choice("p", after="!")]),
        ("a if k = x y", [Choice("a", where=("k", ("x y",)))]),
        ("a unless k = x, y", [Choice("a", where=("k", ("x", "y")), unless=True)]),
        ("Duration in second", [Choice("Duration in second")]),
        ("{a} {b}", [Choice("{a} {b}")]),
    ],
)
def test_parsing(text: str, choices: list[Choice]) -> None:
    assert list(parse_term(text)) == choices


def test_only_who_what_and_when_may_be_terms() -> None:
    keys = {
        "t in seconds": "data.events.at",
        "a or b": "data.events.lead",
        "x in seconds": "data.events.properties",
        "at": "data.events.at",
    }
    assert list(terms_of(keys)) == ["t in seconds", "a or b"]
    assert terms_of({"a or b": "attributes", "c or d": "data.leads.where", "e or f": "ignore.e"}) == {}
    assert columns_of(["a or b", "c"], terms_of({"a or b": "data.leads.id"})) == ["a or b", "c", "a", "b"]


COLUMNS: dict[str, Any] = {
    "event": pa.array(["view", "click", None, "view"]),
    "path": pa.array(["/a", "/b", "/c", ""]),
    "n": pa.array([1, None, 3, 4]),
}


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("n or event", ["1", "click", "3", "4"]),
        ("event or path", ["view", "click", "/c", "view"]),
        ("page:{path}", ["page:/a", "page:/b", "page:/c", None]),
        ("page:{path} if event = view", ["page:/a", None, None, None]),
        ("page:{path} if event = view or event", ["page:/a", "click", None, "view"]),
        ("path unless event = view, other", [None, "/b", "/c", None]),
        ("absent or path", ["/a", "/b", "/c", ""]),
    ],
)
def test_the_first_that_has_a_value(term: str, found: list[Any]) -> None:
    column = choose(parse_term(term), COLUMNS, 4)
    assert column.to_pylist() == found
    if pa.types.is_dictionary(column.type):
        assert set(column.dictionary.to_pylist()) == set(found) - {None}, "a word that no row has would become a lead or a name"


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([1_778_144_400], "seconds"),
        ([1_778_144_400.0], "seconds"),
        (["1778144400"], "seconds"),
        ([1_778_144_400_000], "milliseconds"),
        ([1_778_144_400_000_000], "microseconds"),
        ([1_778_144_400_000_000_000], "nanoseconds"),
    ],
)
def test_every_unit_gives_the_same_instant(values: list[Any], unit: str) -> None:
    assert instants(pa.array(values), unit).to_pylist() == [datetime(2026, 5, 7, 9, tzinfo=UTC)]


def test_numbers_that_are_no_times_stay_to_be_refused() -> None:
    assert instants(pa.array(["1778144400", "soon", None, "nan"]), "seconds").to_pylist() == [
        "2026-05-07T09:00:00.000000Z", "soon", None, "nan",
    ]  # fmt: skip
    assert instants(pa.array([2**62]), "seconds").to_pylist() == [str(2**62)]


def test_a_term_that_passes_rows_over() -> None:
    assert passes_over("event if type = track or page:{path} if type = page")
    assert not passes_over("event")
