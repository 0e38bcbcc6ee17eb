"""Re-anchoring: nothing moves in a stable world, and a base rate that doubles is followed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import training.simulator
from features.clock import DAY_US
from features.workspace import load_workspace
from models.blend import BaseRate
from models.calibration import Calibrator
from models.log_odds import sigmoid
from tests.training.looks_ahead import look_ahead
from training.anchor import PROMISED, anchored, first_span, measure
from training.metrics import Floats, Ranking
from training.pairs import Pair, Table
from training.rows import Rows
from training.simulated_product import Ints, Product, simulated_product
from training.simulator import simulate

AGES, HORIZON = (1, 3, 7, 14), 30


def looks(rng: np.random.Generator, leads: int, days: int, *, changed_on: float = np.inf, by: float = 0.0) -> tuple[Rows, Floats]:
    """Return leads with the log-odds that are true of them until a day, and outcomes that are truer from then on."""
    start = np.sort(rng.uniform(0, days, leads))
    lead, look = (part.ravel() for part in np.indices((leads, len(AGES))))
    day = start[lead] + np.array(AGES)[look]
    log_odds = rng.normal(-2.2, 1.0, leads)[lead]
    luck = rng.random(leads)[lead]  # one story a lead
    outcome = (luck < sigmoid(log_odds + by * (day > changed_on))).astype(np.int64)
    as_of, started = (day * DAY_US).astype(np.int64), (start[lead] * DAY_US).astype(np.int64)
    rows = Rows(lead, look, as_of, started, as_of + HORIZON * DAY_US, outcome, np.full(len(lead), 0.25), lead)
    return rows, log_odds


def shift_of(rows: Rows, log_odds: Floats, now: int | None, *, answered: float | None = None) -> float:
    """Return by how much a learner is moved that answers what the out-of-time scores say, or one number throughout."""
    table = Table(rows, log_odds[:, None])

    class Known:
        def raw(self, x: Floats) -> Floats:
            return x[:, 0]

    learner = Known() if answered is None else BaseRate(answered)
    return anchored(Calibrator(), learner, [Pair(table, table)], [log_odds], now=now).shift  # type: ignore[arg-type]


@settings(max_examples=12)
@given(st.integers(0, 2**32 - 1), st.integers(200, 1000))
def test_a_stable_world_moves_hardly_ever(seed: int, leads: int) -> None:
    """One such world may be unlucky; ten of them are not all."""
    rng = np.random.default_rng(seed)
    shifts = [shift_of(*looks(rng, leads, 200), 200 * DAY_US) for _ in range(10)]
    assert np.count_nonzero(shifts) <= 5
    assert np.max(np.abs(shifts)) < 1.2


def test_a_stable_world_moves_in_one_of_ten_at_most() -> None:
    rng = np.random.default_rng(0)
    shifts = np.array([shift_of(*looks(rng, 800, 250), 250 * DAY_US) for _ in range(200)])
    assert np.count_nonzero(shifts) <= 24


def test_what_is_known_after_now_moves_nothing() -> None:
    rows, log_odds = looks(np.random.default_rng(8), 4000, 200, changed_on=100, by=0.7)
    now = 160 * DAY_US
    later = replace(rows, outcome=np.where(rows.mature_at > now, 1 - rows.outcome, rows.outcome))
    assert shift_of(rows, log_odds, now) == shift_of(later, log_odds, now) != 0.0
    assert shift_of(rows, log_odds, 240 * DAY_US) != shift_of(later, log_odds, 240 * DAY_US)


def test_a_change_is_followed_from_a_horizon_and_a_trial_on() -> None:
    rng = np.random.default_rng(1)
    shifts = [
        shift_of(*looks(rng, 9000, 250, changed_on=200, by=0.7), (200 + HORIZON + 14 + late) * DAY_US)
        for late in (0, 6)
        for _ in range(10)
    ]
    assert np.mean(shifts) == pytest.approx(0.7, abs=0.1)
    assert np.min(shifts) > 0.25


def test_what_the_learner_has_already_learnt_is_not_counted_twice() -> None:
    rng = np.random.default_rng(2)
    rows, log_odds = looks(rng, 4000, 200, changed_on=0, by=0.7)
    moved = log_odds + 0.7
    before = measure(log_odds, rows, log_odds)
    after = measure(log_odds, rows, moved)
    assert before.value == pytest.approx(0.7, abs=0.1)
    assert after.value == pytest.approx(0.0, abs=0.1)
    assert before.low < before.value < before.high
    # The margin of one unit of information is all that keeps the two apart by less than 0.7.
    assert before.value - after.value == pytest.approx(0.7, abs=0.01)


def test_shrinkage_by_the_number_of_leads() -> None:
    rows, log_odds = looks(np.random.default_rng(3), 50, 100, changed_on=0, by=3.0)
    found = measure(log_odds, rows, log_odds)
    assert found.leads == 50
    assert found.shift == pytest.approx(found.value / 2)


def test_nobody_paying_moves_by_a_finite_number() -> None:
    rows, log_odds = looks(np.random.default_rng(4), 600, 100, changed_on=0, by=-50.0)
    found = measure(log_odds, rows, log_odds)
    assert found.conversions == 0
    assert -8.0 < found.shift < -1.0


def test_the_newest_looks_span_a_trial_or_fifty_promised_conversions() -> None:
    rng = np.random.default_rng(5)
    rows, log_odds = looks(rng, 20_000, 200)
    assert first_span(rows, sigmoid(log_odds), now=200 * DAY_US) == pytest.approx(13 * DAY_US, abs=2 * DAY_US)
    rows, log_odds = looks(rng, 500, 200)
    span = first_span(rows, sigmoid(log_odds), now=200 * DAY_US)
    recent = (rows.mature_at <= 200 * DAY_US) & (rows.mature_at > 200 * DAY_US - span)
    assert span > 100 * DAY_US or sigmoid(log_odds[recent]).sum() / 4 == pytest.approx(PROMISED, abs=2)


def test_without_time_or_outcomes_nothing_moves() -> None:
    rows, log_odds = looks(np.random.default_rng(6), 2000, 200, changed_on=0, by=2.0)
    assert shift_of(rows, log_odds, 200 * DAY_US) > 1.0
    assert shift_of(rows, log_odds, None) == 0.0
    assert shift_of(rows, log_odds, 10 * DAY_US) == 0.0
    assert shift_of(rows, log_odds, 200 * DAY_US, answered=-2.2) != 0.0


CHANGE = 200


class Doubled(Product):
    """The product whose leads pay twice as readily from a day on."""

    def calendar(self, instant: Ints) -> Floats:
        """Return the payment intensity that the calendar makes, doubled after the change."""
        return super().calendar(instant) * np.where(instant >= self.epoch_us + CHANGE * DAY_US, 2.0, 1.0)


def doubled(epoch_us: int, drift_phase: float) -> Product:
    """Return the product with the change in it."""
    made = simulated_product(epoch_us, drift_phase)
    return Doubled(made.epoch_us, made.drift_phase, made.first, made.moves, made.payment, made.cancellation)


@pytest.mark.slow
@pytest.mark.parametrize("later", [0, 60])
def test_a_base_rate_that_doubles(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, later: int) -> None:
    """Promise and outcome agree for leads that start a horizon and a trial after the change, or when it is older."""
    monkeypatch.setattr(training.simulator, "simulated_product", doubled)
    world = simulate(4, leads=20_000, days=420)
    ws = load_workspace(world.write(tmp_path_factory.mktemp("doubled")))
    ahead = look_ahead(ws, world.since + (CHANGE + HORIZON + 14 + later) * DAY_US)
    happened = ahead.rows.outcome
    error = Ranking(ahead.promised, happened).calibration_error(np.ones(len(happened)))
    assert abs(ahead.promised.mean() - happened.mean()) < 0.02
    assert error < 0.02
    if not later:
        calibrator, raw = ahead.fitted.calibrator, ahead.fitted.learner.raw(ahead.x)
        without = calibrator.shifted(-calibrator.shift).probability(raw)
        assert calibrator.shift > 0.1
        assert abs(ahead.promised.mean() - happened.mean()) < abs(without.mean() - happened.mean()) / 2
