"""Garbage: how often Python looks for objects that hold each other.

A request of a hundred events makes thousands of objects, nearly all of which go as it ends. Python would look through them after
every 700, and now and then through all that the libraries made when they were imported, which never goes: a tenth of all work.
"""

from __future__ import annotations

import gc

YOUNG = 20_000
"""So many objects more than went are made before the young ones are looked through: a few megabytes."""


def look_less_often() -> None:
    """Set aside what was made so far for good, and look through what comes less often; to be called once a process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
