from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.exact import LIMIT, MISSING, number, scaled, scaled_numbers

FLOATS = st.one_of(
    st.floats(),
    st.integers(-(10**7), 10**7).map(lambda n: n / 2000),
    st.sampled_from([0.0005, 0.0015, 2.675, 1.005, -0.125, 1e9, 1e12, -1e12, 999_999_999_999.5, 1e10 + 0.005, 1e300]),
)


@settings(max_examples=300)
@given(st.lists(FLOATS, min_size=1), st.integers(0, 3))
def test_many_numbers_are_scaled_as_one_is(values, digits):
    assert scaled_numbers(np.array(values), digits).tolist() == [scaled(value, digits) for value in values]


@given(st.decimals(-99999, 99999, places=5), st.integers(0, 3))
def test_scaling_rounds_half_to_even_on_the_decimal_text(value, digits):
    wanted = int((value * 10**digits).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    assert scaled(str(value), digits) == wanted
    assert scaled(float(value), digits) == wanted


@pytest.mark.parametrize(
    "value", [None, "", "twelve", "1_000", "0x10", "nan", "inf", float("nan"), float("inf"), 10**400, [], {}, "9" * 400, "1e999"]
)
def test_what_is_no_number_is_none(value):
    assert number(value) is None
    assert scaled(value, 2) == MISSING


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(" 12.5 ", 12.5), ("-3", -3.0), (".5", 0.5), ("1e3", 1000.0), (True, 1.0), (np.int64(4), 4.0), (Decimal("1.5"), 1.5),
     ("0" * 80 + "7", 7.0), ("TRUE", 1.0), (" false", 0.0)],
)  # fmt: skip
def test_numbers_and_plain_decimal_text_are_numbers(value, wanted):
    assert number(value) == wanted


def test_what_is_too_large_is_missing():
    assert scaled(LIMIT / 100, 2) == LIMIT
    assert scaled(LIMIT / 100 + 1, 2) == MISSING
    assert scaled(LIMIT * 10, 0) == MISSING
