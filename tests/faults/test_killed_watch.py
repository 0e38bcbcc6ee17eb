"""Killed anywhere between an event and the receiver's answer: no change is lost or counted twice, and all are told of it.

That is check 38.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests import store_fixture
from tests.serving.receiver import receiving

ROOT = Path(__file__).parents[2]
store_url = store_fixture.store_url


@pytest.mark.parametrize(
    "kills", [pytest.param(3, marks=pytest.mark.slow), pytest.param(25, marks=pytest.mark.faults)], ids=["3 kills", "25 kills"]
)
def test_every_change_is_told_at_least_once_under_one_id(store_url: str, tmp_path: Path, kills: int) -> None:
    with receiving() as receiver:
        command = [sys.executable, "-m", "tests.faults.killed_watch", store_url, str(tmp_path), receiver.url(), str(kills)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TRIALWISE_ENV": "test"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["ended"] == [0, *[0, signal.SIGKILL, 0, 0] * kills], done.stderr[-3000:]

    leads = sorted(f"lead{number}{name}" for number in range(kills) for name in "ab")
    assert sorted(found["changes"]) == [[lead_id, "lead", "pql"] for lead_id in leads]
    kinds = ("lead.grade_changed", "lead.stage_changed")
    assert sorted((lead_id, kind) for _, lead_id, kind, _ in found["messages"]) == [
        (one, kind) for one in leads for kind in kinds
    ]
    assert all(delivered_at is not None for *_, delivered_at in found["messages"])

    bodies = defaultdict(list)
    for post in receiver.posts:
        post.verify()
        bodies[post.id].append(post.body)
    assert sorted(bodies) == sorted(message_id for message_id, *_ in found["messages"])
    assert all(len(set(sent)) == 1 for sent in bodies.values())
    # Only who died between sending and writing it down makes somebody else send again.
    assert len(receiver.posts) - len(bodies) <= kills
