from __future__ import annotations

import math

import numpy as np
import pytest

from models.calibration import Calibrator
from models.explanation import Explanation, Start, explain

PLAYERS = ("any", "sales", "session", "country")
CALIBRATORS = [
    Calibrator(),
    Calibrator("platt", -0.7, (1.4,)),
    Calibrator("beta", 0.2, (0.5, 2.0)),
    Calibrator("isotonic", 0.0, (), (-3.0, -1.0, 2.0), (-4.0, -1.5, 3.0), 0.3),
]
PARTS = np.array(
    [[0.5, -1.25, 2.0, 0.0], [-3.0, 0.25, -0.5, 0.0], [1e-9, -2e-9, 3e-8, 0.0], [0.0, 0.0, 0.0, 0.0], [9.0, 8.0, -0.5, 0.0]]
)


def told(calibrator: Calibrator, expected: float = -1.5) -> Explanation:
    return explain(PLAYERS, expected + PARTS.sum(axis=1), Start.of(expected, calibrator), PARTS, calibrator)


@pytest.mark.parametrize("calibrator", CALIBRATORS, ids=lambda c: c.method)
def test_points_and_log_odds_add_up(calibrator: Calibrator) -> None:
    found = told(calibrator)
    assert np.abs(found.base + found.points.sum(axis=1) - found.probability).max() < 1e-12
    log_odds = np.log(found.probability / (1 - found.probability))
    assert np.abs(found.base_log_odds + found.log_odds.sum(axis=1) - log_odds).max() < 1e-9
    assert math.log(found.base / (1 - found.base)) == pytest.approx(found.base_log_odds, abs=1e-12)


@pytest.mark.parametrize("calibrator", CALIBRATORS, ids=lambda c: c.method)
def test_signs_and_order_are_kept_and_nothing_stays_nothing(calibrator: Calibrator) -> None:
    found = told(calibrator)
    assert np.array_equal(np.sign(found.points), np.sign(PARTS))
    assert np.array_equal(np.argsort(found.points, axis=1), np.argsort(PARTS, axis=1))
    assert not found.points[:, 3].any()


def test_close_to_the_base_the_slope_halfway_is_used() -> None:
    calibrator = CALIBRATORS[2]
    expected = -1.5
    near, far = (
        explain(("a", "b"), expected + parts.sum(axis=1), Start.of(expected, calibrator), parts, calibrator)
        for parts in (np.array([[2.0, -2.0 + 0.9e-6]]), np.array([[2.0, -2.0 + 1.1e-6]]))
    )
    assert near.points[0] == pytest.approx(far.points[0], rel=1e-6)
    halfway = expected + 0.45e-6
    assert near.points[0, 0] == pytest.approx(2.0 * calibrator.slope(np.array([halfway]))[0], rel=1e-9)
    for tiny in (1e-12, 1e-15):  # a quotient of differences would keep no digit of these
        parts = np.array([[2.0, tiny - 2.0]])
        one = explain(("a", "b"), np.array([expected + tiny]), Start.of(expected, calibrator), parts, calibrator)
        assert one.points[0] == pytest.approx(near.points[0], rel=1e-6)
        assert one.log_odds[0] == pytest.approx(near.log_odds[0], rel=1e-6)
    exact = explain(("a", "b"), np.array([expected]), Start.of(expected, calibrator), np.array([[2.0, -2.0]]), calibrator)
    assert exact.points[0, 0] == 2.0 * calibrator.slope(np.array([expected]))[0]


def test_the_largest_come_first_and_ties_keep_their_order() -> None:
    found = told(CALIBRATORS[0])
    assert found.top(0, 2) == [2, 1]
    assert found.top(0, 9) == [2, 1, 0]
    assert found.top(0, None) == [2, 1, 0, 3]
    assert found.top(3, None) == [0, 1, 2, 3]
    assert found.top(3, 2) == []


def test_rest_is_the_sum_of_who_is_not_listed() -> None:
    found = told(CALIBRATORS[1])
    listed = found.top(0, 1)
    points, log_odds = found.rest(0, listed)
    assert points == found.points[0, 0] + found.points[0, 1] + found.points[0, 3]
    assert log_odds == found.log_odds[0, 0] + found.log_odds[0, 1] + found.log_odds[0, 3]
    assert found.rest(0, found.top(0, None)) == (0.0, 0.0)
