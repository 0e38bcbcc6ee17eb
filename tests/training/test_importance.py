"""What a small model goes by, and how its strongest signs act."""

from __future__ import annotations

import numpy as np

from tests.training.judged_world import judged_world
from training.dependence import FEWEST_OF_CATEGORY, dependence
from training.importance import _sample, importances


def test_what_was_planted_is_found() -> None:
    found = judged_world().explained
    by_name = {one.name: one for one in found.behaviours}
    assert "size" not in list(by_name)[:2]
    strongest = found.behaviours[0]
    assert strongest.name in {"any", "core_use", "session"}
    costs = [one for one in found.behaviours if one.permuted is not None and one.permuted.low > 0]
    assert costs
    sizes = [one.contribution.value for one in found.behaviours]
    assert sizes == sorted(sizes, reverse=True)
    for one in (*found.behaviours, *found.features):
        assert 0 <= one.contribution.low <= one.contribution.value <= one.contribution.high


def test_age_cannot_be_dealt_out_among_leads_of_one_age() -> None:
    for one in judged_world().explained.behaviours:
        if one.name == "trial_age" and one.permuted is not None:
            assert abs(one.permuted.value) < 1e-12


def test_same_seed_same_importance() -> None:
    world = judged_world()
    one, other = (importances(world.data, world.fitted, world.scorer, seed=3) for _ in range(2))
    assert one.behaviours == other.behaviours
    assert one.features == other.features


def test_curves_hold_what_was_explained() -> None:
    world = judged_world()
    found = importances(world.data, world.fitted, world.scorer, seed=0)
    curves = dependence(found, world.scorer)
    assert [curve.name for curve in curves] == [one.name for one in found.features[: len(curves)]]
    for curve in curves:
        assert all(point.low <= point.high for point in curve.points)
        values = [point.value for point in curve.points]
        assert values == sorted(values)
        if curve.category:
            assert min(point.n for point in curve.points) >= FEWEST_OF_CATEGORY
    added = found.contributions[:, world.scorer.names.index(curves[0].name)]
    mean = sum(point.mean * point.n for point in curves[0].points) + (
        curves[0].missing.mean * curves[0].missing.n if curves[0].missing else 0
    )
    assert np.isclose(mean, added.sum())


def test_of_one_giant_account_a_part_is_taken() -> None:
    lead = np.repeat(np.arange(5_000), 4)
    kept = _sample(lead, 1_000, seed=0)
    assert 900 < len(kept) <= 1_000
    assert len(kept) == 4 * len(np.unique(lead[kept]))
    np.testing.assert_array_equal(_sample(lead[:1_000], 1_000, seed=0), np.arange(1_000))
