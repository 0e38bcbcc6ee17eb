"""Whatever is posted: an answer of the door's own shape or a small problem, never a failure inside, never an echo (check 26)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.workspace import Workspace
from serving.app import create_app
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for

DOORS = [
    "track",
    "identify",
    "page",
    "screen",
    "group",
    "alias",
    "batch",
    "events",
    "conversions",
    "contacts",
    "/batch/",
    "score",
    "leads/scores",
]
CALL = [
    "type",
    "track",
    "identify",
    "group",
    "page",
    "userId",
    "anonymousId",
    "messageId",
    "event",
    "name",
    "properties",
    "traits",
]
TIMES = [
    "timestamp",
    "sentAt",
    "originalTimestamp",
    "receivedAt",
    "2026-05-07T09:00:00Z",
    "2026-05-07",
    "started_at",
    "as_of",
    "at",
]
LEADS = [
    "leads",
    "lead_ids",
    "lead_id",
    "events",
    "features",
    "attributes",
    "lang",
    "reasons",
    "any_count_all",
    "country",
    "trial_age_d",
]
POSTHOG = ["distinct_id", "$set", "$groups", "$identify", "$anon_distinct_id", "$pageview", "uuid", "sent_at", "offset"]
OTHER = ["groupId", "previousId", "context", "count", "batch", "writeKey", "conversions", "id", "1e400", "", "a", "path", "url"]
WORDS = st.sampled_from(CALL + TIMES + LEADS + POSTHOG + OTHER)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=30,
)  # fmt: skip
ENVELOPES = st.one_of(
    VALUES,
    st.builds(lambda items: {"batch": items}, st.lists(VALUES, max_size=4)),
    st.builds(lambda items: {"conversions": items}, st.lists(VALUES, max_size=4)),
    st.builds(lambda items: {"leads": items}, st.lists(st.dictionaries(WORDS, VALUES, max_size=6), max_size=4)),
    st.dictionaries(WORDS, VALUES, max_size=8),
)


@pytest.fixture(scope="module")
def server(workspace: Workspace, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("fuzz")
    registry = FakeRegistry(models)
    registry.version = "1"
    settings = Settings(home, f"sqlite:///{home / 'store.db'}", key_secret="x", open_to_all=True)
    with TestClient(create_app(workspace, settings, source=registry), base_url="http://127.0.0.1") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(door=st.sampled_from(DOORS), body=ENVELOPES)
def test_no_body_makes_the_server_fail(server: TestClient, door: str, body: Any) -> None:
    path = door if door.startswith("/") else f"/v1/{door}"
    answer = server.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 413, 422), answer.text
    found = answer.json()
    if answer.status_code == 200:
        assert set(found) - {"status"} in ({"success", "accepted", "duplicates", "refused"}, {"scores", "errors"})
        for score in found.get("scores", []):
            assert 0 < score["probability"] < 1
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.content) < 2048


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=40))
def test_no_bytes_make_the_server_fail(server: TestClient, data: bytes) -> None:
    answer = server.post("/v1/events", content=data, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400, 422)


@settings(max_examples=60, deadline=None)
@given(
    values=st.dictionaries(
        st.sampled_from(["as_of", "reasons", "lang", "stage", "limit", "cursor"]), st.text(max_size=12), max_size=3
    )
)
def test_no_parameter_makes_the_server_fail(server: TestClient, values: dict[str, str]) -> None:
    for path in ("/v1/leads", "/v1/leads/a/score", "/v1/leads/a/features"):
        try:
            answer = server.get(path, params=values)
        except UnicodeEncodeError:
            return  # half a surrogate pair is nothing that a client can send
        assert answer.status_code in (200, 404, 422), answer.text
