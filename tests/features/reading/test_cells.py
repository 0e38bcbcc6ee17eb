from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from features.reading.cells import cell_text, plain, read_numbers, read_properties, read_words


def test_the_same_id_in_any_type() -> None:
    columns = [
        pa.array([12, None]),
        pa.array([12.0, None]),
        pa.array([12.0, float("nan")]),
        pa.array(["12", ""]),
        pa.array(["12", None]).dictionary_encode(),
        pa.array([Decimal("12.00"), None]),
        pa.chunked_array([["12"], [""]]),
    ]
    for column in columns:
        assert read_words(column).objects().tolist() == ["12", None]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        (True, "true"),
        (2.50, "2.5"),
        (Decimal("2.50"), "2.5"),
        (date(2026, 5, 7), "2026-05-07"),
        (10**20, "1" + "0" * 20),
        ({"b": "Ç", "a": [1]}, '{"a": [1], "b": "Ç"}'),
    ],
)
def test_text_of_a_cell(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_words_that_mean_missing() -> None:
    words = read_words(pa.array(["Select", "a", None, "Select", "a"]), {"Select"})
    assert words.objects().tolist() == [None, "a", None, None, "a"]
    assert read_words(pa.array([[1, 2], None])).objects().tolist() == ["[1, 2]", None]
    assert read_words(pa.array([], pa.string())).objects().tolist() == []


def test_numbers_are_never_guessed() -> None:
    values, bad = read_numbers(pa.array(["1.5", " 3", "1_0", "inf", "nan", "many", "many", None, ""]))
    assert values[:2].tolist() == [1.5, 3.0]
    assert np.isnan(values[2:]).all()
    assert dict(bad) == {"1_0": 1, "inf": 1, "nan": 1, "many": 2}
    values, bad = read_numbers(pa.array(["1", "nan", ""]))
    assert repr(values.tolist()) == "[1.0, nan, nan]"
    assert bad == [("nan", 1)]


def test_numbers_of_other_types() -> None:
    assert read_numbers(pa.array([1, 2]))[0].tolist() == [1.0, 2.0]
    assert repr(read_numbers(pa.array([1.5, None, float("inf")]))[0].tolist()) == "[1.5, nan, nan]"
    assert read_numbers(pa.array([Decimal("0.25")]))[0].tolist() == [0.25]
    assert read_numbers(pa.array([True, False]))[0].tolist() == [1.0, 0.0]
    values, bad = read_numbers(pa.array([-1, 5]), {"-1"})
    assert repr(values.tolist()) == "[nan, 5.0]"
    assert bad == []


def test_properties_keep_what_they_are() -> None:
    assert read_properties(pa.array([1, 2])).tolist() == [1.0, 2.0]
    assert read_properties(pa.array([Decimal("0.5")])).tolist() == [0.5]
    assert read_properties(pa.array([True, None])).tolist() == [True, None]
    assert read_properties(pa.nulls(1)).tolist() == [None]
    assert read_properties(pa.array(["9", "pro", ""])).tolist() == ["9", "pro", None]


def test_plain_joins_chunks() -> None:
    assert plain(pa.chunked_array([[1], [2]])).equals(pa.array([1, 2]))
