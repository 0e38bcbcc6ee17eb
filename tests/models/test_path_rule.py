"""The path rule adds up to far below the law, wherever the scores and the knots of a calibration lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.calibration import Calibrator
from models.explanation import Start, explain
from models.path_rule import CLOSE, rises

STEEP = Calibrator("isotonic", 0.0, (), (-3.0, -1.0, 2.0), (-3.02, -3.0, 27.0), 0.0)
"""Its slope goes from 0.01 to 10 at a knot, the most that a model may have."""
CALIBRATORS = (STEEP, Calibrator(), Calibrator("platt", -0.7, (1.4,)), Calibrator("beta", 0.2, (0.5, 2.0)))


@settings(max_examples=300, deadline=None)
@given(
    curve=st.sampled_from(CALIBRATORS),
    near=st.one_of(st.floats(-12, 12), st.sampled_from([-1.0, 0.5, 2.0])),
    aside=st.sampled_from([0.0, -0.3, -0.5, -0.7]),
    step=st.one_of(
        st.floats(-5, 5), st.floats(-1e-6, 1e-6), st.sampled_from([1e-7, -1e-8, 3e-9, 9e-11]), st.floats(-1e-12, 1e-12)
    ),
)
def test_the_way_along_the_curve_is_exact_however_short(curve: Calibrator, near: float, aside: float, step: float) -> None:
    """Knots of a curve lie anywhere, also between two scores that are almost the same."""
    s = near + aside * step
    ends = np.array([s]), np.array([s + step])
    (before,), (after,) = (curve.evaluate(end) for end in ends)
    ((per_log_odds, per_point),) = rises(curve, *ends, before[None, :2], after[None, :2])
    distance = float(ends[1][0] - ends[0][0])
    assert abs(per_log_odds * distance - (after[0] - before[0])) < 1e-10
    assert abs(per_point * distance - (after[1] - before[1])) < 1e-10
    assert per_point > 0


@example(STEEP, 0.45e-6, 0.55e-6)
@example(STEEP, 0.0, 1e-6)
@example(STEEP, 1e-10, 1e-10)
@given(st.sampled_from(CALIBRATORS), st.floats(0.0, 2e-6), st.floats(0.0, 2e-6))
def test_reasons_add_up_around_a_knot(calibrator: Calibrator, before: float, after: float) -> None:
    base, score = -1.0 - before, -1.0 + after
    parts = np.array([[2.0, -0.5, score - base - 1.5]])
    told = explain(("a", "b", "c"), np.array([score]), Start.of(base, calibrator), parts, calibrator)
    assert abs(told.base + told.points.sum() - told.probability[0]) < 1e-10
    assert abs(told.base_log_odds + told.log_odds.sum() - calibrator.log_odds(np.array([score]))[0]) < 1e-10
    assert (np.sign(told.points) == np.sign(parts)).all()


def test_a_row_has_the_same_bits_alone_and_beside_a_close_one() -> None:
    s, t = np.array([-1.5, -1.0 - 4e-7, 0.3]), np.array([0.2, -1.0 + 4e-7, 0.3])
    at = [STEEP.evaluate(one)[:, :2] for one in (s, t)]
    together = rises(STEEP, s, t, *at)
    for row in range(3):
        one = slice(row, row + 1)
        assert np.array_equal(rises(STEEP, s[one], t[one], at[0][one], at[1][one]), together[one])


@pytest.mark.parametrize("distance", [0.0, 1e-15, 1e-9, 0.9 * CLOSE])
def test_on_a_smooth_piece_the_slope_halfway_is_taken(distance: float) -> None:
    s, t = np.array([0.3]), np.array([0.3 + distance])
    for calibrator in CALIBRATORS:
        found = rises(calibrator, s, t, calibrator.evaluate(s)[:, :2], calibrator.evaluate(t)[:, :2])
        assert np.array_equal(found[0], calibrator.evaluate(s + (t - s) / 2)[0, 2:])
