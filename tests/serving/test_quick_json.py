"""Quick JSON: the same values as the standard library's writer gives, and never a number that is not one."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.quick_json import QuickJSON

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_back_to_the_bit(value: object) -> None:
    read = json.loads(QuickJSON(value).body)
    assert read == value
    assert repr(read) == repr(value)  # 1 is not 1.0, and 0.0 is not -0.0


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        QuickJSON({"probability": number})


def test_a_lead_may_be_called_so() -> None:
    assert json.loads(QuickJSON({"lead_id": "NaN", "by": "Infinity"}).body) == {"lead_id": "NaN", "by": "Infinity"}
