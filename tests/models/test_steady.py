"""A list that holds still: near-equals do not change places overnight, and what has happened shows at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.steady import steady_top, week_start

IDS = ["a", "b", "c", "d"]
NONE = np.zeros(4, dtype=bool)


def top(now: list[float], before: list[float], news: list[bool] | None = None, n: int = 2) -> list[str]:
    silent = NONE if news is None else np.array(news)
    return [IDS[i] for i in steady_top(IDS, np.array(now), np.array(before), silent, top=n, hysteresis=0.1)]


def test_who_was_there_stays_among_near_equals() -> None:
    before = [0.5, 0.4, 0.3, 0.2]
    assert top([0.5, 0.40, 0.42, 0.2], before) == ["a", "b"]
    assert top([0.5, 0.40, 0.45, 0.2], before) == ["a", "c"]  # clearly better
    assert top([0.5, 0.40, 0.42, 0.2], before, [False, True, False, False]) == ["a", "c"]  # something happened
    assert top([0.5, 0.40, 0.42, 0.2], [0.5, np.nan, 0.3, 0.2]) == ["a", "c"]  # no lead then


def test_the_order_is_by_probability_and_id() -> None:
    assert top([0.2, 0.2, 0.2, 0.2], [np.nan] * 4, n=4) == IDS
    assert top([0.40, 0.5, 0.41, 0.1], [0.5, 0.4, 0.3, 0.2]) == ["b", "a"]


@given(st.lists(st.tuples(*[st.floats(0.01, 0.99)] * 2, st.booleans()), min_size=1, max_size=30), st.integers(1, 10))
def test_nobody_is_left_out_who_is_clearly_better(rows: list[tuple[float, float, bool]], n: int) -> None:
    now, before, news = (np.array(column) for column in zip(*rows, strict=True))
    ids = [f"{i:02}" for i in range(len(rows))]
    chosen = steady_top(ids, now, before, news, top=n, hysteresis=0.1)
    assert len(chosen) == min(n, len(rows))
    assert list(now[chosen]) == sorted(now[chosen], reverse=True)
    out = sorted(set(range(len(rows))) - set(chosen))
    assert all(now[i] * 0.9 <= now[chosen].min() + 1e-12 for i in out)


def test_a_week_begins_on_monday_in_its_zone() -> None:
    day = 86_400_000_000
    monday = 1_777_852_800_000_000  # 2026-05-04T00:00Z
    assert {week_start(monday + i * day, "UTC") for i in range(7)} == {monday}
    assert week_start(monday - 1, "UTC") == monday - 7 * day
    assert week_start(monday - 1, "Asia/Tokyo") == monday - 9 * 3_600_000_000
