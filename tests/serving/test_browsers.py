"""Web pages: those of listed origins may send events with a key that can do nothing else; all others may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from features.errors import InputError
from features.workspace import Workspace
from serving import sales_routes, score_routes
from serving.app import PAGE_DOORS, create_app
from serving.settings import Settings, read_origins
from tests.serving import test_access
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for
from tests.serving.test_ingest_routes import counted

keys, bearer, basic = test_access.keys, test_access.bearer, test_access.basic
__all__ = ["keys"]

ORIGIN = "https://app.acme.com"
PAGE = {"Origin": ORIGIN}
CALL = {"type": "track", "userId": "a", "event": "Login", "messageId": "1"}
TEXT = {"Content-Type": "text/plain;charset=UTF-8"}


@pytest.fixture
def at_page(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, keys: dict[str, dict[str, str]]
) -> Iterator[TestClient]:
    """A server with keys that a page may send to; the page's key is in the client's header ``x-key``."""
    ours = replace(settings, open_to_all=False, origins=read_origins(f"http://localhost:3000, {ORIGIN}"))
    with TestClient(create_app(workspace, ours, source=registry), base_url="https://example.com") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        client.headers["x-key"] = keys["page"]["key"]
        yield client


def asks(client: TestClient, path: str, origin: str = ORIGIN, method: str = "POST") -> Any:
    headers = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization"}
    return client.options(path, headers=headers)


def test_a_browser_that_asks_is_told_that_it_may(at_page: TestClient) -> None:
    for door in ("/v1/t", "/v1/track", "/v1/batch", "/v1/events", "/e/", "/batch/", "/flags/", "/array/x/config"):
        answer = asks(at_page, door)
        assert (answer.status_code, answer.content) == (204, b"")
        assert (answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (ORIGIN, "Origin")
        allowed = answer.headers["access-control-allow-headers"].split(", ")
        assert {"authorization", "content-type", "x-write-key"} <= set(allowed)
        assert "access-control-allow-credentials" not in answer.headers


def test_other_origins_are_told_that_they_may_not(at_page: TestClient) -> None:
    for origin in ("https://evil.example", "http://app.acme.com", f"{ORIGIN}.evil.example", "null", ""):
        for answer in (asks(at_page, "/v1/t", origin), at_page.post("/v1/t", json=CALL, headers={"Origin": origin})):
            assert (answer.status_code, answer.json()["code"]) == (403, "wrong_origin")
            assert "access-control-allow-origin" not in answer.headers


def test_pages_use_no_other_doors(at_page: TestClient, keys: dict[str, dict[str, str]]) -> None:
    for door in ("/v1/conversions", "/v1/contacts", "/v1/score", "/v1/leads"):
        assert asks(at_page, door).status_code == 405
        assert door not in PAGE_DOORS
    for router in (sales_routes.router, score_routes.router):
        assert not {route.path for route in router.routes} & set(PAGE_DOORS)
    body = json.dumps({"conversions": []})
    for held, status in (("page", 403), ("ingest", 415)):
        answer = at_page.post("/v1/conversions", content=body, headers=PAGE | TEXT | bearer(keys[held]["key"]))
        assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_may_send_plain_text_and_reads_the_answer(at_page: TestClient, keys: dict[str, dict[str, str]]) -> None:
    """That is all that a browser sends without asking first."""
    text = json.dumps(CALL | {"writeKey": at_page.headers["x-key"]})
    answer = at_page.post("/v1/t", content=text, headers=PAGE | TEXT)
    assert counted(answer) == (1, 0, [])
    assert (answer.headers["access-control-allow-origin"], answer.headers["access-control-expose-headers"]) == (
        ORIGIN,
        "Retry-After",
    )
    # An origin is compared without looking at the case of its letters; a problem is readable as well.
    refused = at_page.post("/v1/t", content="{", headers={"Origin": ORIGIN.upper()} | TEXT)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (400, ORIGIN.upper())


def test_plain_text_comes_from_pages_only(at_page: TestClient, keys: dict[str, dict[str, str]]) -> None:
    text = json.dumps(CALL | {"writeKey": keys["page"]["key"]})
    assert at_page.post("/v1/t", content=text, headers=TEXT).status_code == 415


def test_a_key_of_ingest_alone_still_sends_from_a_page(at_page: TestClient, keys: dict[str, dict[str, str]]) -> None:
    assert counted(at_page.post("/v1/t", json=CALL, headers=PAGE | bearer(keys["ingest"]["key"]))) == (1, 0, [])


def test_a_pages_key_may_do_nothing_but_send(at_page: TestClient, keys: dict[str, dict[str, str]]) -> None:
    for headers in (bearer(keys["admin"]["key"]), basic(keys["admin"]["key"] + ":"), {"X-Write-Key": keys["admin"]["key"]}):
        answer = at_page.post("/v1/t", json=CALL, headers=PAGE | headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_scope")
        assert "web page" in answer.json()["detail"]
        assert at_page.post("/v1/t", json=CALL, headers=headers).status_code == 200
    told = at_page.post("/e/", json={"event": "x", "distinct_id": "a", "api_key": keys["admin"]["key"]}, headers=PAGE)
    assert (told.status_code, told.json()["code"]) == (403, "wrong_scope")


def test_an_open_server_is_closed_to_pages_that_are_not_listed(client: TestClient) -> None:
    """A page that somebody looks at could otherwise write into the server on their machine."""
    for door in ("/v1/t", "/e/", "/v1/conversions"):
        answer = client.post(door, content=json.dumps(CALL), headers=PAGE | TEXT)
        assert answer.status_code in (403, 415)


@pytest.mark.parametrize("text", ["*", "app.acme.com", "https://app.acme.com/", "https://*.acme.com", "ftp://x", "https://a b"])
def test_origins_that_are_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_CORS_ORIGINS", f"https://acme.com, {text}")
    with pytest.raises(InputError, match="TRIALWISE_CORS_ORIGINS"):
        Settings.from_environment()


def test_origins_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment().origins == frozenset()
    monkeypatch.setenv("TRIALWISE_CORS_ORIGINS", " https://ACME.com,http://localhost:3000 , http://[::1]:8000,")
    assert Settings.from_environment().origins == {"https://acme.com", "http://localhost:3000", "http://[::1]:8000"}
