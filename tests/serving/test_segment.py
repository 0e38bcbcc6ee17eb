"""Segment's calls: what they become, what is refused and why, and which clock is believed."""

from __future__ import annotations

from typing import Any

import pytest

from features.clock import DAY_US, HOUR_US, format_us
from features.reading.moments import parse_moment
from features.storing.canonical import size_of
from features.storing.rows import Message, digest_of
from serving.guards import EVENT_LIMIT
from serving.items import Arrival, RefusedCall, lead_of
from serving.segment import LATENCY_US, clean

NOW = parse_moment("2026-05-07T09:00:00Z")
ARRIVAL = Arrival(now=NOW)
ADMIN = Arrival(now=NOW, may_backdate=True)


def track(**more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": "a", "event": "Login", "messageId": "m"} | more


def became(call: Any, arrival: Arrival = ARRIVAL, kind: str | None = None) -> Message:
    return clean(call, arrival, kind)


def refused(call: Any, arrival: Arrival = ARRIVAL, kind: str | None = None) -> str:
    with pytest.raises(RefusedCall) as refusal:
        clean(call, arrival, kind)
    assert refusal.value.detail.endswith(".")
    return refusal.value.code


def test_a_track_call_becomes_an_event() -> None:
    message = became(track(properties={"x": 1}, anonymousId="anon", context={"ip": "1.2.3.4", "groupId": "acme"}))
    assert (message.message_id, message.kind, message.lead_id, message.name) == ("m", "track", "a", "Login")
    assert (message.at, message.received_at, message.count) == (NOW, NOW, 1)
    assert (message.properties, message.account_id, message.merged_from) == ({"x": 1}, "acme", None)


def test_an_identify_may_carry_its_traits_in_the_context() -> None:
    """RudderStack's clients put them there; other calls only repeat them there."""
    call = {"userId": "a", "context": {"traits": {"country": "TR", "age": 6}}, "traits": {"age": 7}}
    found = became(call, kind="identify")
    assert found.traits == found.properties == {"country": "TR", "age": 7}
    assert became(track(context={"traits": {"country": "TR"}})).traits == {}
    assert refused({"userId": "a", "context": {"traits": 7}}, kind="identify") == "invalid_traits"


def test_without_a_user_the_anonymous_id_is_the_lead() -> None:
    assert became(track(userId=None, anonymousId="anon")).lead_id == "anon"


def test_numbers_are_ids_as_their_text() -> None:
    message = became(track(userId=7, messageId=8))
    assert (message.lead_id, message.message_id) == ("7", "8")


def test_a_call_without_message_id_gets_one_of_its_own() -> None:
    call = track(messageId=None)
    assert became(call).message_id != became(call).message_id


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ({"name": "Pricing", "properties": {"path": "/pricing"}}, "page:/pricing"),
        ({"properties": {"url": "https://acme.com/Pricing/eu?x=1#y"}}, "page:/Pricing/eu"),
        ({"context": {"page": {"path": "/docs"}}}, "page:/docs"),
        ({"properties": {"url": "https://acme.com"}}, "page:/"),
        ({"name": "Home"}, "page:Home"),
        ({"properties": {"name": "Home", "url": "http://[bad"}}, "page:Home"),
    ],
)
def test_a_page_is_named_by_its_path_or_its_name(call: dict[str, Any], name: str) -> None:
    assert became({"type": "page", "userId": "a"} | call).name == name


def test_a_screen_is_named_by_its_name() -> None:
    assert became({"type": "screen", "userId": "a", "name": "Home", "properties": {"path": "/x"}}).name == "screen:Home"


def test_identify_group_and_alias_say_who_a_lead_is() -> None:
    identify = became({"type": "identify", "userId": "a", "anonymousId": "anon", "traits": {"country": "DE"}})
    assert (identify.traits, identify.merged_from, identify.name) == ({"country": "DE"}, "anon", "")
    group = became({"type": "group", "userId": "a", "groupId": "acme", "traits": {"plan": "pro"}})
    assert (group.account_id, group.traits, group.properties) == ("acme", {}, {"plan": "pro"})
    alias = became({"type": "alias", "userId": "a", "previousId": "old"})
    assert (alias.lead_id, alias.merged_from) == ("a", "old")


def test_the_address_says_the_type_before_the_call_does() -> None:
    assert became(track(type="page"), kind="track").kind == "track"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ([], "not_an_object"),
        ("x", "not_an_object"),
        (track(type="tracking"), "unknown_type"),
        (track(type=["track"]), "unknown_type"),
        (track(userId=""), "missing_user"),
        (track(userId=True), "invalid_id"),
        (track(userId="x" * 257), "invalid_id"),
        (track(messageId={"a": 1}), "invalid_id"),
        (track(event=""), "missing_event"),
        (track(event="  "), "missing_event"),
        (track(event=7), "missing_event"),
        (track(event="x" * 257), "missing_event"),
        (track(properties=[1]), "invalid_properties"),
        (track(context="x"), "invalid_context"),
        (track(count=0), "invalid_count"),
        (track(count=1.5), "invalid_count"),
        (track(count=True), "invalid_count"),
        (track(timestamp="2026-05-07T09:00:00"), "naive_timestamp"),
        (track(timestamp="2026-05-07 09:00"), "naive_timestamp"),
        (track(timestamp=1778144400), "invalid_timestamp"),
        (track(timestamp="1778144400"), "invalid_timestamp"),
        (track(timestamp="7.5.2026"), "invalid_timestamp"),
        (track(timestamp="1970-01-01T00:00:00Z"), "invalid_timestamp"),
        (track(timestamp="2026-05-08T09:00:01Z"), "timestamp_in_future"),
        (track(timestamp="2036-05-07T09:00:00Z"), "timestamp_in_future"),
        (track(properties={"x": "y" * 33_000}), "event_too_large"),
        ({"type": "page", "userId": "a"}, "missing_name"),
        ({"type": "group", "userId": "a"}, "missing_group_id"),
        ({"type": "alias", "userId": "a"}, "missing_previous_id"),
        ({"type": "identify", "userId": "a", "traits": {"x" * 257: 1}}, "invalid_traits"),
        ({"type": "identify", "userId": "a", "traits": 7}, "invalid_traits"),
    ],
)
def test_what_is_refused_has_a_code(call: Any, code: str) -> None:
    assert refused(call) == code


@pytest.mark.parametrize(
    ("stated", "at"),
    [
        ("2026-05-07T08:00:00Z", NOW - HOUR_US),
        ("2026-05-07T10:00:00+02:00", NOW - HOUR_US),
        ("2026-05-07T08:00:00.123456Z", NOW - HOUR_US + 123_456),
        ("2026-05-07", NOW - 9 * HOUR_US),
        ("2016-05-07T09:00:00Z", parse_moment("2016-05-07T09:00:00Z")),
        ("2026-05-08T09:00:00Z", NOW + DAY_US),
    ],
)
def test_a_time_with_its_zone_is_believed(stated: str, at: int) -> None:
    message = became(track(timestamp=stated))
    assert (message.at, message.received_at) == (at, NOW)
    assert message.known_at == max(at, NOW)


def test_a_bare_date_is_a_day_of_the_workspace() -> None:
    message = became(track(timestamp="2026-05-07"), Arrival(now=NOW, timezone="Europe/Istanbul"))
    assert format_us(message.at) == "2026-05-06T21:00:00.000000Z"


@pytest.mark.parametrize("off", [-10 * 365 * DAY_US, -DAY_US, -HOUR_US, HOUR_US, 12 * HOUR_US, 400 * DAY_US])
def test_a_clock_that_is_off_is_put_right(off: int) -> None:
    happened = NOW - HOUR_US
    call = track(timestamp=format_us(happened + off))
    assert became(call, Arrival(now=NOW, sent_at=format_us(NOW + off))).at == happened
    assert became(call | {"sentAt": format_us(NOW + off)}).at == happened


@pytest.mark.parametrize("late", [-LATENCY_US, -1, 0, 50_000, LATENCY_US])
def test_the_time_on_the_way_is_no_wrong_clock(late: int) -> None:
    call = track(timestamp="2026-05-07T08:00:00Z")
    assert became(call, Arrival(now=NOW, sent_at=format_us(NOW - late))).at == NOW - HOUR_US


def test_what_was_put_right_before_is_left_alone() -> None:
    call = track(timestamp="2026-05-07T08:00:00Z", originalTimestamp="2020-01-01T00:00:00Z", sentAt="2020-01-01T00:00:05Z")
    assert became(call).at == NOW - HOUR_US


def test_the_original_timestamp_alone_is_put_right() -> None:
    call = track(originalTimestamp="2026-05-06T08:00:00Z", sentAt="2026-05-06T09:00:00Z")
    assert became(call).at == NOW - HOUR_US


@pytest.mark.parametrize("where", ["call", "context"])
def test_only_an_administrator_may_say_when_it_was_received(where: str) -> None:
    said = {"receivedAt": "2026-05-01T00:00:00Z"}
    call = track(timestamp="2026-04-30T00:00:00Z", **(said if where == "call" else {"context": said}))
    assert became(call).received_at == NOW
    assert format_us(became(call, ADMIN).received_at) == "2026-05-01T00:00:00.000000Z"


def test_filling_in_the_past_is_no_wrong_clock() -> None:
    call = track(timestamp="2026-04-30T00:00:00Z", receivedAt="2026-05-01T00:00:00Z", sentAt="2026-05-07T09:00:00Z")
    assert format_us(became(call, ADMIN).at) == "2026-04-30T00:00:00.000000Z"


def test_nothing_was_received_in_the_future() -> None:
    assert refused(track(receivedAt="2026-05-07T09:00:01Z"), ADMIN) == "received_in_future"


def test_the_fingerprint_is_of_what_the_caller_said() -> None:
    said = track(timestamp="2026-05-07T08:00:00Z", properties={"x": 1})
    first = became(said).digest
    assert became(said | {"sentAt": "2026-05-07T08:59:59Z", "context": {"a": 1}}, Arrival(now=NOW + 5)).digest == first
    for other in ({"event": "Other"}, {"userId": "b"}, {"properties": {"x": 2}}, {"timestamp": "2026-05-07T08:00:01Z"}):
        assert became(said | other).digest != first


def test_the_outer_context_is_shared_and_the_inner_wins() -> None:
    message = became(track(context={"b": 2}), Arrival(now=NOW, context={"a": 1, "b": 1}))
    assert message.context == {"a": 1, "b": 2}


def test_a_refused_call_is_kept_under_its_lead() -> None:
    calls = ({"userId": "a"}, {"anonymousId": "b"}, {"userId": 7}, {"userId": [], "anonymousId": "c"}, {"userId": 7.5}, [], None)
    assert [lead_of(call, ("userId", "anonymousId")) for call in calls] == ["a", "b", "7", "c", None, None, None]


def test_a_count_of_null_is_none() -> None:
    assert became(track(count=None)).count == 1


@pytest.mark.parametrize(
    "call", [track(), track(anonymousId="é", timestamp="2026-05-07T08:00:00Z", properties={"b": 1, "a": '"'})]
)
def test_the_fingerprint_is_the_one_that_stores_hold_already(call: dict[str, Any]) -> None:
    said = call["type"], call["userId"], call.get("anonymousId"), call["event"], call.get("properties", {}), None, None, 1
    assert became(call).digest == digest_of(*said, [None, call.get("timestamp")])


@pytest.mark.parametrize("place", ["properties", "context", "integrations", "other"])
def test_a_call_may_be_as_large_as_the_limit_wherever_it_is_large(place: str) -> None:
    call = track(**{place: "" if place == "other" else {"x": ""}})
    room = EVENT_LIMIT - size_of(call)
    for letter, bytes_each in (("y", 1), ("é", 2), ("\x01", 6)):
        text = letter * (room // bytes_each) + "y" * (room % bytes_each)
        assert became(call | {place: text if place == "other" else {"x": text}}).lead_id == "a"
        assert refused(call | {place: f"{text}y" if place == "other" else {"x": f"{text}y"}}) == "event_too_large"
    assert refused({"x": "y" * EVENT_LIMIT}) == "event_too_large"  # whatever else is wrong with it
