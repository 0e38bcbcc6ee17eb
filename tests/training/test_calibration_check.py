"""Slope, intercept, skill and error on probabilities whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.test_evaluation import made_answers
from training.calibration_check import Part, age_thirds, calibration_bins, check_calibration
from training.evaluation import Answers


def moved(answers: Answers, slope: float, intercept: float) -> Answers:
    """Return answers whose log-odds are off so that recalibration must undo it."""
    z = np.log(answers.probability / (1 - answers.probability))
    return answers.instead(1 / (1 + np.exp(-(z - intercept) / slope)))


def checked(answers: Answers, parts: list[Part] | None = None, seed: int = 0) -> list:
    return check_calibration(answers, np.full(len(answers.outcome), answers.outcome.mean()), parts or [], seed=seed)


def test_true_probabilities_are_found_to_be_true() -> None:
    overall = checked(made_answers(leads=6_000, looks=2))[0].figures
    assert overall["calibration_slope"].low < 1 < overall["calibration_slope"].high
    assert overall["calibration_intercept"].low < 0 < overall["calibration_intercept"].high
    assert overall["calibration_gap"].low < 0 < overall["calibration_gap"].high
    assert overall["calibration_error"].value < 0.02
    assert overall["brier_skill"].low > 0
    assert all(one.low <= one.value <= one.high for one in overall.values())


def test_slope_and_intercept_are_recovered() -> None:
    answers = made_answers(leads=20_000, looks=1)
    timid = checked(moved(answers, 2.0, 0.0))[0].figures
    assert timid["calibration_slope"].value == pytest.approx(2.0, rel=0.1)
    low = checked(moved(answers, 1.0, 0.7))[0].figures
    assert low["calibration_intercept"].value == pytest.approx(0.7, abs=0.08)
    assert low["calibration_gap"].high < 0


def test_the_interval_of_the_slope_covers_the_truth() -> None:
    covered = 0
    for seed in range(30):
        found = checked(made_answers(leads=500, looks=1, seed=seed), seed=seed)[0].figures["calibration_slope"]
        covered += found.low <= 1.0 <= found.high
    assert covered >= 25


def test_parts_with_few_of_either_outcome_are_left_out() -> None:
    answers = made_answers(leads=400, looks=3)
    few = np.zeros(len(answers.lead), dtype=bool)
    few[np.flatnonzero(answers.outcome == 1)[:6]] = True
    found = checked(answers, [Part("country", "few", few), *age_thirds(answers, (1.0, 3.0, 7.0))])
    assert [one.name for one in found] == ["all", "day 1", "day 3", "day 7"]
    assert checked(answers.where(answers.outcome == 0)) == []


def test_separated_outcomes_stay_finite() -> None:
    lead = np.arange(40)
    answers = Answers(lead, lead, np.zeros(40, np.int64), (lead >= 20).astype(np.int64), np.where(lead >= 20, 0.9, 0.1))
    assert np.isfinite(checked(answers)[0].figures["calibration_slope"].value)


def test_the_error_by_chance_is_what_perfect_probabilities_show() -> None:
    found = [checked(made_answers(leads=2_000, looks=1, seed=seed))[0] for seed in range(12)]
    errors = [one.figures["calibration_error"].value for one in found]
    assert np.mean(errors) == pytest.approx(np.mean([one.by_chance for one in found]), rel=0.15)


def test_the_curve_holds_every_row_once() -> None:
    answers = made_answers(leads=500)
    bins = calibration_bins(answers)
    assert len(bins) == 10
    assert sum(one.happened.n for one in bins) == len(answers.lead)
    assert [one.promised for one in bins] == sorted(one.promised for one in bins)
