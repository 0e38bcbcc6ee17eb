"""PostHog's events: what they become, what is refused and why, and which clock is believed."""

from __future__ import annotations

from typing import Any

import pytest

from features.clock import DAY_US, HOUR_US, format_us
from features.reading.moments import parse_moment
from features.storing.rows import Message
from serving import api_keys
from serving.items import Arrival, RefusedCall
from serving.posthog import Sent, clean, lead_of, without_keys

NOW = parse_moment("2026-05-07T09:00:00Z")
SENT = Sent(Arrival(now=NOW))


def became(sent: Sent = SENT, **more: Any) -> Message:
    return clean({"event": "upgrade", "distinct_id": "a", "uuid": "m"} | more, sent)


def refused(sent: Sent = SENT, **more: Any) -> str:
    with pytest.raises(RefusedCall) as refusal:
        became(sent, **more)
    assert refusal.value.detail.endswith(".")
    return refusal.value.code


def test_an_event_keeps_its_name_and_its_properties() -> None:
    found = became(properties={"plan": "pro"}, timestamp="2026-05-07T08:00:00Z")
    assert (found.message_id, found.kind, found.lead_id, found.name) == ("m", "track", "a", "upgrade")
    assert (found.at, found.received_at, found.properties) == (NOW - HOUR_US, NOW, {"plan": "pro"})
    assert (found.traits, found.account_id, found.merged_from) == ({}, None, None)


def test_who_it_is_about_may_stand_among_the_properties() -> None:
    assert became(distinct_id=None, properties={"distinct_id": 7}).lead_id == "7"
    assert became(distinct_id="a", properties={"distinct_id": "b"}).lead_id == "a"


def test_an_event_without_uuid_has_the_id_of_its_insert_or_one_of_its_own() -> None:
    assert became(uuid=None, properties={"$insert_id": "i"}).message_id == "i"
    assert became(uuid=None).message_id != became(uuid=None).message_id


@pytest.mark.parametrize(
    ("event", "properties", "kind", "name"),
    [
        ("$pageview", {"$pathname": "/pricing", "$current_url": "https://acme.com/x"}, "page", "page:/pricing"),
        ("$pageview", {"$current_url": "https://acme.com/pricing?plan=pro#top"}, "page", "page:/pricing"),
        ("$pageview", {"$current_url": "https://acme.com"}, "page", "page:/"),
        ("$screen", {"$screen_name": "Home"}, "screen", "screen:Home"),
        ("$pageleave", {"$pathname": "/pricing"}, "track", "$pageleave"),
        ("$autocapture", {}, "track", "$autocapture"),
    ],
)
def test_views_are_named_by_what_was_seen(event: str, properties: dict[str, Any], kind: str, name: str) -> None:
    found = became(event=event, properties=properties)
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize("event", ["$identify", "$set", "$set_once", "upgrade"])
def test_what_is_set_is_said_of_the_lead(event: str) -> None:
    found = became(event=event, properties={"$set": {"country": "TR"}, "$set_once": {"age": 7}}, **{"$set": {"title": "CTO"}})
    assert found.traits == {"country": "TR", "age": 7, "title": "CTO"}
    assert found.kind == ("track" if event == "upgrade" else "identify")


@pytest.mark.parametrize(
    ("event", "key", "kind"),
    [
        ("$identify", "$anon_distinct_id", "identify"),
        ("$create_alias", "alias", "alias"),
        ("$merge_dangerously", "alias", "alias"),
    ],
)
def test_ids_are_merged_into_the_one_of_the_event(event: str, key: str, kind: str) -> None:
    found = became(event=event, properties={key: "anon"})
    assert (found.kind, found.merged_from, found.lead_id) == (kind, "anon", "a")


def test_only_the_events_that_merge_merge() -> None:
    assert became(properties={"$anon_distinct_id": "anon", "alias": "other"}).merged_from is None
    assert became(event="$identify").merged_from is None
    assert refused(event="$create_alias") == "missing_previous_id"


@pytest.mark.parametrize(
    ("groups", "named", "account"),
    [
        ({"company": "acme"}, None, "acme"),
        ({"Organization": "acme"}, None, "acme"),
        ({"project": "p", "team": "t", "company": "acme"}, None, "acme"),
        ({"project": "p"}, None, None),
        ({"project": "p"}, "Project", "p"),
        ({"company": "acme", "school": "s"}, "school", "s"),
        ({"company": 7}, None, "7"),
        ({"company": {"id": 7}}, None, None),
        ("acme", None, None),
    ],
)
def test_the_account_is_the_group_that_is_one(groups: Any, named: str | None, account: str | None) -> None:
    assert became(Sent(SENT.arrival, account=named), properties={"$groups": groups}).account_id == account


def test_a_group_is_the_persons_unless_the_client_made_the_person_up() -> None:
    group = {"$group_type": "company", "$group_key": "acme", "$group_set": {"seats": 12}}
    found = became(event="$groupidentify", properties=group)
    assert (found.kind, found.account_id, found.properties["$group_set"]) == ("group", "acme", {"seats": 12})
    assert became(event="$groupidentify", distinct_id="$company_acme", properties=group).account_id is None
    assert became(event="$groupidentify", properties=group | {"$group_type": "project"}).account_id is None
    assert refused(event="$groupidentify", properties={"$group_type": "company"}) == "missing_group_id"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"event": None}, "missing_event"), ({"event": " "}, "missing_event"), ({"event": "x" * 257}, "missing_event"),
        ({"distinct_id": ""}, "missing_user"), ({"distinct_id": ["a"]}, "invalid_id"), ({"uuid": 1.5}, "invalid_id"),
        ({"properties": []}, "invalid_properties"), ({"$set": "x"}, "invalid_set"), ({"$set": {"": 1}}, "invalid_traits"),
        ({"event": "$pageview"}, "missing_name"), ({"event": "$screen", "properties": {"$screen_name": 1}}, "missing_name"),
        ({"timestamp": "2026-05-07T09:00:00"}, "naive_timestamp"), ({"timestamp": 1778144400}, "invalid_timestamp"),
        ({"timestamp": "2026-05-08T09:00:01Z"}, "timestamp_in_future"),
        ({"sent_at": "no", "timestamp": "2026-05-07T09:00:00Z"}, "invalid_timestamp"),
        ({"properties": {"x": "y" * 33_000}}, "event_too_large"),
    ],
)  # fmt: skip
def test_refusals(more: dict[str, Any], code: str) -> None:
    assert refused(**more) == code


def test_what_is_no_object_is_refused_and_about_nobody() -> None:
    for one in (None, 7, "x", [], True):
        with pytest.raises(RefusedCall):
            clean(one, SENT)
        assert lead_of(one) is None
    assert lead_of({"distinct_id": {}, "properties": {"distinct_id": "a"}}) == "a"


def test_a_clock_that_is_visibly_wrong_is_put_right() -> None:
    """What the sender's clock was off by when it sent, it was off by before."""
    written = format_us(NOW + DAY_US - HOUR_US)
    ahead = Sent(SENT.arrival, sent_at=NOW + DAY_US)
    assert became(ahead, timestamp=written).at == NOW - HOUR_US
    assert became(timestamp=written, sent_at=format_us(NOW + DAY_US)).at == NOW - HOUR_US
    assert became(ahead, timestamp=written, properties={"$ignore_sent_at": True}).at == NOW + DAY_US - HOUR_US
    assert became(Sent(SENT.arrival, sent_at=NOW - 9_000_000), timestamp=format_us(NOW)).at == NOW


def test_without_a_time_it_is_now_or_as_long_ago_as_the_client_waited() -> None:
    assert became().at == NOW
    assert became(offset=1500).at == NOW - 1_500_000
    assert became(offset=-5).at == became(offset="x").at == NOW


def test_history_was_known_when_it_happened() -> None:
    history = Sent(SENT.arrival, sent_at=NOW + DAY_US, is_history=True)
    found = became(history, timestamp="2025-01-01T00:00:00Z")
    assert found.at == found.received_at == parse_moment("2025-01-01T00:00:00Z")
    assert became(history, timestamp=format_us(NOW + HOUR_US)).received_at == NOW


def test_a_repeat_in_other_words_is_another() -> None:
    assert became(properties={"x": 1}).digest == became(properties={"x": 1}, sent_at=format_us(NOW)).digest
    assert became(properties={"x": 1}).digest != became(properties={"x": 2}).digest


def test_keys_are_left_out_and_nothing_else() -> None:
    ours = api_keys.PREFIX + "0" * 64
    ours += api_keys.checksum(ours)
    event = {"event": "x", "api_key": "phc", "token": "phc", "properties": {"token": "phc", "api_key": ours, "x": 1}}
    assert without_keys(event, "phc") == {"event": "x", "properties": {"x": 1}}
    assert without_keys({"properties": {"token": 12}}, "phc") == {"properties": {"token": 12}}
    assert without_keys({"properties": {"token": "mine"}}, None) == {"properties": {"token": "mine"}}
    assert without_keys(7, "phc") == 7
