from __future__ import annotations

import numpy as np
import pytest

from features.reading.growing import Grown, GrownProperty, constant, is_constant, look_up, replace, taken, tally


@pytest.mark.parametrize("expected", [0, 2, 100])
def test_what_was_added_stands_there_in_order(expected: int) -> None:
    column = Grown(np.int32, expected)
    for part in ([], [1], [2, 3], list(range(50)), [4]):
        column.add(np.array(part, np.int32))
    column.room(2)[:] = 9
    assert column.whole().tolist() == [1, 2, 3, *range(50), 4, 9, 9]
    assert len(column) == 56
    assert column.whole().flags.c_contiguous
    assert column.whole().flags.writeable


def test_rows_of_several_numbers() -> None:
    column = Grown(np.int64, width=2)
    column.add(np.array([[1, 2]]))
    column.add(np.array([[3, 4], [5, 6]]))
    assert column.whole().tolist() == [[1, 2], [3, 4], [5, 6]]


def test_a_property_is_numbers_until_it_is_not() -> None:
    column = GrownProperty()
    column.add(np.array([1.5, np.nan]))
    assert column.whole().dtype == np.float64
    column.add(np.array(["pro", None], object))
    column.add(np.array([2.0, np.nan]))
    assert column.whole().tolist() == [1.5, None, "pro", None, 2.0, None]


def test_a_constant_needs_the_memory_of_one_row() -> None:
    ones = constant(1, 1_000_000)
    assert (is_constant(ones), int(ones.sum()), len(ones)) == (True, 1_000_000, 1_000_000)
    few = taken(ones, np.array([5, 7]))
    assert (is_constant(few), few.tolist()) == (True, [1, 1])
    assert taken(constant(1, 3), np.array([True, False, True])).tolist() == [1, 1]
    assert taken(constant(1, 0), np.zeros(0, np.int64)).tolist() == []
    assert not is_constant(np.ones(3, np.int64))
    assert taken(np.array([3, 4, 5]), np.array([2, 0])).tolist() == [5, 3]


def test_codes_are_replaced_and_counted() -> None:
    table, codes = np.array([30, 10, 20, -1], np.int32), np.array([2, 0, -1, 0], np.int32)
    assert look_up(table, codes).tolist() == [20, 30, -1, 30]
    assert codes.tolist() == [2, 0, -1, 0]
    replace(codes, table)
    assert codes.tolist() == [20, 30, -1, 30]
    counts = np.zeros(3, np.int64)
    tally(np.array([0, 2, 2], np.int32), counts)
    assert counts.tolist() == [1, 0, 2]
