"""A real server of two processes on either database: leads come in over HTTP, and each change is told once, signed."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from features.workspace import parse_workspace
from models import artifact
from tests import store_fixture
from tests.journeys.server import running
from tests.serving.conftest import WORKSPACE, make_scorer, wait_for
from tests.serving.receiver import SECRET, receiving

store_url = store_fixture.store_url
LEADS = 30


@pytest.mark.slow
def test_two_processes_tell_every_change_once(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TRIALWISE_ENV", "test"), ("HOOK_SECRET", SECRET), ("TRIALWISE_DATABASE_URL", store_url)):
        monkeypatch.setenv(name, value)
    with receiving() as receiver:
        hooks = f"webhooks: {{crm: {{url: '{receiver.url()}', secret: '${{HOOK_SECRET}}', on: [stage, grade]}}}}\n"
        file = tmp_path / "acme.yaml"
        file.write_text(WORKSPACE + "stages: {debounce_seconds: 0, pql_probability: 0.0001}\n" + hooks)
        good = tmp_path / "serving" / "acme"  # the last model that was good: the server needs no registry
        artifact.save(make_scorer(parse_workspace(WORKSPACE, tmp_path), 1), good / "new")
        digest = artifact.folder_digest(good / "new")
        (good / "new").rename(good / f"1-{digest[:16]}")
        ref = {"name": "acme", "version": "1", "digest": digest, "run_id": "run", "signature": ""}
        (good / "current.json").write_text(json.dumps(ref))
        with running(file, tmp_path, "--workers", "2") as client:
            for number in range(LEADS):
                told(client, f"lead{number}")
            wait_for(lambda: len(receiver.posts) >= 2 * LEADS)
    seen = []
    for post in receiver.posts:
        post.verify()
        seen.append((post.json["data"]["lead_id"], post.json["type"]))
    leads = [f"lead{number}" for number in range(LEADS)]
    assert sorted(seen) == sorted((one, kind) for one in leads for kind in ("lead.stage_changed", "lead.grade_changed"))
    assert len(set(receiver.ids())) == len(receiver.posts)


def told(client: httpx.Client, lead_id: str) -> None:
    calls = [{"type": "track", "event": "feature.a", "userId": lead_id, "messageId": f"{lead_id}-{i}"} for i in range(5)]
    answer = client.post("/v1/batch", json={"batch": calls})
    assert answer.json()["accepted"] == 5
