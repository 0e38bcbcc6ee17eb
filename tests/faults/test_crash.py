"""kill -9 during ingestion, of the server and of its database: nothing acknowledged is lost, nothing counts twice (check 1)."""

from __future__ import annotations

import secrets
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.crash import Crash
from tests.journeys.scratch_postgres import scratch_postgres

RUNS = [
    pytest.param("sqlite", 5, marks=pytest.mark.slow),
    pytest.param("sqlite", 100, marks=pytest.mark.faults),
    pytest.param("postgresql", 3, marks=pytest.mark.slow),
    pytest.param("postgresql", 100, marks=pytest.mark.faults),
]


@pytest.mark.parametrize(("database", "kills"), RUNS)
def test_the_server_is_killed(tmp_path: Path, database: str, kills: int) -> None:
    if database == "sqlite":
        check(Crash(tmp_path, f"sqlite:///{tmp_path / 'store.db'}", secrets.randbits(32)), kills)
        return
    with scratch_postgres() as postgres:
        check(Crash(tmp_path, postgres.address(), secrets.randbits(32), options=("--workers", "2")), kills)


def check(crash: Crash, kills: int) -> None:
    crash.rounds(kills)
    acknowledged = crash.verify()
    slowest = sorted(crash.restarts[1:])[-1]
    print(f"{acknowledged} events acknowledged over {kills} kills; ready again after at most {slowest:.1f} s")
    assert acknowledged > 100 * kills


@pytest.mark.parametrize("crashes", [pytest.param(2, marks=pytest.mark.slow), pytest.param(25, marks=pytest.mark.faults)])
def test_the_database_crashes_under_a_server_that_goes_on(tmp_path: Path, crashes: int) -> None:
    with scratch_postgres() as postgres:
        crash = Crash(tmp_path, postgres.address(), secrets.randbits(32))

        def disturb(process: subprocess.Popen[bytes]) -> None:
            for _ in range(crashes):
                postgres.stop("immediate")
                time.sleep(0.3)
                postgres.start()
                deadline = time.monotonic() + 30
                while not crash.takes_events():
                    assert time.monotonic() < deadline, "the server did not find its database again"
                    time.sleep(0.05)
                time.sleep(0.5)
            assert process.poll() is None

        crash.rounds(1, disturb)
        acknowledged = crash.verify()
        print(f"{acknowledged} events acknowledged over {crashes} crashes of PostgreSQL")
        assert acknowledged > 100
