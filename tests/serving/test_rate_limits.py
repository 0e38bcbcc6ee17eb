"""Rate limits: what a key may do in the long run and at once, who failed too often, and headers that tell the truth.

That is check 34.
"""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import rate_limits
from serving.problems import Problem
from serving.rate_limits import MINUTE, FailedLogins, KeyRates


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_ten_seconds_of_blast_let_in_what_the_rate_and_the_burst_say(clock: Clock) -> None:
    rates = KeyRates(100, 200, clock=clock)
    dice = random.Random(3)
    admitted = 0
    while clock.now < 1010:
        admitted += rates.take("a").retry_in == 0
        clock.now += dice.expovariate(2000)
    assert abs(admitted - 1200) <= 24


def test_the_headers_tell_the_truth(clock: Clock) -> None:
    rates = KeyRates(10, 5, clock=clock)
    for left in (4, 3, 2, 1, 0):
        told = rates.take("a").headers()
        assert (told["X-RateLimit-Limit"], told["X-RateLimit-Remaining"]) == ("5", str(left))
        assert "Retry-After" not in told
    refusal = rates.take("a")
    assert refusal.headers() == {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "1",
        "Retry-After": "1",
    }
    clock.now += refusal.retry_in - 0.001
    assert rates.take("a").retry_in > 0
    clock.now += 0.001
    assert rates.take("a").retry_in == 0


@given(st.lists(st.floats(0, 0.3), max_size=60))
def test_who_waits_as_told_is_let_in_and_what_is_said_to_be_left_is_left(pauses: list[float]) -> None:
    clock = Clock()
    rates = KeyRates(20, 4, clock=clock)
    for pause in pauses:
        clock.now += pause
        told = rates.take("a")
        if told.retry_in:
            clock.now += math.ceil(told.retry_in)
            assert rates.take("a").retry_in == 0
        else:
            for _ in range(told.remaining):
                assert rates.take("a").retry_in == 0
            assert rates.take("a").retry_in > 0


def test_a_full_bucket_is_full_when_it_was_said_to_be(clock: Clock) -> None:
    rates = KeyRates(10, 50, clock=clock)
    for _ in range(30):
        told = rates.take("a")
    assert told.full_in == pytest.approx(3.0)
    clock.now += told.full_in
    assert rates.take("a").remaining == 49


def test_keys_have_buckets_of_their_own(clock: Clock) -> None:
    rates = KeyRates(1, 1, clock=clock)
    assert [rates.take(key).retry_in == 0 for key in ("a", "a", "b", "b")] == [True, False, True, False]


def test_an_address_that_fails_twenty_times_has_to_wait(clock: Clock) -> None:
    failed = FailedLogins(20, clock=clock)
    for _ in range(20):
        failed.check("192.0.2.1")
        failed.note("192.0.2.1")
        clock.now += 1
    with pytest.raises(Problem) as refusal:
        failed.check("192.0.2.1")
    assert refusal.value.code == "too_many_failures"
    assert refusal.value.headers == {"Retry-After": "40"}
    failed.check("192.0.2.2")
    clock.now += 40
    failed.check("192.0.2.1")
    failed.note("192.0.2.1")
    with pytest.raises(Problem):
        failed.check("192.0.2.1")  # 20 within this minute again


def test_a_site_of_ipv6_counts_as_one(clock: Clock) -> None:
    failed = FailedLogins(2, clock=clock)
    failed.note("2001:db8::1")
    failed.note("2001:db8::ffff:2")
    with pytest.raises(Problem):
        failed.check("2001:db8::3")
    failed.check("2001:db8:0:1::3")


def test_a_crowd_of_addresses_does_not_fill_the_memory(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MOST_ADDRESSES", 100)
    failed = FailedLogins(1, clock=clock)
    for number in range(150):
        failed.note(f"10.0.0.{number}")
    assert len(failed._failed) == 100
    failed.check("10.0.0.49")
    with pytest.raises(Problem):
        failed.check("10.0.0.50")
    clock.now += MINUTE
    failed.check("10.0.0.50")
