"""A real server that is told to stop: it says so, finishes what it has, writes the ledger, and ends with exit code 0."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import httpx

from features.store import EventStore
from models import artifact
from models.registry import ChampionRef
from tests.serving.conftest import wait_for
from tests.serving.test_run import server, track


def keep(home: Path, models: dict[str, Path]) -> None:
    """Leave a last good model behind, so that a server without a registry has one."""
    digest = artifact.folder_digest(models["1"])
    kept = home / "serving" / "acme" / f"1-{digest[:16]}"
    kept.parent.mkdir(parents=True)
    kept.symlink_to(models["1"])
    ref = ChampionRef("acme", "1", digest, "run", "")
    text = {"name": ref.name, "version": ref.version, "digest": ref.digest, "run_id": ref.run_id, "signature": ref.signature}
    (kept.parent / "current.json").write_text(json.dumps(text), encoding="utf-8")


def is_ready(client: httpx.Client) -> bool:
    return client.get("/readyz").status_code == 200


def test_a_server_that_is_told_to_stop_finishes_what_it_has(folder: Path, tmp_path: Path, models: dict[str, Path]) -> None:
    keep(tmp_path, models)
    more = {"TRIALWISE_DRAIN_SECONDS": "1.5", "TRIALWISE_LOG_FORMAT": "json"}
    with server(folder, tmp_path, **more) as (client, process):
        wait_for(lambda: is_ready(client), 60)
        body = json.dumps(track("1")).encode()
        head = "POST /v1/track HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as slow:
            slow.sendall(head.encode() + body[:5])
            scored = client.post("/v1/score", json={"leads": [{"lead_id": "noted", "started_at": "2026-01-01"}]})
            assert scored.status_code == 200
            process.terminate()
            wait_for(lambda: not is_ready(client), 10)
            answer = client.get("/readyz")
            assert answer.json()["checks"]["process"] == "stopping"
            assert answer.headers["retry-after"] == "5"
            # Until the balancer has seen it, requests still get their answers.
            assert client.get("/livez").status_code == 200
            time.sleep(2)
            assert process.poll() is None  # the open request is waited for
            slow.sendall(body[5:])
            slow.settimeout(10)
            assert slow.makefile("rb").readline().startswith(b"HTTP/1.1 200")
        assert process.wait(timeout=20) == 0
    store = EventStore(f"sqlite:///{tmp_path / 'trialwise.db'}")
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT lead_id FROM ledger").scalars().all() == ["noted"]
    store.close()
    assert_one_object_a_line(next(tmp_path.glob("log-*")))


def assert_one_object_a_line(log: Path) -> None:
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    routes = {line.get("route") for line in lines if line["logger"] == "trialwise.access"}
    assert {"/v1/score", "/v1/track", "/readyz"} <= routes
    assert "noted" not in log.read_text(encoding="utf-8")
