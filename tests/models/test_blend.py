from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.blend import BaseRate, Blend, read_learner
from models.columns import ColumnSpec, by_column
from models.errors import ModelError
from models.learners import Learner

Floats = NDArray[np.float64]


def test_a_blend_is_the_weighted_sum_in_log_odds(
    learners: dict[str, Learner], x: Floats, columns: tuple[ColumnSpec, ...]
) -> None:
    parts = (learners["logistic"], learners["trees"])
    blend = Blend(parts, (0.25, 0.75))
    assert np.allclose(blend.raw(x), 0.25 * parts[0].raw(x) + 0.75 * parts[1].raw(x), atol=1e-14)
    grouping = by_column(columns)
    wanted = 0.25 * parts[0].contributions(x[:9], grouping) + 0.75 * parts[1].contributions(x[:9], grouping)
    assert np.allclose(blend.contributions(x[:9], grouping), wanted, atol=1e-14)
    assert blend.expected == pytest.approx(0.25 * parts[0].expected + 0.75 * parts[1].expected)


def test_the_base_rate_has_nothing_to_explain(x: Floats, columns: tuple[ColumnSpec, ...]) -> None:
    base = BaseRate(-2.0)
    assert set(base.raw(x).tolist()) == {-2.0}
    assert not base.contributions(x, by_column(columns)).any()
    assert base.used.tolist() == []


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"kind": "neural"},
        {"kind": "base_rate"},
        {"kind": "base_rate", "log_odds": "0"},
        {"kind": "blend", "learners": [], "weights": []},
        {"kind": "blend", "learners": [{"kind": "base_rate", "log_odds": 0.0}], "weights": [0.5, 0.5]},
        {"kind": "blend", "learners": [{"kind": "blend", "learners": [], "weights": []}], "weights": [1.0]},
        {"kind": "blend", "learners": [{"kind": "blend", "log_odds": 1.0}], "weights": [1.0]},
    ],
)
def test_a_wrong_learner_is_refused(value: object) -> None:
    with pytest.raises(ModelError):
        read_learner(value, "learner.json", ())
