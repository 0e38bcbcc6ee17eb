"""Live place: between 0 and 100, rising, ties by half."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.live_place import FEWEST, place_among

CHANCES = st.floats(0.0, 1.0)


@given(st.lists(CHANCES, min_size=FEWEST, max_size=60), CHANCES, CHANCES)
def test_a_higher_score_is_never_lower(scores: list[float], one: float, other: float) -> None:
    rising = np.sort(np.array(scores))
    low, high = place_among(rising, min(one, other)), place_among(rising, max(one, other))
    assert low is not None
    assert high is not None
    assert 0.0 <= low <= high <= 100.0
    below, same = sum(score < one for score in scores), sum(score == one for score in scores)
    assert place_among(rising, one) == 100.0 * (2 * below + same) / (2 * len(scores))
