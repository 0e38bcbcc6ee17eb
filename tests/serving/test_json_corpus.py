"""Sixty bodies: the bad are refused with a small problem that repeats nothing, the good come back exactly (check 27)."""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.workspace import Workspace
from serving.app import create_app
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import FakeRegistry, wait_for

CANARY = b"s3cret-canary"
DOORS = ("track", "batch", "score")
MANY = 200_000


def keys(number: int, text: str = '"k%d":1') -> bytes:
    return ("{" + ",".join(text % i for i in range(number)) + "}").encode()


BAD = {
    "NaN": b'{"X":NaN}', "nan": b'{"X":nan}', "Infinity": b'{"X":Infinity}', "-Infinity": b'{"X":-Infinity}',
    "1e400": b'{"X":1e400}', "-1e400": b'{"X":-1e400}', "5000 digits": b'{"X":' + b"9" * 5000 + b"}",
    "5000 digits below 1": b'{"X":0.' + b"9" * 5000 + b"e999}", "2^63": b'{"X":9223372036854775808}',
    "-2^63-1": b'{"X":-9223372036854775809}', "2^64": b'{"X":18446744073709551616}', "a leading nought": b'{"X":01}',
    "a plus": b'{"X":+1}', "hex": b'{"X":0x1}', "a bare point": b'{"X":.5}', "a point and nothing": b'{"X":1.}',
    "the same key twice": b'{"X":1,"X":2}', "the same by escape": b'{"X":1,"b":1,"\\u0062":2}',
    "the same deeper": b'{"X":[{"b":1,"b":1}]}', "half a pair": b'{"X":"\\ud800"}', "the other half": b'{"X":"\\udc00"}',
    "halves in wrong order": b'{"X":"\\udc00\\ud800"}', "half in a key": b'{"X\\ud800":1}', "NUL": b'{"X":"\\u0000"}',
    "NUL in a key": b'{"X\\u0000":1}', "raw NUL": b'{"X":"\x00"}', "raw line end": b'{"X":"\n"}', "raw escape": b'{"X":"\x1b"}',
    "BOM": b'\xef\xbb\xbf{"X":1}', "UTF-16": '{"s3cret-canary":1}'.encode("utf-16"), "UTF-32": '{"a":1}'.encode("utf-32"),
    "Latin-1": b'{"X":"\xfc"}', "overlong": b'{"X":"\xc0\xaf"}', "a coded half": b'{"X":"\xed\xa0\x80"}',
    "beyond Unicode": b'{"X":"\xf4\x90\x80\x80"}', "33 deep": b"[" * 33 + b'"X"' + b"]" * 33,
    "33 objects deep": b'{"X":' * 33 + b"1" + b"}" * 33, "900 deep": b"[" * 900 + b'"X"' + b"]" * 900,
    "10^5 deep": b"[" * 15_000 + b"]" * 15_000, "nothing": b"", "blank": b" \n", "two values": b'{"X":1}{"X":1}',
    "cut off": b'{"X":"', "a comma too many": b'{"X":1,}', "no comma": b'{"X":1 "b":2}', "single quotes": b"{'X':1}",
    "no quotes": b"{X:1}", "a comment": b'{"X":1/*X*/}', "an escape of no kind": b'{"X":"\\x41"}',
    "half an escape": b'{"X":"\\u12"}',
    "a form": b"X=1&b=2", "XML": b"<X/>", "null": b"null", "true": b"true", "a number": b"1", "a text": b'"X"',
}  # fmt: skip
LARGE = {
    "200,000 keys": keys(MANY),
    "200,000 keys with blanks": keys(MANY, '"k%d" : 1'),
    "and many empty objects": b"[" + keys(MANY) + b",{}" * 5000 + b"]",
    "10^5 deep": b"[" * 10**5 + b"]" * 10**5,
    "a million empty lists": b"[" + b"[]," * 10**6 + b"1]",
    "a million numbers": b"[" + b"1," * 10**6 + b"1]",
}
GOOD = [
    "🚀", "\u202ertl\u202c", "zero\u200bwidth", "ü/ñ", "e\u0301", "\r\nINFO: x", "\x1b[31m", "a\\b\"c/", "\ufeff", "𝒳" * 60,
    "-0", "%2F%00", "..", "' OR 1=1 --", "<script>", "${x}", "null", "ﷺ",
]  # fmt: skip


@pytest.fixture(scope="module")
def server(workspace: Workspace, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("corpus")
    registry = FakeRegistry(models)
    registry.version = "1"
    settings = Settings(home, f"sqlite:///{home / 'store.db'}", key_secret="x", open_to_all=True)
    with TestClient(create_app(workspace, settings, source=registry), base_url="http://127.0.0.1") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        yield client


def refused(server: TestClient, door: str, body: bytes) -> None:
    answer = server.post(f"/v1/{door}", content=body, headers={"Content-Type": "application/json"})
    if door in ("track",) and answer.status_code == 200:  # an envelope that can be read: the call in it is refused
        assert answer.json()["accepted"] == 0
    else:
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) <= 2048
    assert CANARY not in answer.content


@pytest.mark.parametrize("name", BAD)
def test_the_bad_is_refused_and_not_repeated(server: TestClient, name: str) -> None:
    for door in DOORS:
        refused(server, door, BAD[name].replace(b"X", CANARY))


@pytest.mark.parametrize("name", LARGE)
def test_what_takes_long_to_read_is_not_read(server: TestClient, name: str) -> None:
    for door in ("batch", "score"):
        refused(server, door, LARGE[name])
    answer = server.post("/v1/batch", content=LARGE[name], headers={"Content-Type": "application/json"})
    assert answer.json()["code"] == "bad_json"


@pytest.mark.parametrize("name", GOOD)
def test_the_good_comes_back_exactly(server: TestClient, name: str) -> None:
    for text in (json.dumps(name), json.dumps(name, ensure_ascii=False)):
        body = f'{{"leads":[{{"lead_id":{text},"started_at":"2026-01-01"}}]}}'.encode()
        answer = server.post("/v1/score", content=body, headers={"Content-Type": "application/json"})
        assert answer.json()["scores"][0]["lead_id"] == name


@pytest.mark.faults
def test_each_is_refused_within_50_ms_and_none_leaves_anything_behind(server: TestClient) -> None:
    for name, body in (BAD | LARGE).items():
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            refused(server, "batch", body)
            times.append(time.perf_counter() - begin)
        assert statistics.median(times) < 0.05, name
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bodies = list(BAD.values())
    for turn in range(10_000):
        refused(server, "batch", bodies[turn % len(bodies)])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_240
