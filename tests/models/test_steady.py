"""A list that holds still: among the silent none takes another's place."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.steady import steady_top, week_start


def test_places_go_by_what_is_held_and_the_order_by_now() -> None:
    now, held = np.array([0.3, 0.2, 0.4, 0.4]), np.array([0.5, 0.6, 0.1, 0.5])
    assert steady_top(["a", "b", "c", "d"], now, held, 2) == [0, 1]  # a before d: a tie goes by id
    assert steady_top(["a", "b", "c", "d"], now, held, 9) == [2, 3, 0, 1]


@given(st.lists(st.tuples(*[st.floats(0.01, 0.99)] * 4, st.booleans()), min_size=1, max_size=30), st.integers(1, 10))
def test_of_two_silent_leads_none_takes_the_place_of_the_other(rows: list[tuple[float, ...]], n: int) -> None:
    """Overnight everybody's probability moves, and what is held moves only with news."""
    one, two, held, other, news = (np.array(column) for column in zip(*rows, strict=True))
    ids = [f"{i:02}" for i in range(len(rows))]
    first = set(steady_top(ids, one, held, n))
    second = set(steady_top(ids, two, np.where(news.astype(bool), other, held), n))
    silent = {i for i in range(len(rows)) if not news[i]}
    assert not ((first - second) & silent and (second - first) & silent)


def test_a_week_begins_on_monday_in_its_zone() -> None:
    day = 86_400_000_000
    monday = 1_777_852_800_000_000  # 2026-05-04T00:00Z
    assert {week_start(monday + i * day, "UTC") for i in range(7)} == {monday}
    assert week_start(monday - 1, "UTC") == monday - 7 * day
    assert week_start(monday - 1, "Asia/Tokyo") == monday - 9 * 3_600_000_000
