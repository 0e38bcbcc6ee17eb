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
    """Return a digest of the features of a few leads, in batch and live."""
    told = hashlib.sha256()
    for zone, by_day in (("America/St_Johns", False), ("Europe/Istanbul", True)):
        features = feature_set(definition(zone, by_day))
        stories = []
        for lead in range(3):
            random = np.random.default_rng(lead)
            events = []
            for number in range(30):
                at = NASTY[lead] + timedelta(minutes=int(random.integers(-4000, 9000)))
                late = timedelta(hours=int(random.integers(0, 3)))
                values = {"score": int(random.integers(0, 11)), "secs": number / 7, "money": number / 200, "plan": "pro"}
                events.append(Happened(NAMES[int(random.integers(0, len(NAMES)))], at, at + late, 1 + number % 3, values))
            stories.append(Story(NASTY[lead], events))
        for day in range(6):
            looks = np.array([us(story.started) + day * 86_400_000_000 for story in stories])
            matrix = compute(features, tables(stories), np.arange(3), looks)
            told.update(np.nan_to_num(matrix.values, nan=-1.0).tobytes())
            for row, story in enumerate(stories):
                one = compute_one(features, features.plan, live(story), int(looks[row]))
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
