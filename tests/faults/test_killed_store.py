"""Killed while a store is brought forward or forgets a lead: it is as before or after; the next time completes it (check 2)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from features.storing.schema import NEWEST, tables
from tests import store_fixture
from tests.faults.killed_store import ADDED, FORGETTING, MIGRATING

ROOT = Path(__file__).parents[2]
EVERY = sorted(table.name for table in tables.sorted_tables)
OLD = sorted(set(EVERY) - set(ADDED))
store_url = store_fixture.store_url


def killed(url: str, action: str, kills: int) -> list[dict[str, Any]]:
    """Return what came of each kill."""
    command = [sys.executable, "-m", "tests.faults.killed_store", url, action, str(kills)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TRIALWISE_ENV": "test"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == kills
    for line in lines:
        assert (line["made"], line["ended"], line["again"]) == (0, signal.SIGKILL, 0), (line, done.stderr[-3000:])
    return lines


@pytest.mark.parametrize("each", [pytest.param(1, marks=pytest.mark.slow), pytest.param(25, marks=pytest.mark.faults)])
def test_a_migration(store_url: str, each: int) -> None:
    lines = killed(store_url, "migrate", each * len(MIGRATING))
    for line in lines:
        before = {"version": 0, "tables": [], "events": 0} if line["empty"] else {"version": 1, "tables": OLD, "events": 1}
        after = {"version": NEWEST, "tables": EVERY, "events": before["events"]}
        assert line["left"] == (after if line["point"] == "migrate.after_commit" else before), line
        assert line["then"] == after, line
    assert {line["point"] for line in lines} == {point for point, _ in MIGRATING}
    print(f"{len(lines)} migrations killed")


@pytest.mark.parametrize("each", [pytest.param(1, marks=pytest.mark.slow), pytest.param(25, marks=pytest.mark.faults)])
def test_a_forgetting(store_url: str, each: int) -> None:
    """Which leaves all rows or none; once the tombstones stand, nothing more comes in (check 36)."""
    sqlite = store_url.startswith("sqlite")
    points = FORGETTING if sqlite else FORGETTING[:-1]
    lines = killed(store_url, "forget", each * len(points))
    whole = lines[0]["left"]["rows"]
    assert len(whole) > 10
    for line in lines:
        left, place = line["left"], FORGETTING.index(line["point"])
        assert left["rows"] == (whole if place < FORGETTING.index("after_commit") else []), line
        assert left["refused"] == (line["point"] != "before_tombstones"), line
        assert line["then"] == {"rows": [], "refused": True, "in_file": False}, line
    assert {line["point"] for line in lines} == set(points)
    assert any(line["left"]["in_file"] for line in lines) == sqlite  # which would be found, were it there
    print(f"{len(lines)} forgettings killed")
