"""Limits come from the environment, and one that cannot be meant is refused in words."""

from __future__ import annotations

import pytest

from features.errors import InputError
from serving.limits import Limits


def test_limits_have_defaults_and_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Limits.from_environment() == Limits()
    monkeypatch.setenv("TRIALWISE_RATE", "2.5")
    monkeypatch.setenv("TRIALWISE_BURST", "7")
    monkeypatch.setenv("TRIALWISE_DRAIN_SECONDS", "0")
    assert Limits.from_environment() == Limits(rate=2.5, burst=7, drain_seconds=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("TRIALWISE_RATE", "0"), ("TRIALWISE_BURST", "many"), ("TRIALWISE_WAITING", "-1"), ("TRIALWISE_DRAIN_SECONDS", "nan")],
)
def test_a_limit_that_cannot_be_meant_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=name):
        Limits.from_environment()
