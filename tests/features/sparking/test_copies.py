"""One id in several buckets counts in the row that was known first, then that happened first, then of the least lead."""

from __future__ import annotations

import pytest

from features.sparking.copies import winners_of

ID = {"first": 1, "second": 2}


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [((5, 9, "b"), (6, 1, "a"), 0), ((5, 9, "b"), (5, 8, "c"), 1), ((5, 9, "b"), (5, 9, "a"), 1)],
)
def test_the_row_known_first_wins(one: tuple[int, int, str], other: tuple[int, int, str], winner: int) -> None:
    rows = [
        {**ID, "known": known, "at": at, "lead": lead, "bucket": bucket} for bucket, (known, at, lead) in enumerate([one, other])
    ]
    assert winners_of(rows) == winners_of(rows[::-1]) == {(1, 2): winner}
