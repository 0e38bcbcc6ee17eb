"""A background thread goes on whatever a step comes up with, and ends when it is told to."""

from __future__ import annotations

import logging
import time

import pytest

from features.storing.engine import unavailable
from serving.background_thread import BackgroundThread, due_after
from tests.serving.conftest import wait_for


class Steps(BackgroundThread):
    """Take the steps of a list: what to raise, or for how long to rest."""

    def __init__(self, *steps: Exception | float) -> None:
        super().__init__("steps", tick_seconds=0.0)
        self._left = list(steps)
        self.taken = 0

    def step(self) -> float:
        self.taken += 1
        found = self._left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def test_no_trouble_ends_it_and_each_is_told(caplog: pytest.LogCaptureFixture) -> None:
    one = Steps(0.0, unavailable(None), ValueError("a line"), 0.0, 3600.0)
    one.start()
    wait_for(lambda: one.taken == 5)
    one.stop()
    told = [(record.name, record.levelno, record.exc_info is not None) for record in caplog.records]
    assert told == [("trialwise.steps", logging.WARNING, False), ("trialwise.steps", logging.ERROR, True)]


def test_a_rest_ends_when_it_is_stopped() -> None:
    one = Steps(3600.0)
    one.start()
    wait_for(lambda: one.taken == 1)
    one.stop()
    assert not one._thread.is_alive()
    assert one.taken == 1


def test_what_never_began_can_be_stopped() -> None:
    one = Steps()
    one.stop()
    one.start()
    one._thread.join(timeout=30)
    assert one.taken == 0


def test_work_that_took_long_is_due_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    assert due_after(99.0, 30.0, 20.0) == 130.0
    assert due_after(90.0, 30.0, 20.0) == 300.0
