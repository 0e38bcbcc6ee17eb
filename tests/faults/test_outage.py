"""A full disk, a locked file, a database that is gone: 503 with Retry-After, nothing acknowledged in vain, and back again.

These are check 7 and check 8; commits that are cut in the middle have a file of their own.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from features.workspace import parse_workspace
from models import artifact
from tests.faults.outage import send, serving, stored, threads, until_acknowledged
from tests.journeys.scratch_postgres import scratch_postgres
from tests.serving.conftest import WORKSPACE, make_scorer, wait_for
from tests.serving.test_draining import is_ready, keep

ROOM = 3_000_000
FOREVER = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and threads are read as Linux has them")


@pytest.mark.slow
def test_the_disk_is_full(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    artifact.save(make_scorer(parse_workspace(WORKSPACE, tmp_path), 1), tmp_path / "model")
    keep(tmp_path, {"1": tmp_path / "model"})
    with serving(tmp_path, url, workspace=WORKSPACE) as (client, process):
        wait_for(lambda: is_ready(client))
        assert send(client, 0)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
        acknowledged = [number for number in range(1, 150) if send(client, number)]
        assert 0 < len(acknowledged) < 149
        assert client.get("/v1/leads/lead0/features").status_code == 200  # what is stored can still be read
        for number in range(20):
            assert client.get(f"/v1/leads/lead{number % 10}/score").status_code == 200  # and scored
        assert client.get("/livez").status_code == 200
        assert {str(number) for number in acknowledged} <= set(stored(url))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, FOREVER)
        until_acknowledged(client, 149, seconds=5)
        assert {str(number) for number in [0, 149, *acknowledged]} <= set(stored(url))


@pytest.mark.parametrize("seconds", [pytest.param(5, marks=pytest.mark.slow), pytest.param(30, marks=pytest.mark.faults)])
def test_the_file_is_locked(tmp_path: Path, seconds: float) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with serving(tmp_path, url) as (client, process):
        assert send(client, 0)
        before = threads(process)
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        end, tried = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            tried += 1
            assert not send(client, 1 + tried % 3)
        assert client.get("/v1/leads/lead0/features").status_code == 200
        other.execute("ROLLBACK")
        other.close()
        for number in range(1, 4):
            until_acknowledged(client, number)
        assert stored(url) == ["0", "1", "2", "3"]
        assert threads(process) <= before + 8


@pytest.mark.slow
def test_postgresql_is_gone(tmp_path: Path) -> None:
    with scratch_postgres() as postgres, serving(tmp_path, postgres.address()) as (client, process):
        assert send(client, 0)
        before = threads(process)
        postgres.stop()
        assert not any(send(client, number) for number in range(1, 4))
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["store"]) == (503, "unavailable")
        postgres.start()
        for number in range(1, 4):
            until_acknowledged(client, number)
        assert stored(postgres.address()) == ["0", "1", "2", "3"]
        assert threads(process) <= before + 8
