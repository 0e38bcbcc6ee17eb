"""Clients in JavaScript: two for node, and two in a browser on a page of another origin, with what a browser asks first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.javascript import CHROMIUM, install, node, pages
from tests.journeys.taken import PAGE_HOST, Served, served
from tests.journeys.test_clients_python import DATABASES, assert_everything, written
from tests.serving.conftest import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=DATABASES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    install()
    with pages() as port, served(request.param, tmp_path_factory.mktemp("javascript"), page_port=port) as found:
        yield found


def browse(server: Served, tool: str, key: str, *, answers: int) -> dict[str, Any]:
    """Let a page send with a client; return what the browser saw."""
    if CHROMIUM is None:
        pytest.skip("no browser here")
    asked = {"tool": tool, "host": server.url.removeprefix("http://"), "key": key, "who": f"{tool}-browser"}
    return node("browse.mjs", CHROMIUM, f"{PAGE_HOST}:{server.page_port}/page.html", json.dumps(asked), answers)


def test_segment_in_node(server: Served) -> None:
    assert node("send.mjs", "segment", server.url, server.key, "segment-node") == {"errors": []}
    assert_everything(server, "segment-node", "@segment/analytics-node")


def test_posthog_in_node(server: Served) -> None:
    who = "posthog-node"
    assert node("send.mjs", "posthog", server.url, server.key, who) == {"errors": []}
    found = server.events(who, f"{who}-anonymous", f"$company_{who} Inc.")
    assert [(row["lead_id"], row["kind"], row["name"]) for row in found[:3]] == [
        (f"{who}-anonymous", "page", "page:/pricing"), (who, "identify", ""), (who, "track", "upgrade"),
    ]  # fmt: skip
    assert [row["at"] for row in found[:3]] == [written(number) for number in range(3)]
    assert [row["kind"] for row in found[3:]] == ["identify", "group", "group", "alias"]
    assert {row["properties"].pop("$lib") for row in found} == {"posthog-node"}
    assert (found[2]["properties"]["plan"], found[2]["properties"]["$groups"]) == ("pro", {"company": "acme"})
    pairs = [(f"{who}-anonymous", who, "identify"), (f"{who}-before", who, "alias")]
    assert server.links(f"{who}-anonymous", f"{who}-before") == pairs
    # Groups that were told of no person bring nobody into an account.
    assert server.accounts(who, f"$company_{who} Inc.") == [(who, "acme")]
    assert server.traits(who) == {"country": "TR", "age": 7, "title": "CTO"}


@pytest.mark.parametrize("tool", ["segment", "posthog"])
def test_node_tells_that_the_key_is_wrong(server: Served, tool: str) -> None:
    (error, *_) = node("send.mjs", tool, server.url, "tw_wrong", "stranger")["errors"]
    assert "401" in error or "Unauthorized" in error
    assert server.events("stranger") == []


def test_segment_in_a_browser(server: Served) -> None:
    who = "segment-browser"
    seen = browse(server, "segment", server.key, answers=5)
    assert (seen["errors"], seen["console"]) == ([], [])
    assert [(one["path"], one["status"], one["type"]) for one in seen["requests"]] == [
        (f"/v1/{letter}", 200, "text/plain") for letter in "pitga"
    ]
    found = server.events(who, seen["anonymous"])
    assert [(row["kind"], row["name"], row["lead_id"]) for row in found] == [
        ("page", "page:/page.html", seen["anonymous"]), ("identify", "", who), ("track", "Upgrade Clicked", who),
        ("group", "", who), ("alias", "", who),
    ]  # fmt: skip
    assert {row["anonymous_id"] for row in found} == {seen["anonymous"]}
    assert {row["context"]["library"]["name"] for row in found} == {"analytics.js"}
    assert [row["properties"] for row in found[1:]] == [{"country": "TR", "age": 7}, {"plan": "pro"}, {"seats": 12}, {}]
    pairs = [(seen["anonymous"], who, "identify"), (f"{who}-before", who, "alias")]
    assert server.links(seen["anonymous"], f"{who}-before") == pairs
    assert server.accounts(who) == [(who, "acme")]
    assert server.traits(who) == {"country": "TR", "age": 7}


def test_posthog_in_a_browser(server: Served) -> None:
    who = "posthog-browser"
    seen = browse(server, "posthog", server.key, answers=1)
    assert (seen["errors"], seen["console"]) == ([], [])
    # What is told while leaving reaches the server, but its answer finds nobody; nor does what was still being asked.
    assert all(one.endswith(" net::ERR_ABORTED") for one in seen["failed"]), seen["failed"]
    assert {one["status"] for one in seen["requests"]} == {200}
    sent = [one for one in seen["requests"] if one["path"] == "/e/"]
    assert {one["type"] for one in sent} == {"text/plain"}
    wait_for(lambda: any(row["name"] == "left" for row in server.events(who)), seconds=20)
    found = server.events(who, seen["anonymous"])
    # The last was told while the page was left, with what a browser still sends then.
    assert sorted((row["kind"], row["name"], row["lead_id"]) for row in found if row["name"] != "$pageleave") == sorted([
        ("track", "viewed", seen["anonymous"]), ("identify", "", who), ("group", "", who), ("track", "upgrade", who),
        ("page", "page:/page.html", who), ("track", "left", who),
    ])  # fmt: skip
    assert {row["properties"]["$lib"] for row in found} == {"web"}
    upgrade = next(row["properties"] for row in found if row["name"] == "upgrade")
    assert (upgrade["plan"], upgrade["$groups"], upgrade["$pathname"]) == ("pro", {"company": "acme"}, "/page.html")
    assert server.links(seen["anonymous"]) == [(seen["anonymous"], who, "identify")]
    assert server.accounts(who) == [(who, "acme")]
    traits = server.traits(who)
    assert (traits["country"], traits["age"]) == ("TR", 7)
    assert server.key not in json.dumps(found)


@pytest.mark.parametrize("tool", ["segment", "posthog"])
def test_a_page_with_a_key_that_may_do_more_is_refused(server: Served, tool: str) -> None:
    before = server.store.counts()["event"]
    seen = browse(server, tool, server.other_key, answers=1)
    assert {one["status"] for one in seen["requests"] if one["path"].startswith(("/e/", "/v1/"))} == {403}
    assert server.store.counts()["event"] == before
