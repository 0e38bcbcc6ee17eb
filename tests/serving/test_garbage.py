"""Garbage: what is made anew is still looked through, only less often, and what was there before is not."""

from __future__ import annotations

import subprocess
import sys

LOOKED = """
import gc, weakref
from serving.garbage import YOUNG, look_less_often

class Ring:
    def __init__(self):
        self.itself = self

before = Ring()
gone = weakref.ref(before)
look_less_often()
del before
rings = [weakref.ref(Ring()) for _ in range(2 * YOUNG)]
assert gc.get_freeze_count() > 1000
assert gc.get_threshold()[0] == YOUNG
assert gone() is not None
assert sum(ring() is not None for ring in rings) < YOUNG
print("as it should be")
"""


def test_rings_go_in_their_time() -> None:
    done = subprocess.run([sys.executable, "-c", LOOKED], capture_output=True, text=True, check=False)
    assert done.stdout == "as it should be\n", done.stderr
