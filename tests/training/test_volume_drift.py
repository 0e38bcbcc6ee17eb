from __future__ import annotations

import pytest

from training.volume_drift import Volume


@pytest.mark.parametrize(
    ("now", "error", "alarm"), [(1.0, 0.05, False), (2.2, 0.05, False), (3.0, 0.05, True), (3.0, 0.3, False), (0.3, 0.05, True)]
)
def test_a_change_needs_its_size_and_its_certainty(now: float, error: float, alarm: bool) -> None:
    volume = Volume("session", 1.0, now, error, 500)
    assert volume.alarm is alarm
    assert volume.as_dict()["ratio"] == pytest.approx(now)
    assert f"is {now:.2f} times" in volume.reason
