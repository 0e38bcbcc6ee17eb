"""Three words, and when each is said."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.test_evaluation import made_answers
from training.evaluation import Answers, Difference, Evaluation, compare, evaluate
from training.verdict import NONE, PUBLISH, WEAK, judge


def judged(answers: Answers) -> tuple[Evaluation, Difference]:
    found = evaluate(answers, seed=0)
    assert found is not None
    return found, compare(answers, np.full(len(answers.lead), answers.outcome.mean()), seed=0)


@pytest.fixture(scope="module")
def good() -> tuple[Evaluation, Difference]:
    return judged(made_answers(leads=1500))


def test_a_good_model_is_published_with_its_numbers(good: tuple[Evaluation, Difference]) -> None:
    found = judge(*good, learner="logistic", time_forward=True)
    assert found.word == PUBLISH
    assert f"AUC {good[0].macro['auc'].value:.3f}" in found.sentence
    assert "1,500 leads" in found.sentence


def test_random_folds_are_weak_at_most(good: tuple[Evaluation, Difference]) -> None:
    assert judge(*good, learner="trees", time_forward=False).word == WEAK


def test_few_converting_clusters_are_weak_at_most() -> None:
    found, gain = judged(made_answers(leads=60, signal=3.0))
    assert found.converting_clusters < 20
    assert judge(found, gain, learner="trees", time_forward=True).word == WEAK


def test_no_signal() -> None:
    answers = made_answers(leads=1500)
    rng = np.random.default_rng(3)
    shuffled = answers.instead(rng.permutation(answers.probability))
    assert judge(*judged(shuffled), learner="trees", time_forward=True).word == NONE


def test_ranking_well_but_promising_worse_than_the_base_rate_is_no_signal() -> None:
    answers = made_answers(leads=1500)
    boasting = answers.instead(answers.probability**0.1)
    found = judge(*judged(boasting), learner="trees", time_forward=True)
    assert found.word == NONE


def test_the_base_rate_is_no_signal(good: tuple[Evaluation, Difference]) -> None:
    assert judge(*good, learner="base_rate", time_forward=True).word == NONE


def test_one_outcome_only_is_no_signal() -> None:
    assert judge(None, None, learner="trees", time_forward=True).word == NONE


def test_noise_is_published_about_as_rarely_as_promised() -> None:
    """Probabilities that have nothing to do with the outcome: 1 % should rank well by luck, and log-loss stops most of those."""
    published = 0
    for seed in range(60):
        answers = made_answers(leads=300, looks=1, seed=seed, signal=0.05)
        noise = np.clip(answers.outcome.mean() + np.random.default_rng(1000 + seed).normal(0, 0.01, 300), 0.01, 0.99)
        published += judge(*judged(answers.instead(noise)), learner="trees", time_forward=True).word == PUBLISH
    assert published <= 3
