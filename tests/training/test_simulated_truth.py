"""The exact probability against what really happens when the chain is lived forward."""

from __future__ import annotations

import numpy as np
import pytest

from features.clock import DAY_US, HOUR_US, NEVER
from training.simulated_product import (
    ACTIVATED_OF,
    LIFE_DAYS,
    STATES,
    Floats,
    Ints,
    Product,
    phase_of,
    simulated_product,
    state_number,
)
from training.simulated_truth import day_of, live, true_probability

EPOCH = 1_748_736_000_000_000
HORIZON = 30 * DAY_US


@pytest.fixture(scope="module")
def product() -> Product:
    return simulated_product(EPOCH, drift_phase=0.3)


def moments(count: int, seed: int) -> tuple[Ints, Ints, Ints, Ints, np.random.Generator]:
    """Sample hidden states, ages and calendar times: fit, state, start, as of."""
    rng = np.random.Generator(np.random.PCG64(seed))
    fit, state = rng.integers(0, 3, count), rng.integers(0, STATES, count)
    start = EPOCH + rng.integers(0, 365 * DAY_US, count)
    as_of = start + rng.integers(0, 45 * DAY_US, count)
    # A third of them exactly on the edge of a day of the trial, where models look.
    as_of = np.where(rng.random(count) < 1 / 3, start + (as_of - start) // DAY_US * DAY_US, as_of)
    return fit, state, start, as_of, rng


def replay(product: Product, count: int, seed: int, gap_us: int) -> tuple[Floats, np.ndarray]:
    fit, state, start, as_of, rng = moments(count, seed)
    promised = true_probability(product, fit, state, start, as_of, HORIZON, gap_us)
    lives = live(product, fit, state, start, as_of, HORIZON // DAY_US + 2, rng)
    return promised, (lives.converted_at > as_of + gap_us) & (lives.converted_at <= as_of + HORIZON)


def standard_errors(promised: Floats, paid: np.ndarray) -> float:
    return float(abs(paid.sum() - promised.sum()) / np.sqrt((promised * (1 - promised)).sum()))


@pytest.mark.parametrize("gap_hours", [0, 60])
def test_twenty_thousand_replays_agree(product: Product, gap_hours: int) -> None:
    promised, paid = replay(product, 20_000, seed=5, gap_us=gap_hours * HOUR_US)
    assert standard_errors(promised, paid) < 3
    assert 0.03 < promised.mean() < 0.5


@pytest.mark.slow
def test_two_hundred_thousand_replays_agree_at_every_height(product: Product) -> None:
    promised, paid = replay(product, 200_000, seed=8, gap_us=0)
    assert standard_errors(promised, paid) < 3
    for tenth in np.array_split(np.argsort(promised), 10):
        assert standard_errors(promised[tenth], paid[tenth]) < 3


def test_a_wrong_probability_would_be_noticed(product: Product) -> None:
    promised, paid = replay(product, 20_000, seed=5, gap_us=0)
    assert standard_errors(promised * 1.06, paid) > 3


def test_matrices_are_stochastic_and_activation_is_never_undone(product: Product) -> None:
    assert np.allclose(product.moves.sum(axis=3), 1, atol=1e-12)
    assert np.allclose(product.first.sum(axis=1), 1, atol=1e-12)
    assert (product.moves >= 0).all()
    assert (product.moves[:, :, ACTIVATED_OF == 1][:, :, :, ACTIVATED_OF == 0] == 0).all()
    assert (product.first[:, ACTIVATED_OF == 1] == 0).all()


def test_activation_and_intent_truly_raise_the_chance(product: Product) -> None:
    fair, steady, start = np.ones(3, dtype=int), np.full(3, 2), np.full(3, EPOCH)
    states = [state_number(steady, np.full(3, activated), np.arange(3)) for activated in (0, 1)]
    chance = [true_probability(product, fair, state, start, start + DAY_US, HORIZON) for state in states]
    assert (np.diff(chance[0]) > 0.03).all()
    assert (chance[1] > chance[0] * 1.15).all()


def test_a_gap_splits_the_horizon_without_loss(product: Product) -> None:
    fit, state, start, as_of, _ = moments(500, seed=2)
    cut = 9 * DAY_US + 7 * HOUR_US
    whole = true_probability(product, fit, state, start, as_of, HORIZON)
    first = true_probability(product, fit, state, start, as_of, cut)
    rest = true_probability(product, fit, state, start, as_of, HORIZON, cut)
    assert np.abs(whole - first - rest).max() < 1e-12
    assert (true_probability(product, fit, state, start, as_of, HORIZON, HORIZON) == 0).all()


def test_the_edge_of_a_day_looks_one_move_ahead(product: Product) -> None:
    """At the end of day 6 the chance is the mixture, by the transition matrix, of the chances just after it."""
    states = np.arange(STATES)
    fit, start = np.full(STATES, 2), np.full(STATES, EPOCH + 5 * HOUR_US)
    edge = start + 7 * DAY_US
    before = true_probability(product, fit, states, start, edge, HORIZON)
    after = true_probability(product, fit, states, start, edge + 1, HORIZON - 1)
    mixture = product.moves[2, phase_of(np.array([6]))[0]] @ after
    assert np.abs(before - mixture).max() < 1e-9
    assert np.abs(before - after).max() > 0.001


def test_one_day_is_two_competing_clocks(product: Product) -> None:
    """Within a day, by hand: pay / (pay + cancel) * (1 - exp(-(pay + cancel) * days))."""
    fit, state, start = np.array([1]), np.array([17]), np.array([EPOCH])
    pay, cancel = (rate[0, 17] for rate in product.intensities(fit, start, np.array([12])))
    by_hand = pay / (pay + cancel) * (1 - np.exp(-(pay + cancel) * 0.25))
    exact = true_probability(product, fit, state, start, start + 12 * DAY_US + 6 * HOUR_US, 6 * HOUR_US)
    assert exact[0] == pytest.approx(by_hand, rel=1e-12)


def test_nothing_happens_after_the_life_of_a_trial(product: Product) -> None:
    fit, state, start = np.zeros(STATES, dtype=int), np.arange(STATES), np.full(STATES, EPOCH)
    late = start + LIFE_DAYS * DAY_US
    assert (true_probability(product, fit, state, start, late, HORIZON) == 0).all()
    lives = live(product, fit, state, start, late, 5, np.random.Generator(np.random.PCG64(1)))
    assert (lives.converted_at == NEVER).all()
    assert (lives.ended_at == NEVER).all()
    near = true_probability(product, fit, state, start, late - DAY_US, 90 * DAY_US)
    assert (near > 0).all()


def test_days_are_closed_on_the_right() -> None:
    start = np.zeros(5, dtype=np.int64)
    instants = np.array([0, 1, DAY_US, DAY_US + 1, 7 * DAY_US])
    assert day_of(start, instants).tolist() == [0, 0, 0, 1, 6]


def test_the_calendar_moves_moderately(product: Product) -> None:
    factor = product.calendar(EPOCH + np.arange(0, 365 * 24) * HOUR_US)
    weekly = factor.reshape(-1, 24)[:364].reshape(52, -1).mean(axis=1)
    assert 0.7 < weekly.min() < 0.97
    assert 1.03 < weekly.max() < 1.3
    saturday, tuesday = EPOCH + 6 * DAY_US, EPOCH + 2 * DAY_US  # 2025-06-01 was a Sunday
    assert product.calendar(np.array([saturday]))[0] < 0.9 * product.calendar(np.array([tuesday]))[0]
