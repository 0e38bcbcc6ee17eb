"""Hostile bodies at every door: a small problem or an answer of the door's own shape, never an echo, never a failure inside.

That is check 27 and check 28.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.workspace import Workspace
from serving.app import create_app
from serving.guards import BODY_LIMIT, EVENT_LIMIT, POSTHOG_LIMIT, SCORE_LIMIT
from serving.settings import Settings
from serving.shapes import MOST_MISTAKES
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for

SINGLE = ("track", "identify", "page", "screen", "group", "alias")
POSTHOG = ("/e/", "/batch/")
INGEST = (*SINGLE, "batch", "events", "conversions", "contacts", *POSTHOG)
DOORS = (*INGEST, "score", "leads/scores")
CANARY = b"s3cret-canary"
JSON = {"Content-Type": "application/json"}

NOT_STRICT = {
    "NaN": b'{"X":NaN}', "infinity": b'["X",-Infinity]', "beyond a double": b'{"X":1e400}',
    "5000 digits": b'{"X":' + b"9" * 5000 + b"}",
    "2^63": b'{"X":9223372036854775808}', "the same key twice": b'{"X":1,"X":2}', "half a pair": b'{"a":"X\\ud800"}',
    "NUL": b'{"a":"X\\u0000"}', "a raw NUL": b'{"a":"X\x00"}', "a raw control": b'{"a":"X\x01"}', "BOM": b'\xef\xbb\xbf{"a":"X"}',
    "UTF-16": '{"a":"X"}'.encode("utf-16"), "overlong": b'{"a":"X\xc0\xaf"}', "33 deep": b"[" * 33 + b'"X"' + b"]" * 33,
    "900 deep": b"[" * 900 + b'"X"' + b"]" * 900, "10000 deep": b"[" * 10_000 + b"]" * 10_000, "nothing": b"", "blank": b"  ",
    "more than one": b'{} "X"', "cut off": b'{"a":"X', "a comma too many": b'{"a":"X",}', "another quote": b"{'X':1}",
}  # fmt: skip
OF_NO_SHAPE = (
    b"null",
    b"true",
    b"1",
    b'"X"',
    b'{"X":{"X":["X"]}}',
    b'["X"]',
    b'{"leads":"X","batch":"X","conversions":"X","contacts":"X"}',
)


@pytest.fixture(scope="module")
def server(workspace: Workspace, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("hostile")
    registry = FakeRegistry(models)
    registry.version = "1"
    settings = Settings(home, f"sqlite:///{home / 'store.db'}", key_secret="x", open_to_all=True)
    with TestClient(create_app(workspace, settings, source=registry), base_url="http://127.0.0.1") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client


def address(door: str) -> str:
    return door if door.startswith("/") else f"/v1/{door}"


def post(server: TestClient, door: str, body: bytes, **headers: str) -> tuple[int, str]:
    """Post a body; check what holds for every answer, and return the status and the code of the problem."""
    content = body.replace(b"X", CANARY) if len(body) < 100_000 else body
    answer = server.post(
        address(door), content=content, headers=JSON | {name.replace("_", "-"): v for name, v in headers.items()}
    )
    assert CANARY not in answer.content
    if answer.status_code == 200:
        return 200, ""
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) <= 2048
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("name", NOT_STRICT)
def test_json_that_is_not_strict_is_refused_at_every_door(server: TestClient, name: str) -> None:
    for door in DOORS:
        assert post(server, door, NOT_STRICT[name]) == (400, "bad_json"), door


@pytest.mark.parametrize("body", OF_NO_SHAPE)
def test_what_has_no_shape_is_refused_whole_or_item_by_item(server: TestClient, body: bytes) -> None:
    for door in DOORS:
        assert post(server, door, body)[0] in (200, 422), door


@pytest.mark.parametrize("door", DOORS)
def test_bodies_over_the_limit_are_refused_however_they_come(server: TestClient, door: str) -> None:
    limit = EVENT_LIMIT if door in SINGLE else SCORE_LIMIT if door == "score" else BODY_LIMIT
    limit = POSTHOG_LIMIT if door in POSTHOG else limit
    assert post(server, door, b"{}" + b" " * (limit - 2))[0] != 413
    assert post(server, door, b"{}" + b" " * (limit - 1)) == (413, "too_large")
    pieces = (b" " * 65_536 for _ in range(limit // 65_536 + 1))
    answer = server.post(address(door), content=pieces, headers=JSON)  # in chunks, with no length told
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    bomb = gzip.compress(b" " * (BODY_LIMIT * 8))
    wanted = (413, "too_large") if door in INGEST else (415, "unsupported_encoding")
    assert post(server, door, bomb, Content_Encoding="gzip") == wanted


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x-gzip"])
def test_other_encodings_are_refused(server: TestClient, encoding: str) -> None:
    for door in DOORS:
        assert post(server, door, b"{}", Content_Encoding=encoding) == (415, "unsupported_encoding")


def test_what_only_says_that_it_is_gzip_is_refused(server: TestClient) -> None:
    for body in (b"{}", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") * 2):
        assert post(server, "batch", body, Content_Encoding="gzip") == (400, "bad_encoding")


def test_a_million_mistakes_are_not_written_down(server: TestClient) -> None:
    many = {f"k{i}": 1 for i in range(MOST_MISTAKES + 1)}
    answer = server.post("/v1/score", json=many)
    assert (answer.status_code, answer.json()["detail"]) == (422, "The body has more mistakes than can be named.")
    answer = server.post("/v1/score", json={"leads": [{"lead_id": "a"} | many]})
    assert answer.json()["errors"][0]["detail"] == "The lead has more mistakes than can be named."


def test_good_text_comes_back_exactly(server: TestClient) -> None:
    for name in ("🚀", "‮rtl", "zero\u200bwidth", "ü/ñ", "\r\nINFO: x", "\x1b[31m", "e\u0301"):
        body = {"leads": [{"lead_id": name, "started_at": "2026-01-01"}]}
        for text in (json.dumps(body), json.dumps(body, ensure_ascii=False)):
            assert server.post("/v1/score", content=text.encode(), headers=JSON).json()["scores"][0]["lead_id"] == name


def test_pages_that_load_code_from_elsewhere_are_not_there(server: TestClient) -> None:
    for path in ("/docs", "/redoc", "/v1/model/", "//v1/model"):
        answer = server.get(path, follow_redirects=False)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
