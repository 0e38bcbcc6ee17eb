"""Killed between any two writes, what serves is the champion before or the one after, and the next command completes the rest.

That is check 2.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FEWEST_WRITES = {"train": 20, "promote": 5, "rollback": 5}


def kills(home: Path, action: str) -> list[dict[str, Any]]:
    """Return what was found after each kill; the last child was not killed at all."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.killed_writer", str(home), action],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one for one in found if "error" in one] == []
    assert len(found) > FEWEST_WRITES[action] + 1
    return found


ACTIONS = [
    pytest.param("promote", marks=pytest.mark.slow),
    pytest.param("train", marks=pytest.mark.faults),
    pytest.param("rollback", marks=pytest.mark.faults),
]


@pytest.mark.parametrize("action", ACTIONS)
def test_the_champion_is_the_one_before_or_the_one_after(tmp_path: Path, action: str) -> None:
    begun, *found = kills(tmp_path, action)
    was, moved = begun["then"], []
    for one in found:
        left, then = one["left"], one["then"]
        before, newest = was["champion"], str(len(was["versions"]) + 1)
        after = newest if action == "train" else next(number for number in was["versions"] if number != before)
        assert left["champion"] in (before, after)
        assert left["versions"] == left["whole"] == then["whole"]  # a version is there whole or not at all
        assert (then["intent"], one["again"]) == (False, [])
        assert "RUNNING" not in then["runs"]
        promised = left["intent"] or left["champion"] == after or (action == "train" and newest in left["versions"])
        assert then["champion"] == (after if promised else before)
        assert then["aliases"]["previous"] == (before if promised else was["aliases"]["previous"])
        if promised:
            assert len(then["decided"][int(after) - 1]) == (1 if action == "train" else 1 + len(was["decided"][int(after) - 1]))
        else:
            assert then["decided"] == was["decided"]
        moved.append(left["champion"] == after)
        was = then
    assert moved == sorted(moved)  # one point of commit, and never back
    assert set(moved) == {False, True}
    assert found[-1]["left"] == found[-1]["then"]
