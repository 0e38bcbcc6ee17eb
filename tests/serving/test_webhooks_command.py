"""``trialwise webhooks``: list, replay, test, against a real receiver; and the whole way from an event to a signed call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import trialwise
from features.workspace import load_workspace
from serving import watch, webhooks
from serving.app import create_app
from serving.settings import Settings
from tests.serving.client import TestClient
from tests.serving.conftest import WORKSPACE, FakeRegistry, wait_for
from tests.serving.receiver import SECRET, Receiver, receiving


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("TRIALWISE_ENV", "test")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def file(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIALWISE_DATABASE_URL", f"sqlite:///{tmp_path / 'store.db'}")
    text = WORKSPACE + f"stages: {{debounce_seconds: 0, pql_probability: 0.0001}}\nwebhooks: {{crm: {{url: '{receiver.url()}', "
    (tmp_path / "acme.yaml").write_text(text + "secret: '${HOOK_SECRET}', on: [stage, grade]}}\n")
    return tmp_path / "acme.yaml"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    code = trialwise.run(["webhooks", *words])
    out, said = capsys.readouterr()
    return code, json.loads(out) if out.startswith("{") else out, said


def test_from_an_event_to_a_signed_call(
    file: Path, tmp_path: Path, receiver: Receiver, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(watch, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(webhooks, "POLL_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    settings = Settings(tmp_path / "var", url, key_secret="test", open_to_all=True, poll_seconds=0.05)
    with TestClient(create_app(load_workspace(file), settings, source=registry), base_url="http://127.0.0.1") as client:
        wait_for(lambda: client.get("/readyz").status_code == 200)
        calls = [{"type": "track", "event": "feature.export", "userId": "a/1", "messageId": f"m{i}"} for i in range(8)]
        assert client.post("/v1/batch", json={"batch": calls}).json()["accepted"] == 8
        wait_for(lambda: len(receiver.posts) >= 2)
        wait_for(lambda: 'trialwise_webhook_delivered_total{endpoint="crm"} 2.0' in client.get("/metrics").text)
        score = client.get("/v1/leads/a%2F1/score").json()
    for post in receiver.posts:
        post.verify()
    stage, grade = sorted((post.json for post in receiver.posts), key=lambda body: body["type"], reverse=True)
    assert (stage["type"], stage["data"]["from"], stage["data"]["to"]) == ("lead.stage_changed", "lead", score["stage"])
    assert (grade["type"], grade["data"]["from"], grade["data"]["to"]) == ("lead.grade_changed", None, score["grade"])
    assert len(receiver.posts) == 2
    code, listed, _ = run(capsys, "list", "-w", str(file), "--json")
    assert code == 0
    assert listed["endpoints"][0] | {"endpoint": "crm", "state": "active", "delivered": 2, "waiting": 0} == listed["endpoints"][0]
    code, replayed, _ = run(capsys, "replay", "-w", str(file), receiver.ids()[0], "--json")
    assert (code, replayed) == (0, {"replayed": 1})
    assert run(capsys, "replay", "-w", str(file), "--since", "2026-01-01T00:00:00Z", "--all", "--json")[1] == {"replayed": 2}
    assert "2 waiting" in run(capsys, "list", "-w", str(file))[1]


def test_trying_out_brings_a_disabled_endpoint_back(file: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    receiver.will(410, 204)
    code, result, said = run(capsys, "test", "-w", str(file), "crm", "--json")
    assert (code, result["answered"], result["delivered"]) == (3, "410", False)
    assert run(capsys, "list", "-w", str(file), "--json")[1]["endpoints"][0]["state"] == "disabled"
    code, _, said = run(capsys, "test", "-w", str(file), "crm")
    assert (code, said) == (0, "crm answered 204.\n")
    assert run(capsys, "list", "-w", str(file), "--json")[1]["endpoints"][0]["state"] == "active"
    for post in receiver.posts:
        post.verify()
        assert post.json["type"] == "webhook.test"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["test", "chat"], "given chat; expected crm"),
        (["replay"], "neither an id nor --since"),
        (["replay", "msg_1", "--since", "2026-01-01T00:00:00Z"], "both an id and --since"),
        (["replay", "msg_1"], "there is no such message"),
        (["replay", "--since", "yesterday"], "--since is no instant"),
        (["replay", "--since", "2026-01-01T00:00:00Z", "--endpoint", "x"], "given x; expected crm"),
    ],
)
def test_misuse(file: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    code, _, heard = run(capsys, *words, "-w", str(file))
    assert code == 2
    assert said in heard
