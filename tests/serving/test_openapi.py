"""The committed schema is the server's own, and it names every door."""

from __future__ import annotations

import json

from serving.openapi import FILE, text

DOORS = {
    "post": ["track", "identify", "page", "screen", "group", "alias", "batch", "events", "score", "conversions", "leads/scores"],
    "get": ["leads", "leads/{lead_id}/score", "leads/{lead_id}/features", "model"],
}


def test_the_committed_schema_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run python -m serving.openapi"


def test_every_door_is_there() -> None:
    paths = json.loads(text())["paths"]
    found = {method: {path for path, methods in paths.items() if method in methods} for method in ("get", "post")}
    assert found["post"] == {f"/v1/{door}" for door in DOORS["post"]}
    assert found["get"] == {f"/v1/{door}" for door in DOORS["get"]} | {"/livez", "/readyz", "/metrics"}


def test_bodies_are_described_without_dangling_references() -> None:
    schema = json.loads(text())
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method == "post":
                body = operation["requestBody"]["content"]["application/json"]["schema"]
                assert "$ref" not in json.dumps(body), path
