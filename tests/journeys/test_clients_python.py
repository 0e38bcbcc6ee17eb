"""Clients in Python that point at us and nothing else: every field of theirs is in the store, and a wrong key is told at once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.journeys.taken import Served, served

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
AT = datetime(2026, 5, 7, 9, tzinfo=UTC)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(request.param, tmp_path_factory.mktemp("clients")) as found:
        yield found


class Errors:
    """What a client tells of its failures. No list: the clients ask whether it is true, and an empty list is not."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def __call__(self, error: Any, _items: Any) -> None:
        self.told.append(error)


def minute(number: int) -> datetime:
    return AT + timedelta(minutes=number)


def written(number: int) -> str:
    return minute(number).isoformat().replace("+00:00", ".000000Z")


def say_everything(client: Any, who: str, **of_the_tool: Any) -> None:
    """Every call of Segment's API, as its clients in Python and those of RudderStack have it."""
    anonymous, context = f"{who}-anonymous", {"ip": "192.0.2.1", "groupId": "acme"}
    client.page(None, "Docs", "Pricing", {"path": "/pricing"}, anonymous_id=anonymous, timestamp=minute(0), message_id=f"{who}-0")
    client.identify(who, {"country": "TR", "age": 7}, anonymous_id=anonymous, timestamp=minute(1), message_id=f"{who}-1")
    client.track(who, "Upgrade Clicked", {"plan": "pro", "n": [1, {"ü": None}]}, context, minute(2), message_id=f"{who}-2")
    client.screen(who, "Main", "Home", {"dark": True}, timestamp=minute(3), message_id=f"{who}-3")
    client.group(who, "acme", {"seats": 12}, timestamp=minute(4), message_id=f"{who}-4")
    client.alias(f"{who}-before", who, timestamp=minute(5), message_id=f"{who}-5")


def assert_everything(server: Served, who: str, library: str) -> None:
    anonymous = f"{who}-anonymous"
    found = server.events(who, anonymous)
    contexts = [row.pop("context") for row in found]
    assert {context["library"]["name"] for context in contexts} == {library}
    assert contexts[2]["ip"] == "192.0.2.1"
    base = {"anonymous_id": None, "count": 1, "lead_id": who}
    assert found == [
        base | {"message_id": f"{who}-{number}", "at": written(number)} | row
        for number, row in enumerate([
            {"kind": "page", "name": "page:/pricing", "properties": {"path": "/pricing"},
             "lead_id": anonymous, "anonymous_id": anonymous},
            {"kind": "identify", "name": "", "properties": {"country": "TR", "age": 7}, "anonymous_id": anonymous},
            {"kind": "track", "name": "Upgrade Clicked", "properties": {"plan": "pro", "n": [1, {"ü": None}]}},
            {"kind": "screen", "name": "screen:Home", "properties": {"dark": True}},
            {"kind": "group", "name": "", "properties": {"seats": 12}},
            {"kind": "alias", "name": "", "properties": {}},
        ])
    ]  # fmt: skip
    assert server.links(anonymous, f"{who}-before") == [(anonymous, who, "identify"), (f"{who}-before", who, "alias")]
    assert server.accounts(who) == [(who, "acme")]
    assert server.traits(who) == {"country": "TR", "age": 7}


@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize("waits", [False, True])
def test_segment(server: Served, gzip: bool, waits: bool) -> None:
    from segment.analytics.client import Client

    errors, who = Errors(), f"segment-{gzip}-{waits}"
    client = Client(server.key, host=server.url, on_error=errors, gzip=gzip, sync_mode=waits, max_retries=0)
    say_everything(client, who)
    if not waits:
        client.shutdown()
    assert errors.told == []
    assert_everything(server, who, "analytics-python")


@pytest.mark.parametrize("waits", [False, True])
def test_rudderstack(server: Served, waits: bool) -> None:
    from rudderstack.analytics.client import Client

    errors, who = Errors(), f"rudder-{waits}"
    client = Client(server.key, host=server.url, on_error=errors, sync_mode=waits, max_retries=0)
    say_everything(client, who)
    if not waits:
        client.shutdown()
    assert errors.told == []
    # Its clients write the traits of an identify into the context.
    with_traits = [row for row in server.events(who) if row["kind"] == "identify"]
    assert with_traits[0]["context"]["traits"] == {"country": "TR", "age": 7}
    assert_everything(server, who, "analytics-python")


@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize("waits", [False, True])
def test_posthog(server: Served, gzip: bool, waits: bool) -> None:
    from posthog import Posthog

    errors, who = Errors(), f"posthog-{gzip}-{waits}"
    anonymous = f"{who}-anonymous"
    client = Posthog(server.key, host=server.url, on_error=errors, gzip=gzip, sync_mode=waits, max_retries=0, debug=waits)
    page = {"$current_url": "https://acme.com/pricing?plan=pro"}
    uuids = [
        client.capture("$pageview", distinct_id=anonymous, properties=page, timestamp=minute(0)),
        client.capture("$identify", distinct_id=who, properties={"$anon_distinct_id": anonymous}, timestamp=minute(1)),
        client.set(distinct_id=who, properties={"country": "TR"}, timestamp=minute(2)),
        client.set_once(distinct_id=who, properties={"age": 7}, timestamp=minute(3)),
        client.capture("upgrade", distinct_id=who, properties={"plan": "pro"}, groups={"company": "acme"}, timestamp=minute(4)),
        client.group_identify("company", "acme", {"seats": 12}, distinct_id=who, timestamp=minute(5)),
        client.alias(who, f"{who}-before", timestamp=minute(6)),
    ]
    client.shutdown()
    assert errors.told == []
    found = server.events(who, anonymous)
    assert [row["message_id"] for row in found] == uuids
    assert [row["at"] for row in found] == [written(number) for number in range(7)]
    assert [(row["lead_id"], row["kind"], row["name"]) for row in found] == [
        (anonymous, "page", "page:/pricing"), (who, "identify", ""), (who, "identify", ""), (who, "identify", ""),
        (who, "track", "upgrade"), (who, "group", ""), (who, "alias", ""),
    ]  # fmt: skip
    assert {row["properties"]["$lib"] for row in found} == {"posthog-python"}
    assert found[0]["properties"]["$current_url"] == page["$current_url"]
    assert (found[4]["properties"]["plan"], found[4]["properties"]["$groups"]) == ("pro", {"company": "acme"})
    assert found[5]["properties"]["$group_set"] == {"seats": 12}
    assert server.links(anonymous, f"{who}-before") == [(anonymous, who, "identify"), (f"{who}-before", who, "alias")]
    assert server.accounts(who) == [(who, "acme")]
    assert server.traits(who) == {"country": "TR", "age": 7}


def test_posthogs_history_was_known_when_it_happened(server: Served) -> None:
    from posthog import Posthog

    for key, who, known in ((server.admin_key, "history", True), (server.key, "no history", False)):
        client = Posthog(key, host=server.url, historical_migration=True, sync_mode=True, debug=True)
        client.capture("login", distinct_id=who, timestamp=minute(0))
        client.shutdown()
        lead = server.store.lead(who)
        assert lead is not None
        assert [(one.at == one.received_at) for one in lead.events] == [known]


@pytest.mark.parametrize("tool", ["segment", "rudderstack", "posthog"])
def test_a_wrong_key_is_told_once_and_not_tried_again(server: Served, tool: str, caplog: pytest.LogCaptureFixture) -> None:
    """A client that took the refusal for a broken line would try ten times, ever slower."""
    errors = Errors()
    wrong = server.key[:-1] + ("0" if server.key[-1] != "0" else "1")
    if tool == "posthog":
        from posthog import Posthog

        stranger: Any = Posthog(wrong, host=server.url, on_error=errors)
        stranger.capture("login", distinct_id="stranger")
    else:
        module = pytest.importorskip(f"{tool}.analytics.client")
        stranger = module.Client(wrong, host=server.url, on_error=errors)
        stranger.track("stranger", "login")
    with caplog.at_level(logging.CRITICAL):
        stranger.shutdown()
    assert [error.status for error in errors.told] == [401]
    assert "Send a valid key" in str(errors.told[0])
    assert server.events("stranger") == []


def test_what_a_client_gets_wrong_is_kept_with_its_reason(server: Served) -> None:
    from posthog import Posthog

    client = Posthog(server.key, host=server.url, sync_mode=True, debug=True)
    client.capture("x" * 300, distinct_id="wrong", properties={"token": server.key, "mine": 1})
    client.shutdown()
    ((door, lead_id, code, body),) = [row for row in server.refused() if row[1] == "wrong"]
    assert (door, lead_id, code) == ("/batch/", "wrong", "missing_event")
    assert '"mine":1' in body
    assert server.key not in body
