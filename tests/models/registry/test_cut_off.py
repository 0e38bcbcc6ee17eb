"""Runs that nobody writes any more."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models import registry
from models.registry.cut_off import PATIENCE_MS, WRITER_TAG, is_at_work, writer_tags
from models.registry.tracking import client_of


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_who_may_still_be_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    host = socket.gethostname()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert is_at_work(f"{host}:{os.getppid()}", now_ms())
    assert not is_at_work(f"{host}:{os.getppid()}", now_ms() - PATIENCE_MS - 1)
    assert not is_at_work(f"{host}:{dead.pid}", now_ms())
    assert not is_at_work(f"{host}:{os.getpid()}", now_ms())
    assert is_at_work("elsewhere:1", now_ms())
    assert is_at_work("", now_ms())

    def forbidden(number: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)  # somebody else's process lives
    assert is_at_work(f"{host}:1", now_ms())


def test_only_our_own_runs_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert registry.complete("acme", tmp_path).lines() == []
    client = client_of(registry.configured_uri(tmp_path))
    assert registry.complete("acme", tmp_path).lines() == []
    experiment = client.create_experiment("acme", artifact_location=(tmp_path / "artifacts").as_uri())
    theirs = client.create_run(experiment).info.run_id
    ours = client.create_run(experiment, tags=writer_tags("training")).info.run_id
    trial = client.create_run(experiment, tags=writer_tags("trial")).info.run_id
    elsewhere = client.create_run(experiment, tags=writer_tags("training") | {WRITER_TAG: "elsewhere:1"}).info.run_id
    told = registry.complete("acme", tmp_path).lines()
    assert told == ["1 training(s) were cut off before their version was registered; their runs are ended"]
    status = {run.info.run_id: run.info.status for run in client.search_runs([experiment])}
    assert status == {theirs: "RUNNING", ours: "KILLED", trial: "KILLED", elsewhere: "RUNNING"}
