"""Failpoints: named places in the code at which a test makes the process die, fail or wait. Inert outside of tests.

``TRIALWISE_FAILPOINT=store.before_commit:kill`` names the place and what happens there, with ``TRIALWISE_ENV=test`` beside it:
``kill`` (SIGKILL to this process), ``error`` (an OSError), ``sleep=SECONDS``. ``NAME:ACTION@N`` acts only the N-th time.
"""

from __future__ import annotations

import os
import signal
import time

_NAME, _, _ACTION = (os.environ.get("TRIALWISE_FAILPOINT", "") if os.environ.get("TRIALWISE_ENV") == "test" else "").partition(
    ":"
)
_WHAT, _, _NTH = _ACTION.partition("@")
_passed = 0


def failpoint(name: str) -> None:
    """Do what the environment says should happen at a place; nothing unless this process runs a test."""
    if _NAME and name == _NAME:
        _act()


def _act() -> None:
    global _passed
    _passed += 1
    if _NTH and _passed != int(_NTH):
        return
    if _WHAT == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _WHAT == "error":
        raise OSError("a failpoint")
    elif _WHAT.startswith("sleep="):
        time.sleep(float(_WHAT.removeprefix("sleep=")))
