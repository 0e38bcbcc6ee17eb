"""What an answer leads to."""

from __future__ import annotations

import pytest

from serving.webhook_post import Reply
from serving.webhook_schedule import DELAYS, SECOND_US, judged

NOW = 10**15


def seconds(at: int | None) -> float:
    assert at is not None
    return (at - NOW) / SECOND_US


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_only_2xx_is_success(status: int) -> None:
    result = judged(Reply(status), 1, NOW)
    assert (result.delivered, result.next_at, result.gone, result.answered) == (True, None, False, str(status))


@pytest.mark.parametrize(
    "reply", [Reply(302), Reply(400), Reply(404), Reply(500), Reply(None, "timeout"), Reply(199), Reply(301)]
)
def test_all_else_is_tried_again_ten_times_in_all(reply: Reply) -> None:
    assert len(DELAYS) == 9
    for attempts, delay in enumerate(DELAYS, 1):
        result = judged(reply, attempts, NOW)
        assert not result.delivered
        assert 0.8 * delay <= seconds(result.next_at) <= 1.2 * delay
        assert result.pause_until is None
    assert judged(reply, 10, NOW).next_at is None
    assert judged(reply, 10, NOW).answered == (reply.trouble or str(reply.status))


def test_delays_are_not_all_alike() -> None:
    assert len({judged(Reply(500), 3, NOW).next_at for _ in range(20)}) > 10


def test_gone_is_for_good() -> None:
    result = judged(Reply(410), 1, NOW)
    assert (result.gone, result.next_at, result.delivered) == (True, None, False)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_who_is_overloaded_is_left_alone(status: int) -> None:
    result = judged(Reply(status), 1, NOW)
    assert 24 <= seconds(result.pause_until) <= 36
    told = judged(Reply(status, retry_after=900.0), 1, NOW)
    assert seconds(told.pause_until) == seconds(told.next_at) == 900
    assert seconds(judged(Reply(status, retry_after=900.0), 5, NOW).next_at) > 14_000
    assert seconds(judged(Reply(status, retry_after=1e9), 1, NOW).pause_until) == 86_400


def test_retry_after_counts_with_any_failure() -> None:
    assert seconds(judged(Reply(500, retry_after=77.0), 1, NOW).next_at) == 77
