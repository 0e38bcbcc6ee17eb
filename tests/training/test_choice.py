"""The simplest learner and calibration that nothing beats by more than the noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.calibration import Calibrator
from training.choice import FEWEST_CLUSTERS, Scores, calibrated, choose_calibration, pooled, simplest_within_noise
from training.evaluation import Answers


def made_scores(leads: int, *, slope: float = 1.0, shift: float = 0.0, seed: int = 0, fold: int = 0) -> Scores:
    """Return raw scores whose true log-odds are ``slope * raw + shift``."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-1.0, 1.2, leads)
    true = 1 / (1 + np.exp(-(slope * raw + shift)))
    outcome = (rng.random(leads) < true).astype(np.int64)
    lead = np.arange(leads)
    answers = Answers(lead, lead, np.zeros(leads, dtype=np.int64), outcome, 1 / (1 + np.exp(-raw)))
    return Scores(answers, raw, np.ones(leads), np.full(leads, fold))


def test_a_newcomer_must_win_by_more_than_the_noise() -> None:
    scores = made_scores(3000)
    p = scores.answers.probability
    rng = np.random.default_rng(1)
    constant = np.full(len(p), scores.answers.outcome.mean())
    as_good = np.clip(p * np.exp(rng.normal(0, 0.01, len(p))), 0.001, 0.999)
    choice = simplest_within_noise({"base_rate": constant, "logistic": p, "trees": as_good}, scores.answers, seed=0)
    assert choice.kept == "logistic"
    assert list(choice.tried) == ["logistic", "trees"]
    assert choice.tried["logistic"].value < 0
    # The first stays when the others are worse, and a later one may win over all.
    assert simplest_within_noise({"simple": p, "worse": constant}, scores.answers, seed=0).kept == "simple"
    better = np.where(scores.answers.outcome == 1, 0.9, 0.1)
    assert simplest_within_noise({"a": constant, "b": p, "c": better}, scores.answers, seed=0).kept == "c"


def test_a_hedge_must_be_better_than_what_it_hedges_but_not_by_the_noise() -> None:
    scores = made_scores(3000)
    p, rng = scores.answers.probability, np.random.default_rng(1)
    nearly = np.clip(p * np.exp(rng.normal(0, 0.01, len(p))), 0.001, 0.999)
    hedges = {"blend": ("logistic",)}
    for first, second, kept in ((p, nearly, "logistic"), (nearly, p, "blend")):
        two = {"logistic": first, "blend": second}
        found = simplest_within_noise(two, scores.answers, seed=0, hedges=hedges)
        assert found.kept == kept
        assert abs(found.tried["blend"].value) < found.tried["blend"].error
        assert simplest_within_noise(two, scores.answers, seed=0).kept == "logistic"
    # What it does not hedge stays until it is beaten by the noise.
    assert simplest_within_noise({"points": nearly, "blend": p}, scores.answers, seed=0, hedges=hedges).kept == "points"
    few = replace(scores.answers, cluster=np.arange(3000) % (FEWEST_CLUSTERS - 1))
    assert simplest_within_noise({"logistic": nearly, "blend": p}, few, seed=0, hedges=hedges).kept == "logistic"


def test_of_few_accounts_no_difference_is_believed() -> None:
    """One account has no spread at all, so that any difference would be larger."""
    scores = made_scores(3000)
    constant, better = np.full(3000, scores.answers.outcome.mean()), np.where(scores.answers.outcome == 1, 0.9, 0.1)
    for accounts, kept in ((1, "simple"), (FEWEST_CLUSTERS - 1, "simple"), (FEWEST_CLUSTERS, "better")):
        answers = replace(scores.answers, cluster=np.arange(3000) % accounts)
        found = simplest_within_noise({"simple": constant, "better": better}, answers, seed=0)
        assert found.kept == kept
        assert found.tried["better"].value < 0


def test_of_few_conversions_the_learner_answers_for_itself() -> None:
    scores = made_scores(2000, slope=0.4, shift=-0.5)
    bought = np.cumsum(scores.answers.outcome)
    for conversions in (0, 9, 10):
        outcome = np.where(bought <= conversions, scores.answers.outcome, 0)
        found = calibrated("isotonic", replace(scores, answers=replace(scores.answers, outcome=outcome)))
        assert found.method == ("isotonic" if conversions == 10 else "identity")
    nobody = replace(scores.answers.where(bought < 0), probability=np.empty(0))
    assert calibrated("isotonic", Scores(nobody, *(np.empty(0),) * 2, np.empty(0, np.int64))) == Calibrator()


def test_calibrated_scores_are_left_alone() -> None:
    parts = [made_scores(1500, seed=seed, fold=seed) for seed in range(3)]
    assert choose_calibration(pooled(parts), seed=0).kept == "identity"


def test_bent_scores_are_mended() -> None:
    parts = [made_scores(1500, slope=0.4, shift=-0.5, seed=seed, fold=seed) for seed in range(3)]
    scores = pooled(parts)
    choice = choose_calibration(scores, seed=0)
    assert choice.kept == "platt"
    fitted = calibrated(choice.kept, scores)
    assert fitted.slopes[0] == float(np.clip(fitted.slopes[0], 0.33, 0.47))


def test_one_fold_is_halved_by_clusters() -> None:
    scores = made_scores(2000, slope=0.4, shift=-0.5)
    assert choose_calibration(scores, seed=0).kept == "platt"


def test_pooling_keeps_rows_together() -> None:
    parts = [made_scores(10, seed=seed, fold=seed) for seed in range(2)]
    together = pooled(parts)
    assert together.fold.tolist() == [0] * 10 + [1] * 10
    assert (together.raw[10:] == parts[1].raw).all()
    assert (together.answers.outcome[:10] == parts[0].answers.outcome).all()
