"""Keys: who comes in, who does not, and that neither shows more than it must (check 32, check 33)."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from features.errors import InputError
from features.store import EventStore
from features.workspace import Workspace
from serving import access, api_keys, openapi
from serving.access import FRESH_SECONDS, Access
from serving.app import create_app
from serving.limits import Limits
from serving.problems import Problem
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for

INFER = {"inputs": [{"name": "country", "shape": [1], "datatype": "BYTES", "data": ["DE"]}]}
TRACK = {"type": "track", "userId": "a", "event": "Login", "messageId": "1"}
SECRET = b"test"


@pytest.fixture
def keys(settings: Settings) -> dict[str, dict[str, str]]:
    store = EventStore(settings.database_url)
    store.migrate()
    made = {scope: api_keys.mint(store, SECRET, [scope], scope) for scope in api_keys.SCOPES}
    made["revoked"] = api_keys.mint(store, SECRET, ["admin"], "revoked")
    store.keys.revoke(made["revoked"]["id"], 1)
    store.close()
    return made


@pytest.fixture
def closed(
    workspace: Workspace, settings: Settings, registry: FakeRegistry, keys: dict[str, dict[str, str]]
) -> Iterator[TestClient]:
    patient = Limits(rate=10_000, burst=10_000, failed_logins=10_000)  # these tests fail on purpose
    app = create_app(workspace, replace(settings, open_to_all=False, limits=patient), source=registry)
    with TestClient(app, base_url="https://example.com") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


OPERATIONS: dict[tuple[str, str], tuple[str | None, Any]] = {
    **{("POST", f"/v1/{kind}"): ("page", TRACK) for kind in ("track", "identify", "page", "screen", "group", "alias")},
    ("POST", "/v1/batch"): ("page", {"batch": []}),
    ("POST", "/v1/events"): ("page", []),
    ("POST", "/v1/conversions"): ("ingest", {"conversions": []}),
    ("POST", "/v1/contacts"): ("ingest", {"contacts": []}),
    **{("POST", path): ("page", {"batch": []}) for path in ("/i/v0/e/", "/e/", "/capture/", "/batch/")},
    ("POST", "/v1/score"): ("score", {"leads": []}),
    ("GET", "/v1/leads"): ("score", None),
    ("GET", "/v1/leads/{lead_id}/score"): ("score", None),
    ("GET", "/v1/leads/{lead_id}/features"): ("score", None),
    ("GET", "/v1/leads/{lead_id}/changes"): ("score", None),
    ("POST", "/v1/leads/{lead_id}/what-if"): ("score", {"events": [{"event": "login"}]}),
    ("GET", "/v1/leads/{lead_id}/actions"): ("score", None),
    ("POST", "/v1/leads/scores"): ("score", {"lead_ids": []}),
    ("GET", "/v1/leads/{lead_id}/export"): ("admin", None),
    ("DELETE", "/v1/leads/{lead_id}"): ("admin", None),
    ("GET", "/v1/model"): ("score", None),
    ("POST", "/invocations"): ("score", {"inputs": {}}),
    **{("POST", f"/v2/models/{{name}}{version}/infer"): ("score", INFER) for version in ("", "/versions/{version}")},
    **{("GET", f"/v2/models/{{name}}{rest}"): ("score", None) for rest in ("", "/ready")},
    **{("GET", f"/v2/models/{{name}}/versions/{{version}}{rest}"): ("score", None) for rest in ("", "/ready")},
    **{("GET", path): (None, None) for path in ("/ping", "/health", "/version", "/v2", "/v2/health/live", "/v2/health/ready")},
    ("GET", "/livez"): (None, None),
    ("GET", "/readyz"): (None, None),
    ("GET", "/metrics"): (None, None),
}
"""Every operation of the API: the scope that it asks for, and a body that it takes."""


def address(path: str) -> str:
    return path.replace("{lead_id}", "a%2Fscore").replace("{name}", "acme").replace("{version}", "1")


def test_every_operation_stands_in_the_table() -> None:
    described = {(method.upper(), path) for path, methods in json.loads(openapi.text())["paths"].items() for method in methods}
    assert described == set(OPERATIONS)


def test_every_operation_lets_in_whom_it_should(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    """Every operation against no key, a bad one, a revoked one, each scope, and the two ways to send a key."""
    for (method, path), (scope, body) in OPERATIONS.items():

        def status(headers: dict[str, str], method: str = method, path: str = path, body: Any = body) -> int:
            answer = closed.request(method, address(path), json=body, headers=headers)
            if answer.status_code in (401, 403):
                kind = "application/json" if path.startswith("/v2/") else "application/problem+json"
                assert answer.headers["content-type"] == kind
            return answer.status_code

        inside = {200, 404} if "lead_id" in path else {200}
        for headers in ({}, bearer("x"), bearer(keys["ingest"]["key"][:-1] + "x"), bearer(keys["revoked"]["key"]), basic("x:")):
            assert status(headers) in ({401} if scope else inside), (path, headers)
        for held in api_keys.SCOPES:
            right = scope is None or held in (scope, "admin") or (scope, held) == ("page", "ingest")
            for headers in (bearer(keys[held]["key"]), basic(keys[held]["key"] + ":")):
                assert status(headers) in (inside if right else {403}), (path, held)


@pytest.mark.parametrize("requests", [300, pytest.param(10_000, marks=pytest.mark.faults)])
def test_requests_of_many_keys_at_once_are_told_apart(closed: TestClient, keys: dict[str, dict[str, str]], requests: int) -> None:
    """Eight clients ask at every door with every key in turn; each is judged, and noted in the ledger, by its own."""
    wrong: list[Any] = []
    operations = list(OPERATIONS.items())

    def ask(number: int) -> None:
        draw = random.Random(number)
        (method, path), (scope, body) = draw.choice(operations)
        held = draw.choice([*api_keys.SCOPES, "revoked", ""])
        if draw.random() < 0.3:
            path, method, scope, body = (
                "/v1/score",
                "POST",
                "score",
                {"leads": [{"lead_id": held or "x", "started_at": "2026-01-01"}]},
            )
        headers = bearer(keys[held]["key"]) if held else {}
        status = closed.request(method, address(path), json=body, headers=headers).status_code
        inside = {200, 404} if "lead_id" in path else {200}
        right = scope is None or held in (scope, "admin") or (scope, held) == ("page", "ingest")
        known = held not in ("revoked", "")
        if status not in (inside if scope is None or (known and right) else {403} if known else {401}):
            wrong.append((method, path, held, status))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(requests)))
    assert wrong == []
    services = closed.app.state.services
    services.ledger.flush()
    with services.store.reading() as connection:
        noted = connection.execute(text("SELECT DISTINCT lead_id, key_id FROM ledger WHERE door = 'score'")).all()
    assert {(lead_id, key_id) for lead_id, key_id in noted} == {(held, keys[held]["id"]) for held in ("score", "admin")}


def test_the_schema_is_open(closed: TestClient) -> None:
    assert closed.get("/openapi.json").status_code == 200


def test_segments_body_may_carry_the_key(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    assert closed.post("/v1/track", json=TRACK | {"writeKey": keys["ingest"]["key"]}).status_code == 200
    assert closed.post("/v1/batch", json={"batch": [], "writeKey": keys["ingest"]["key"]}).status_code == 200
    assert closed.post("/v1/track", json=TRACK | {"writeKey": keys["score"]["key"]}).status_code == 403
    assert closed.post("/v1/track", json=TRACK | {"writeKey": 7}).status_code == 401
    # A header that is wrong is not made good by the body.
    both = closed.post("/v1/track", json=TRACK | {"writeKey": keys["ingest"]["key"]}, headers=bearer("tw_wrong"))
    assert both.status_code == 401


def test_the_key_of_a_call_is_not_kept_with_it(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    key = keys["ingest"]["key"]
    assert closed.post("/v1/track", json={"userId": "a", "writeKey": key}).json()["refused"][0]["code"] == "missing_event"
    assert closed.post("/v1/events", json=[{"userId": "a", "writeKey": key}], headers=bearer(key)).status_code == 200
    with closed.app.state.services.store.reading() as connection:
        assert [row[0] for row in connection.execute(text("SELECT body FROM quarantine ORDER BY seq"))] == ['{"userId":"a"}'] * 2


def test_jitsus_clients_write_the_key_into_a_header_of_its_own(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    def status(key: str, **more: str) -> int:
        return closed.post("/v1/track", json=TRACK, headers={"X-Write-Key": key} | more).status_code

    assert [status(keys[held]["key"]) for held in ("ingest", "score", "revoked")] == [200, 403, 401]
    # The other header wins, and what it says wrong is not made good.
    assert status(keys["ingest"]["key"], Authorization="Bearer x") == 401


def test_every_refusal_without_a_valid_key_looks_the_same(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    good = keys["score"]["key"]
    other = api_keys.PREFIX + "0" * 64
    wrong = [good[:-1], good + "0", good.upper(), other + api_keys.checksum(other), "", "x" * 100_0, "tw_é", "\u00fc"]
    answers = {
        (a.status_code, a.text)
        for a in (closed.get("/v1/model", headers={"Authorization": f"Bearer {w}".encode()}) for w in wrong)
    }
    answers |= {
        (a.status_code, a.text) for a in [closed.get("/v1/model"), closed.get("/v1/model", headers={"Authorization": "Basic !"})]
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401


def test_a_revoked_key_is_refused_within_seconds(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EventStore(settings.database_url)
    store.migrate()
    made = api_keys.mint(store, SECRET, ["score"])
    guard = Access(store, SECRET, open_to_all=False)
    guard.refresh()
    assert guard.caller(f"Bearer {made['key']}", None, "score").key_id == made["id"]
    assert not guard.is_stale
    store.keys.revoke(made["id"], 1)
    clock = access.time.monotonic() + FRESH_SECONDS + 0.1
    monkeypatch.setattr("serving.access.time.monotonic", lambda: clock)
    assert guard.is_stale
    guard.refresh()
    with pytest.raises(Problem):
        guard.caller(f"Bearer {made['key']}", None, "score")
    assert FRESH_SECONDS <= 5
    store.close()


def test_the_store_never_holds_a_key(settings: Settings, keys: dict[str, dict[str, str]]) -> None:
    store = EventStore(settings.database_url)
    for row in store.keys.all():
        assert keys[row.label]["key"] not in repr(row)
        assert row.digest == api_keys.keyed_digest(SECRET, keys[row.label]["key"])
    store.close()


def test_another_secret_opens_nothing(settings: Settings, keys: dict[str, dict[str, str]]) -> None:
    store = EventStore(settings.database_url)
    guard = Access(store, b"other", open_to_all=False)
    guard.refresh()
    with pytest.raises(Problem):
        guard.caller(f"Bearer {keys['admin']['key']}", None, "score")
    store.close()


def test_only_an_admin_may_fill_in_the_past(closed: TestClient, keys: dict[str, dict[str, str]]) -> None:
    past = TRACK | {"timestamp": "2026-05-01T00:00:00Z", "receivedAt": "2026-05-01T00:00:00Z"}
    closed.post("/v1/track", json=past | {"messageId": "i"}, headers=bearer(keys["ingest"]["key"]))
    closed.post("/v1/track", json=past | {"messageId": "a"}, headers=bearer(keys["admin"]["key"]))
    stored = closed.app.state.services.store.lead("a").events
    assert [event.received_at == event.at for event in stored] == [False, True]


def test_the_three_verbs_of_an_operator(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path))
    monkeypatch.delenv("TRIALWISE_DATABASE_URL", raising=False)
    made = api_keys.create_key(scopes=["score", "ingest"], name="shop")
    assert api_keys.is_well_formed(made["key"])
    (row,) = api_keys.list_keys()
    assert (row["id"], row["scopes"], row["name"], row["revoked_at"]) == (made["id"], ["ingest", "score"], "shop", None)
    api_keys.revoke_key(made["id"])
    assert api_keys.list_keys()[0]["revoked_at"] is not None
    for refused in (
        lambda: api_keys.revoke_key("key_x"),
        lambda: api_keys.create_key(scopes=[]),
        lambda: api_keys.create_key(scopes=["root"]),
    ):
        with pytest.raises(InputError):
            refused()
    secret = tmp_path / "key_secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert Settings.from_environment().secret() == secret.read_bytes()
