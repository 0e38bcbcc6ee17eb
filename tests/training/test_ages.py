"""Ages are moved by a hash and by nothing else."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.clock import DAY_US
from training.ages import SPREAD, fixed_ages, jittered_ages

AGES = (0.5, 1.0, 7.0, 14.0)


@given(st.lists(st.text(max_size=5), min_size=1, max_size=5, unique=True), st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_ages_stay_within_the_spread(lead_ids: list[str], seed: int) -> None:
    ages = jittered_ages(lead_ids, AGES, seed=seed, whole_days=False)
    ratio = ages / fixed_ages(AGES)
    assert ratio.min() >= math.exp(-SPREAD) - 1e-4
    assert ratio.max() <= math.exp(SPREAD) + 1e-4


def test_a_leads_ages_do_not_depend_on_the_others() -> None:
    together = jittered_ages(["a", "b", "c"], AGES, seed=1, whole_days=False)
    alone = jittered_ages(["c"], AGES, seed=1, whole_days=False)
    assert (together[2] == alone[0]).all()
    first_looks = jittered_ages(["c"], AGES[:2], seed=1, whole_days=False)
    assert (first_looks[0] == alone[0, :2]).all()


def test_seed_lead_and_look_all_matter() -> None:
    ids = [f"lead{i}" for i in range(200)]
    one, other = (jittered_ages(ids, (7.0, 7.0), seed=seed, whole_days=False) for seed in (1, 2))
    assert len(np.unique(one)) == one.size
    assert (one != other).mean() > 0.99
    # Spread evenly over the whole range, on the logarithmic scale.
    u = np.log(one / (7 * DAY_US)) / SPREAD
    assert abs(u.mean()) < 0.1
    assert abs(u.std() - 1 / math.sqrt(3)) < 0.05


def test_by_day_whole_ages_stay_whole_days() -> None:
    ages = jittered_ages([f"lead{i}" for i in range(300)], AGES, seed=0, whole_days=True)
    assert (ages[:, 1] == DAY_US).all()
    assert set((ages[:, 2] // DAY_US).tolist()) == {6, 7, 8}
    assert (ages[:, 2:] % DAY_US == 0).all()
    # Half a day was asked for on purpose, and is not turned into none or one.
    assert len(np.unique(ages[:, 0])) > 100


def test_age_nought_stays() -> None:
    assert jittered_ages(["a"], (0.0,), seed=3, whole_days=True).tolist() == [[0]]


def test_an_age_is_the_same_for_ever() -> None:
    assert jittered_ages(["lead-1"], (7.0,), seed=0, whole_days=False).tolist() == [[665_097_000_000]]
