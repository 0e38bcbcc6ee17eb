"""``trialwise demo`` from end to end, as ``make demo`` runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.journeys.conftest import trialwise


@pytest.mark.slow
def test_the_demo_shows_a_trial_and_says_it_is_simulated(tmp_path: Path) -> None:
    done = trialwise("demo", "--seed", 3, "--folder", tmp_path / "demo", home=tmp_path / "var")
    assert "simulated" in done.stdout.splitlines()[0]
    days = re.findall(r"^│ +(\d+) │ +(\d+) │ +(0\.\d{3}) │", done.stdout, flags=re.MULTILINE)
    assert [int(day) for day, _, _ in days] == list(range(1, len(days) + 1))
    assert len(days) >= 10
    assert len({probability for _, _, probability in days}) > 5
    parts = dict(re.findall(r"^│ (what it did|passing time|another model) +│ ([+-]\d\.\d{3}) │", done.stdout, flags=re.MULTILINE))
    whole = re.search(r"Why it changed over the trial: The probability (rose|fell) by (\d+\.\d)", done.stdout)
    assert whole is not None
    sign = 1 if whole[1] == "rose" else -1
    assert sum(map(float, parts.values())) == pytest.approx(sign * float(whole[2]) / 100, abs=0.002)
    assert "What to do next for lead-" in done.stdout
    assert "Whom to contact now" in done.stdout
    assert "trialwise notebook what_drives_conversion" in done.stdout
