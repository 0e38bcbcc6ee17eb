"""Rolling origins, and the random folds that stand in for them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.clock import DAY_US
from training.folds import CONVERSIONS_PER_ORIGIN, Folds, plan_folds, rolling_origins
from training.rows import Rows

HORIZON = 30 * DAY_US


def made_rows(*, leads: int, days: int, rate: float = 0.3, seed: int = 0, per_account: int = 1, looks: int = 2) -> Rows:
    """Return looks at leads that start evenly over some days."""
    rng = np.random.default_rng(seed)
    lead = np.repeat(np.arange(leads), looks)
    look = np.tile(np.arange(looks), leads)
    started = (np.arange(leads) * days // leads * DAY_US)[lead]
    as_of = started + (look + 1) * DAY_US
    outcome = (rng.random(leads) < rate)[lead].astype(np.int64)
    return Rows(lead, look, as_of, started, as_of + HORIZON, outcome, np.full(len(lead), 1 / looks), lead // per_account)


def every_fold_is_honest(rows: Rows, folds: Folds) -> None:
    for fold in (*folds.choice, folds.last):
        learnt, examined = rows.take(fold.learn), rows.take(fold.examine)
        if fold.origin is not None:
            assert learnt.mature_at.max() <= fold.origin
            assert examined.started_at.min() >= fold.origin
        assert not set(learnt.lead.tolist()) & set(examined.lead.tolist())
    for fold in folds.choice:
        assert not set(fold.examine.tolist()) & set(folds.last.examine.tolist())


def test_origins_roll_forward() -> None:
    rows = made_rows(leads=2000, days=300)
    folds = plan_folds(rows, rows, seed=0)
    assert folds.time_forward
    assert len(folds.choice) == 3
    origins = [fold.origin or 0 for fold in (*folds.choice, folds.last)]
    assert origins == sorted(set(origins))
    every_fold_is_honest(rows, folds)
    # The blocks hold equal numbers of conversions, and everyone after the first origin is examined once.
    bought = [len(np.unique(rows.lead[fold.examine][rows.outcome[fold.examine] == 1])) for fold in (*folds.choice, folds.last)]
    assert max(bought) - min(bought) <= 10
    examined = np.concatenate([fold.examine for fold in (*folds.choice, folds.last)])
    assert len(np.unique(examined)) == len(examined) == int((rows.started_at >= origins[0]).sum())


def test_few_conversions_give_fewer_origins() -> None:
    rows = made_rows(leads=140, days=300)
    origins = rolling_origins(rows, rows)
    assert 2 <= len(origins) < 4


def test_one_start_date_cannot_roll() -> None:
    rows = made_rows(leads=400, days=1)
    folds = plan_folds(rows, rows, seed=0)
    assert not folds.time_forward
    assert rolling_origins(rows, rows) == []
    every_fold_is_honest(rows, folds)


def test_history_shorter_than_the_horizon_cannot_roll() -> None:
    rows = made_rows(leads=1000, days=25)
    assert not plan_folds(rows, rows, seed=0).time_forward


def test_random_folds_keep_accounts_whole() -> None:
    rows = made_rows(leads=300, days=1, per_account=5)
    folds = plan_folds(rows, rows, seed=3)
    for fold in (*folds.choice, folds.last):
        assert not set(rows.cluster[fold.learn].tolist()) & set(rows.cluster[fold.examine].tolist())
    # The last hand is seen by nobody who chooses.
    unseen = set(rows.cluster[folds.last.examine].tolist())
    assert all(not unseen & set(rows.cluster[fold.learn].tolist()) for fold in folds.choice)


def test_every_hand_gets_conversions() -> None:
    rows = made_rows(leads=500, days=1, rate=0.02, seed=4)
    bought = int(rows.outcome.reshape(-1, 2)[:, 0].sum())
    folds = plan_folds(rows, rows, seed=0)
    for fold in (*folds.choice, folds.last):
        assert len(np.unique(rows.lead[fold.examine][rows.outcome[fold.examine] == 1])) >= bought // 5


@given(st.integers(60, 600), st.integers(40, 400), st.floats(0.05, 0.9), st.integers(0, 5))
@settings(max_examples=40)
def test_origins_always_have_enough_conversions(leads: int, days: int, rate: float, seed: int) -> None:
    rows = made_rows(leads=leads, days=days, rate=rate, seed=seed)
    origins = rolling_origins(rows, rows)
    assert len(origins) != 1
    if origins:
        folds = plan_folds(rows, rows, seed=seed)
        every_fold_is_honest(rows, folds)
        for fold in (*folds.choice, folds.last):
            for part in (fold.learn, fold.examine):
                assert len(np.unique(rows.lead[part][rows.outcome[part] == 1])) >= CONVERSIONS_PER_ORIGIN
