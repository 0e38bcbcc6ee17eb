from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.reading.event_order import order_of, ranks

rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2), st.sampled_from([None, 1.0, "1", True])), max_size=60
)


@given(rows, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_any_order_of_the_file_gives_one_order(events: list[tuple[int, int, int, object]], shuffle: Random) -> None:
    results = []
    for _ in range(2):
        lead, at = np.array([row[0] for row in events], np.int32), np.array([row[1] for row in events], np.int64)
        name, prop = np.array([row[2] for row in events], np.int32), np.array([row[3] for row in events] + [None], object)[:-1]
        order = order_of(lead, at, 4, [name, prop])
        places = list(range(len(events))) if order is None else order.tolist()
        assert sorted(places) == list(range(len(events)))
        results.append([events[place] for place in places])
        shuffle.shuffle(events)
    assert repr(results[0]) == repr(results[1])
    assert [row[:2] for row in results[0]] == sorted(row[:2] for row in events)
    by_name = [row[:3] for row in results[0]]
    assert by_name == sorted(by_name)


def test_sorted_rows_are_left_alone() -> None:
    lead, at = np.array([0, 0, 1], np.int32), np.array([1, 2, 0], np.int64)
    assert order_of(lead, at, 2, []) is None
    assert order_of(lead[:0], at[:0], 0, []) is None
    swapped = order_of(lead[::-1].copy(), at[::-1].copy(), 2, [])
    assert swapped is not None
    assert swapped.tolist() == [2, 1, 0]


@pytest.mark.parametrize("n", [3, 24, 25, 200])
def test_long_ties(n: int) -> None:
    name = np.random.default_rng(n).permutation(n).astype(np.int32)
    order = order_of(np.zeros(n, np.int32), np.zeros(n, np.int64), 1, [name])
    assert order is not None
    assert name[order].tolist() == list(range(n))


def dense(rank: np.ndarray) -> list[int]:
    return np.unique(rank, return_inverse=True)[1].tolist()


def test_ranks_order_by_the_first_column_first() -> None:
    left, right = np.array([1, 0, 1, 1]), np.array([0.5, np.nan, np.nan, 0.5])
    assert dense(ranks([left, right], 4)) == [1, 0, 2, 1]
    assert ranks([], 2).tolist() == [0, 0]
    mixed = np.array(["1", 1, None, True, 1.0], dtype=object)
    assert sorted(dense(ranks([mixed], 5))) == [0, 1, 2, 3, 4]
    # As many numbers as rows do not mean that all rows differ.
    assert dense(ranks([np.array([0, 2, 0]), np.array([1, 0, 0])], 3)) == [1, 2, 0]


@pytest.mark.parametrize("far", [5, 2**31 - 2, 2**40])
def test_ranks_of_far_apart_numbers(far: int) -> None:
    random = np.random.default_rng(far)
    columns = [random.integers(-far, far, 50) // 2 * 2 for _ in range(4)] + [np.array([0, 1] * 25)]
    columns[0][10:] = columns[0][0]
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    place = {row: number for number, row in enumerate(sorted(set(rows)))}
    assert dense(ranks(columns, 50)) == [place[row] for row in rows]
    # Columns behind those that tell all rows apart are not looked at.
    apart = [np.array([1, 0]) * far, np.array([1, 0]) * far, np.array([1, 0]) * far]
    assert dense(ranks(apart, 2)) == [1, 0]
