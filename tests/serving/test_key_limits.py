"""Keys over HTTP: how much each may do, how often an address may fail, and that the text of a key is nowhere to be found.

That is check 32 and check 34.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from features.store import EventStore
from features.workspace import Workspace
from serving import api_keys
from serving.access import Access
from serving.app import create_app
from serving.limits import Limits
from serving.problems import Problem
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry

SECRET = b"test"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "var", f"sqlite:///{tmp_path / 'store.db'}", key_secret="test")


@pytest.fixture
def store(settings: Settings) -> Iterator[EventStore]:
    store = EventStore(settings.database_url)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def keys(store: EventStore) -> list[dict[str, str]]:
    return [api_keys.mint(store, SECRET, ["score"]) for _ in range(2)]


def opened(workspace: Workspace, settings: Settings, registry: FakeRegistry, limits: Limits) -> TestClient:
    app = create_app(workspace, replace(settings, limits=limits), source=registry)
    return TestClient(app, base_url="https://example.com")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_is_limited_and_another_is_not(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, keys: list[dict[str, str]]
) -> None:
    first, second = (bearer(key["key"]) for key in keys)
    with opened(workspace, settings, registry, Limits(rate=0.02, burst=3)) as client:
        told = [client.get("/v1/model", headers=first) for _ in range(5)]
        assert [answer.status_code for answer in told] == [200, 200, 200, 429, 429]
        assert [answer.headers["x-ratelimit-remaining"] for answer in told] == ["2", "1", "0", "0", "0"]
        assert {answer.headers["x-ratelimit-limit"] for answer in told} == {"3"}
        refusal = told[3]
        assert refusal.json()["code"] == "rate_limited"
        assert 45 <= int(refusal.headers["retry-after"]) <= 50
        assert refusal.headers["x-ratelimit-reset"] == refusal.headers["retry-after"]
        assert client.get("/v1/model", headers=second).headers["x-ratelimit-remaining"] == "2"
        # A body is not read for a key that has used up its requests.
        assert client.post("/v1/score", content=b"no JSON", headers=first).status_code == 429
        assert client.get("/livez").status_code == 200
        assert 'trialwise_refused_requests_total{code="rate_limited"} 3.0' in client.get("/metrics").text


def test_an_address_that_guesses_is_shut_out_before_its_key_is_looked_up(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, keys: list[dict[str, str]]
) -> None:
    with opened(workspace, settings, registry, Limits()) as client:
        right = bearer(keys[0]["key"])
        assert client.get("/v1/model", headers=right).status_code == 200
        for number in range(20):
            headers = {} if number % 2 else bearer(f"tw_{number}")
            assert client.get("/v1/model", headers=headers).status_code == 401
        for headers in ({}, bearer("tw_x"), right):
            answer = client.get("/v1/model", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (429, "too_many_failures")
            assert 50 <= int(answer.headers["retry-after"]) <= 60
        assert client.get("/readyz").status_code in (200, 503)


def test_the_text_of_a_key_is_nowhere(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, keys: list[dict[str, str]],
    caplog: pytest.LogCaptureFixture, tmp_path: Path,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    key = keys[0]["key"]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    said = ""
    with opened(workspace, settings, registry, Limits(burst=6)) as client:
        for text in (key, wrong):
            for headers in (bearer(text), {"Authorization": text}, {"X-Write-Key": text}):
                said += client.get("/v1/model", headers=headers).text
                said += client.post("/v1/track", json={"writeKey": text, "userId": "a", "event": "x"}, headers=headers).text
                said += client.post("/v1/track", json={"writeKey": text}).text
                said += client.post("/i/v0/e/", json={"api_key": text, "event": "x"}).text
            said += client.get(f"/v1/leads?cursor={text}", headers=bearer(key)).text
            said += client.get(f"/{text}").text
        said += client.get("/metrics").text
    logged = "".join(one.getMessage() for one in caplog.records if not one.name.startswith(("httpx", "httpcore")))
    assert "POST /v1/track 401" in logged
    assert key[:-8] not in said + logged
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert keys[0]["id"].encode() in stored
    assert key[:-8].encode() not in stored
    assert key.removeprefix(api_keys.PREFIX)[:-8].encode() not in stored


@pytest.mark.faults
def test_a_refusal_takes_as_long_whatever_was_wrong(store: EventStore) -> None:
    """10,000 refusals of each kind: their medians lie within 5 % of each other."""
    made = api_keys.mint(store, SECRET, ["score"])
    revoked = api_keys.mint(store, SECRET, ["score"])
    store.keys.revoke(revoked["id"], 1)
    guard = Access(store, SECRET, open_to_all=False, limits=Limits(failed_logins=10**6))
    guard.refresh()
    other = api_keys.PREFIX + "0" * 64
    kinds = {
        "unknown": other + api_keys.checksum(other),
        "malformed": made["key"][:-1] + ("0" if made["key"][-1] != "0" else "1"),
        "revoked": revoked["key"],
    }
    took: dict[str, list[int]] = {kind: [] for kind in kinds}
    for _ in range(10_000):
        for kind, key in kinds.items():
            begin = time.perf_counter_ns()
            with pytest.raises(Problem):
                guard.caller(f"Bearer {key}", None, "score", "192.0.2.1")
            took[kind].append(time.perf_counter_ns() - begin)
    medians = [statistics.median(times) for times in took.values()]
    print("".join(f"\n  {kind:12s} {median / 1e3:8.2f} µs" for kind, median in zip(took, medians, strict=True)))
    assert max(medians) <= 1.05 * min(medians), dict(zip(took, medians, strict=True))
