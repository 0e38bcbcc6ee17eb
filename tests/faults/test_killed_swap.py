"""A server killed in the middle of a swap: what it starts with next is the model before or the one after, whole (check 2)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.killed_swap import POINTS

ROOT = Path(__file__).parents[2]


def kill(home: Path, kills: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.faults.killed_swap", str(home), str(kills)]
    environment = os.environ | {"TRIALWISE_ENV": "test"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        assert (line["ended"], line["again"]) == (signal.SIGKILL, 0), line
        noted = line["point"] == "live.noted"
        assert line["alone"] == [line["after"] if noted else line["before"], True], line
        assert line["then"] == [line["after"], True], line


def test_a_swap_killed_at_each_of_its_points_leaves_one_model_or_the_other(tmp_path: Path) -> None:
    lines = kill(tmp_path, len(POINTS))
    assert [line["point"] for line in lines] == list(POINTS)
    check(lines)


@pytest.mark.faults
def test_a_swap_killed_25_times_at_each_of_its_points(tmp_path: Path) -> None:
    lines = kill(tmp_path, 25 * len(POINTS))
    assert len(lines) == 25 * len(POINTS)
    check(lines)
    kept = [path for path in (tmp_path / "serving" / "acme").iterdir() if not path.name.startswith(".")]
    assert len(kept) <= 4  # three models and the note; what the killed left half done goes after an hour
