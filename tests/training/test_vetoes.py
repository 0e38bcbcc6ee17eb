"""What a winner is refused for: promises that mean less, a slice that is served worse; and what it is not refused for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from models.log_odds import sigmoid
from training.contest import SAME_LEADS, Contest
from training.evaluation import Answers, compare
from training.metrics import Floats
from training.vetoes import veto

LEADS = 3000


@dataclass(frozen=True)
class Data:
    """As much of a training set as the age thirds ask for."""

    ages_days: tuple[float, ...]


@pytest.fixture(scope="module")
def truth() -> Floats:
    return np.random.default_rng(0).normal(-1.5, 1.2, LEADS)


def contest(truth: Floats, ours: Floats, theirs: Floats, monkeypatch: pytest.MonkeyPatch) -> Contest:
    """Return a contest over log-odds, with leads of two looks each."""
    monkeypatch.setattr("training.vetoes.attribute_parts", lambda data, largest: iter(()))
    rng = np.random.default_rng(1)
    place = np.arange(LEADS)
    outcome = (rng.random(LEADS) < sigmoid(truth)).astype(np.int64)
    answers = Answers(place // 2, place // 2, place % 2, outcome, sigmoid(ours))
    other = sigmoid(theirs)
    data: Any = Data((1.0, 7.0))
    return Contest(answers, other, data, compare(answers, other, seed=0), SAME_LEADS)


def test_a_clean_winner_is_not_refused(truth: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    noisy = truth + np.random.default_rng(2).normal(0, 0.3, LEADS)
    assert veto(contest(truth, truth, noisy, monkeypatch), seed=0) is None
    assert veto(contest(truth, noisy, noisy, monkeypatch), seed=0) is None
    assert veto(contest(truth, noisy, truth + 0.05, monkeypatch), seed=0) is None


def test_promises_that_are_too_high(truth: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = veto(contest(truth, truth + 0.7, truth, monkeypatch), seed=0)
    assert reason is not None
    assert "calibration error" in reason


def test_too_high_for_a_few_large_accounts_is_not_sure(truth: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty accounts that decide as one are thirty witnesses, however many leads they have."""
    monkeypatch.setattr("training.vetoes.SLOPE_MARGIN", 9.0)
    account = np.random.default_rng(5).permutation(LEADS) % 30
    alike = np.full(LEADS, -1.5)
    found = contest(truth, alike + 0.7, alike, monkeypatch)
    together = (account % 5 == 0).astype(np.int64)
    many = replace(found, ours=replace(found.ours, cluster=account, outcome=together))
    assert veto(many, seed=0) is None
    alone = replace(many, ours=replace(many.ours, cluster=np.arange(LEADS)))
    assert "calibration error" in (veto(alone, seed=0) or "")


def test_promises_that_are_too_extreme(truth: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.vetoes.CALIBRATION_MARGIN", 1.0)
    reason = veto(contest(truth, -1.5 + 1.8 * (truth + 1.5), truth, monkeypatch), seed=0)
    assert reason is not None
    assert "calibration slope is worse (0." in reason


def test_a_slice_that_is_served_worse(truth: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.vetoes.CALIBRATION_MARGIN", 1.0)
    monkeypatch.setattr("training.vetoes.SLOPE_MARGIN", 9.0)
    early = np.arange(LEADS) % 2 == 0
    ours = np.where(early, np.random.default_rng(3).permutation(truth), truth)
    reason = veto(contest(truth, ours, truth, monkeypatch), seed=0)
    assert reason is not None
    assert reason.startswith("it is worse for age day 1 (log-loss +")
    lost = contest(truth, truth, ours, monkeypatch)
    assert veto(lost, seed=0) is None
    few = replace(lost, ours=lost.ours.instead(lost.theirs).where(np.arange(LEADS) < 60), theirs=sigmoid(truth)[:60])
    assert veto(few, seed=0) is None
