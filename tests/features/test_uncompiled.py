"""The whole chapter without any compiled code: the same bytes, in a process of its own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np

from features.catalog import feature_set
from features.matrix import compute, compute_one
from tests.features.oracle import Happened, Story
from tests.features.worlds import NAMES, NASTY, definition, live, tables, us


def digest() -> str:
    """Return a digest of the features of a few leads of one account, in batch, many looks at once, and live."""
    told = hashlib.sha256()
    for zone, by_day in (("America/St_Johns", False), ("Europe/Istanbul", True)):
        features = feature_set(definition(zone, by_day, accounts=not by_day))
        people = {}
        for lead in range(3):
            random = np.random.default_rng(lead)
            events = []
            for number in range(20):
                at = NASTY[lead] + timedelta(minutes=int(random.integers(-4000, 9000)))
                late = timedelta(hours=int(random.integers(0, 3)))
                values = {"score": int(random.integers(0, 11)), "secs": number / 7, "money": number / 200, "plan": "pro"}
                events.append(Happened(NAMES[int(random.integers(0, len(NAMES)))], at, at + late, 1 + number % 3, values))
            joined = NASTY[lead] + timedelta(days=2 * lead)
            people[f"lead{lead}"] = Story(NASTY[lead], events, account="one", joined=joined)
        lead = np.repeat(np.arange(3), 4)
        looks = np.array([us(story.started) + 2 * day * 86_400_000_000 for story in people.values() for day in range(4)])
        matrix = compute(features, tables([*people.values()]), lead, looks)
        told.update(np.nan_to_num(matrix.values, nan=-1.0).tobytes())
        for row, as_of in enumerate(looks.tolist()):
            lead_id = f"lead{lead[row]}"
            one = compute_one(features, features.plan, live(people[lead_id], lead_id, people, as_of), as_of)
            assert np.array_equal(one.values[0], matrix.values[row], equal_nan=True)
    return told.hexdigest()


def test_uncompiled_gives_the_same_bytes():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "from tests.features.test_uncompiled import digest; print(digest())"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest()
