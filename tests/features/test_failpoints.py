"""Failpoints act in a process that says it runs a test, at their place and their time, and are nothing anywhere else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

CODE = "from features.failpoints import failpoint; [failpoint(name) for name in ('a', 'b', 'b')]; print('alive')"


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if name not in ("TRIALWISE_ENV", "TRIALWISE_FAILPOINT")}
    return subprocess.run([sys.executable, "-c", CODE], env=bare | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("said", [{}, {"TRIALWISE_ENV": "production"}, {"TRIALWISE_ENV": "TEST"}])
def test_they_are_nothing_outside_of_tests(said: dict[str, str]) -> None:
    done = run(TRIALWISE_FAILPOINT="b:kill", **said)
    assert (done.returncode, done.stdout) == (0, "alive\n")


@pytest.mark.parametrize("said", ["b:kill", "b:kill@2"])
def test_a_process_dies_at_the_place_that_is_named(said: str) -> None:
    assert run(TRIALWISE_FAILPOINT=said, TRIALWISE_ENV="test").returncode == -signal.SIGKILL


@pytest.mark.parametrize("said", ["", "c:kill", "b:kill@3", "b:sleep=0.01", "b"])
def test_and_nowhere_else(said: str) -> None:
    assert run(TRIALWISE_FAILPOINT=said, TRIALWISE_ENV="test").stdout == "alive\n"


def test_it_may_fail_instead() -> None:
    assert "OSError: a failpoint" in run(TRIALWISE_FAILPOINT="a:error", TRIALWISE_ENV="test").stderr
