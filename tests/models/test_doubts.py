from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from features.feature import FeatureSet
from models.answer import past_trial
from models.doubts import warnings_of
from models.scorer import Scorer
from tests.models.conftest import invent, matrix_of

Floats = NDArray[np.float64]


def codes(scorer: Scorer, x: Floats, ages: list[float], past: list[bool]) -> list[list[str]]:
    return [[code for code, _ in row] for row in warnings_of(scorer, x, np.array(ages), np.array(past))]


def test_a_usual_lead_raises_no_doubt(scorer: Scorer, x: Floats) -> None:
    row = x[:1].copy()
    row[0, scorer.names.index("country")] = 1.0
    assert codes(scorer, row, [3.0], [False]) == [[]]
    assert codes(scorer, row, [np.nan], [False]) == [[]]


def test_each_doubt_has_its_code_and_names_its_columns_but_no_value(scorer: Scorer, x: Floats) -> None:
    row = x[:1].copy()
    row[0, scorer.names.index("country")] = 0.0
    row[0, scorer.names.index("core_use_count_all")] = 123_456_789_012.0
    assert codes(scorer, row, [20.0], [True]) == [["past_trial", "beyond_trained_age", "clipped", "unknown_category"]]
    details = " ".join(detail for _, detail in warnings_of(scorer, row, np.array([20.0]), np.array([True]))[0])
    assert "core_use_count_all" in details
    assert "country" in details
    assert "123" not in details


@pytest.mark.parametrize(("left", "over"), [(0.0, True), (0.5, False), (np.nan, False)])
def test_a_trial_is_over_when_nothing_of_it_is_left(left: float, over: bool, scorer: Scorer, features: FeatureSet) -> None:
    values = invent(features, 1, 0)
    values[0, features.index("trial_left_d")] = left
    assert past_trial(scorer, matrix_of(features, values), np.array([1.0])).tolist() == [over]
