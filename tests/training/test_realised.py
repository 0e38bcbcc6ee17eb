"""What came of what was promised: who counts, by which grade, and when it is said."""

from __future__ import annotations

import numpy as np
import pytest

from features.clock import DAY_US, NEVER
from training.intervals import Z_99, Share
from training.realised import FEWEST_LEADS, Kept, Realised


def kept(promised: float, came: float, leads: int = 1000, name: str = "all") -> Kept:
    return Kept(name, leads, leads, round(came * leads), promised, Share(came, float(leads)), Z_99)


@pytest.mark.parametrize(
    ("line", "broken"),
    [
        (kept(0.1, 0.1), False),
        (kept(0.1, 0.2), True),
        (kept(0.2, 0.1), True),
        (kept(0.1, 0.13), False),
        (kept(0.1, 0.4, leads=30), False),
        (kept(0.1, 0.3, leads=FEWEST_LEADS - 1), False),
        (kept(0.3, 0.0, leads=200), True),
        (kept(0.001, 0.004, leads=900), False),
    ],
)
def test_a_promise_is_broken_when_nothing_else_explains_it(line: Kept, broken: bool) -> None:
    assert line.broken is broken
    assert line.as_dict()["alarm"] is broken


def test_the_overall_promise_is_named_before_those_of_grades() -> None:
    both = Realised(kept(0.1, 0.2), (kept(0.5, 0.9, name="A"),), {})
    assert len(both.reasons()) == 1
    assert "20.0 % converted" in both.reasons()[0]
    only = Realised(kept(0.1, 0.1), (kept(0.5, 0.9, name="A"), kept(0.1, 0.1, name="B")), {})
    assert only.reasons()[0].startswith("of the leads of grade A 90.0 % converted")
    assert both.calibration() == pytest.approx({"value": 0.1, "low": 0.0764, "high": 0.1259}, abs=1e-3)
    assert Realised(None, (), {}).calibration() is None
    assert Realised(None, (), {}).reasons() == []
    assert np.int64(NEVER) > DAY_US
