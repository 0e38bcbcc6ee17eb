"""PSI: nothing moves in a world that stands still, what moves is shown with its interval, and few leads say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from training.drift import FEWEST_LEADS, Shift, _psi, _shift, shifts


def moved(before: np.ndarray, now: np.ndarray, *, few: bool = False, clusters: int = 1) -> Shift:
    return _shift("x", before, np.arange(len(before)) // clusters, now, np.arange(len(now)) // clusters, few=few)


def test_a_world_that_stands_still() -> None:
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(300):
        shift = moved(rng.normal(size=800), rng.normal(size=FEWEST_LEADS))
        alarms += shift.alarm
        assert shift.psi < 0.25
    assert alarms == 0


@pytest.mark.parametrize("by", [0.8, 1.5])
def test_a_shift_is_shown_with_its_interval(by: float) -> None:
    rng = np.random.default_rng(2)
    shift = moved(rng.normal(size=3000), rng.normal(by, 1, size=500))
    assert shift.alarm
    assert shift.low < shift.psi <= shift.high
    assert "has shifted (PSI" in shift.reason
    assert not shift.gone


def test_colleagues_count_once() -> None:
    """Ten accounts of fifty that all do the same are ten answers: what they do differently may be chance."""
    rng = np.random.default_rng(3)
    before, now = np.repeat(rng.normal(size=400), 1), np.repeat(rng.normal(size=10), 50)
    shift = _shift("x", before, np.arange(400), now, np.repeat(np.arange(10), 50), few=False)
    assert shift.psi > 0.25
    assert shift.low < shift.psi / 2


def test_what_goes_missing_is_named() -> None:
    rng = np.random.default_rng(4)
    before, now = rng.normal(size=1000), np.where(rng.random(400) < 0.5, np.nan, rng.normal(size=400))
    before[:50] = np.nan
    shift = moved(before, now)
    assert shift.gone
    assert shift.reason.startswith("the feature x is missing for 5")
    assert shift.as_dict()["alarm"] is True
    assert moved(before, np.full(400, np.nan)).alarm
    assert moved(np.full(400, np.nan), before).alarm  # also what comes up after all has moved


def test_few_values_and_categories_have_a_place_each() -> None:
    before, now = np.repeat([0.0, 1.0, 2.0], 300), np.repeat([0.0, 1.0, 2.0], [30, 300, 570])
    assert moved(before, now, few=True).psi == pytest.approx(moved(before, now).psi)
    assert moved(before, now).psi > 0.25
    assert moved(before, before, few=True).psi == 0.0


def test_the_formula() -> None:
    p, q = np.array([50.5, 50.5]) / 101, np.array([80.5, 20.5]) / 101
    assert _psi(np.array([50, 50]), np.array([80, 20])) == pytest.approx(float(((q - p) * np.log(q / p)).sum()))


def test_with_few_leads_nothing_is_said() -> None:
    class Few:
        def __len__(self) -> int:
            return FEWEST_LEADS - 1

    assert shifts(None, Few(), Few(), 7.0) == []  # type: ignore[arg-type]  # nothing of it is looked at
