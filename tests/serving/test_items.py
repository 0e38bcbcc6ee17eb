"""Items: the parts of whatever is sent are read strictly, and a refusal repeats nothing."""

from __future__ import annotations

from typing import Any

import pytest

from features.clock import DAY_US
from features.reading.moments import parse_moment
from serving.items import MAX_NAME, Arrival, RefusedCall, not_ahead, read_id, read_moment, read_object, read_traits, received

NOW = parse_moment("2026-05-07T09:00:00Z", timezone="UTC")


@pytest.mark.parametrize(("value", "found"), [("7", "7"), (7, "7"), ("", None), (None, None), ("x" * MAX_NAME, "x" * MAX_NAME)])
def test_ids_are_texts_or_whole_numbers(value: Any, found: str | None) -> None:
    assert read_id({"id": value}, "id") == found


@pytest.mark.parametrize("value", [True, 1.5, ["secret"], "secret" * MAX_NAME])
def test_what_is_no_id_is_refused_and_not_repeated(value: Any) -> None:
    with pytest.raises(RefusedCall, match="invalid_id") as refused:
        read_id({"id": value}, "id")
    assert "secret" not in refused.value.detail


def test_objects_and_the_names_of_traits() -> None:
    assert (read_object({}, "$set"), read_object({"$set": {"a": 1}}, "$set")) == ({}, {"a": 1})
    with pytest.raises(RefusedCall, match="invalid_set"):
        read_object({"$set": []}, "$set")
    with pytest.raises(RefusedCall, match="invalid_traits"):
        read_traits({"": 1})


@pytest.mark.parametrize(
    ("value", "code"),
    [(1_778_144_400, "invalid_timestamp"), ("2026-05-07T09:00:00", "naive_timestamp"), ("x", "invalid_timestamp")],
)
def test_times_need_their_zone(value: Any, code: str) -> None:
    assert read_moment("2026-05-07T11:00:00+02:00", "UTC") == NOW
    with pytest.raises(RefusedCall, match=code):
        read_moment(value, "UTC")


def test_only_an_administrator_says_when_something_was_received() -> None:
    past, future = "2026-05-01T00:00:00Z", "2026-05-07T09:00:01Z"
    assert received(past, Arrival(NOW), "received_at") == NOW
    admin = Arrival(NOW, may_backdate=True)
    assert received(None, admin, "received_at") == NOW
    assert received(past, admin, "received_at") == parse_moment(past, timezone="UTC")
    with pytest.raises(RefusedCall, match="received_in_future") as refused:
        received(future, admin, "receivedAt")
    assert refused.value.detail.startswith("receivedAt lies")


def test_nothing_happens_more_than_a_day_ahead() -> None:
    assert not_ahead(NOW + DAY_US, Arrival(NOW)) == NOW + DAY_US
    with pytest.raises(RefusedCall, match="timestamp_in_future"):
        not_ahead(NOW + DAY_US + 1, Arrival(NOW))
