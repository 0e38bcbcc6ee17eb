"""The committed schema is the server's own, and it names every door."""

from __future__ import annotations

import json

from serving.openapi import FILE, text

DOORS = {
    "post": [
        "track",
        "identify",
        "page",
        "screen",
        "group",
        "alias",
        "batch",
        "events",
        "score",
        "conversions",
        "leads/scores",
        "leads/{lead_id}/what-if",
        "contacts",
    ],
    "get": [
        "leads",
        "leads/{lead_id}/score",
        "leads/{lead_id}/features",
        "leads/{lead_id}/changes",
        "leads/{lead_id}/actions",
        "leads/{lead_id}/export",
        "model",
    ],
    "delete": ["leads/{lead_id}"],
}

MODEL = "/v2/models/{name}"
MODELS = {f"{MODEL}{version}{ready}" for version in ("", "/versions/{version}") for ready in ("", "/ready")}
INFERS = {f"{MODEL}{version}/infer" for version in ("", "/versions/{version}")}
POSTHOG = {"/i/v0/e/", "/e/", "/capture/", "/batch/"}
OPERATION = {
    "/livez", "/readyz", "/metrics", "/ping", "/health", "/version", "/v2", "/v2/health/live", "/v2/health/ready",
}  # fmt: skip


def test_the_committed_schema_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "run python -m serving.openapi"


def test_every_door_is_there() -> None:
    paths = json.loads(text())["paths"]
    found = {method: {path for path, methods in paths.items() if method in methods} for method in DOORS}
    assert found["post"] == {f"/v1/{door}" for door in DOORS["post"]} | POSTHOG | INFERS | {"/invocations"}
    assert found["get"] == {f"/v1/{door}" for door in DOORS["get"]} | OPERATION | MODELS
    assert found["delete"] == {f"/v1/{door}" for door in DOORS["delete"]}


def test_bodies_are_described_without_dangling_references() -> None:
    schema = json.loads(text())
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method == "post":
                body = operation["requestBody"]["content"]["application/json"]["schema"]
                assert "$ref" not in json.dumps(body), path
