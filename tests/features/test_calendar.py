from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.calendar import BUSINESS, NIGHT, WEEKEND, calendar, day_of, local_days, moments
from features.clock import from_datetime
from features.kernel import uncompiled

ZONES = (
    "UTC", "America/St_Johns", "Asia/Kathmandu", "Europe/Istanbul", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca",
    "Australia/Lord_Howe", "Europe/Lisbon",
)  # fmt: skip
SECONDS = st.integers(0, 4_000_000_000)


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_starts_at_its_first_instant_and_never_before_the_day_before(zone):
    starts = calendar(zone).day_starts
    place = ZoneInfo(zone)
    for number in range(0, len(starts), 7):
        day = date(1970, 1, 1) + timedelta(days=number)
        assert starts[number] == from_datetime(datetime(day.year, day.month, day.day, tzinfo=place).astimezone(UTC))
    assert (np.diff(starts) >= 0).all()


@pytest.mark.parametrize("zone", ZONES)
def test_wall_clock_is_that_of_the_zone(zone):
    table, place = calendar(zone), ZoneInfo(zone)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(SECONDS, min_size=1, max_size=20))
    def check(seconds):
        at = np.array(seconds, dtype=np.int64) * 1_000_000
        bits, slowly = np.empty(len(at), dtype=np.uint8), np.empty(len(at), dtype=np.uint8)
        moments(table, at, bits)
        uncompiled(moments)(table, at, slowly)
        assert np.array_equal(bits, slowly)
        for second, bit in zip(seconds, bits, strict=True):
            wall = datetime.fromtimestamp(second, place)
            assert bool(bit & NIGHT) == (wall.hour >= 22 or wall.hour < 6)
            assert bool(bit & WEEKEND) == (wall.weekday() >= 5)
            assert bool(bit & BUSINESS) == (wall.weekday() < 5 and 9 <= wall.hour < 18)

    check()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), st.lists(SECONDS, min_size=1, max_size=20))
def test_days_follow_the_order_of_instants(zone, seconds):
    table = calendar(zone)
    at = np.sort(np.array(seconds, dtype=np.int64)) * 1_000_000
    days, slowly = np.empty(len(at), dtype=np.int32), np.empty(len(at), dtype=np.int32)
    local_days(table, at, days)
    uncompiled(local_days)(table, at, slowly)
    assert np.array_equal(days, slowly)
    assert (np.diff(days) >= 0).all()
    expected = np.searchsorted(table.day_starts, at, side="right") - 1
    assert np.array_equal(days, np.maximum(expected, 0))


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_changes_exactly_at_its_first_instant(zone):
    starts = calendar(zone).day_starts[::29]
    at = np.sort(np.concatenate([starts[1:] - 1, starts]))
    days = np.empty(len(at), dtype=np.int32)
    uncompiled(local_days)(calendar(zone), at, days)
    assert np.array_equal(days, np.searchsorted(calendar(zone).day_starts, at, side="right") - 1)


def test_a_midnight_turned_back_does_not_bring_the_old_day_back():
    table = calendar("America/St_Johns")
    turned = from_datetime(datetime(2006, 10, 29, 2, 31, tzinfo=UTC))  # 00:01 becomes 23:01 of the day before
    days = np.empty(2, dtype=np.int32)
    local_days(table, np.array([turned - 1, turned + 60_000_000]), days)
    assert days[0] == days[1]


def test_by_day_the_end_of_a_day_belongs_to_it():
    midnight = from_datetime(datetime(2024, 5, 2, tzinfo=UTC))
    days = np.empty(1, dtype=np.int32)
    local_days(calendar("UTC", by_day=True), np.array([midnight]), days)
    assert date(1970, 1, 1) + timedelta(days=int(days[0])) == date(2024, 5, 1)


def test_instants_beyond_the_table_belong_to_its_ends():
    starts = calendar("UTC").day_starts
    assert day_of(starts, -(10**17)) == 0
    assert day_of(starts, 10**17) == len(starts) - 1
