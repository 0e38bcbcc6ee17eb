"""Intervals that respect clusters, and comparisons that are paired."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation import Answers, compare, evaluate, macro_log_loss


def made_answers(*, leads: int, per_cluster: int = 1, looks: int = 3, seed: int = 0, signal: float = 1.0) -> Answers:
    """Return answers whose probabilities are true, with ``per_cluster`` leads that share one fate."""
    rng = np.random.default_rng(seed)
    score = np.repeat(rng.normal(-1.5, signal, leads // per_cluster), per_cluster)
    p = 1 / (1 + np.exp(-score))
    y = np.repeat(rng.random(leads // per_cluster), per_cluster) < p
    lead = np.repeat(np.arange(leads), looks)
    return Answers(lead, lead // per_cluster, np.tile(np.arange(looks), leads), y[lead].astype(np.int64), p[lead])


def test_figures_count_leads_and_not_rows() -> None:
    answers = made_answers(leads=500)
    found = evaluate(answers, seed=0)
    assert found is not None
    bought = len(np.unique(answers.lead[answers.outcome == 1]))
    assert (found.leads, found.conversions, found.converting_clusters) == (500, bought, bought)
    assert found.macro["auc"].as_dict().keys() == {"value", "low", "high", "n", "conversions"}
    assert found.macro["auc"].n == 500
    assert found.reliable
    # Every look says the same here, so the average over looks is each look's figure and the pooled one.
    assert found.macro["auc"].value == pytest.approx(found.by_look[0]["auc"].value) == pytest.approx(found.pooled["auc"].value)
    for figure in found.macro.values():
        assert figure.low <= figure.value <= figure.high


def test_colleagues_widen_the_interval() -> None:
    alone, together = (evaluate(made_answers(leads=800, per_cluster=size), seed=0) for size in (1, 8))
    assert alone is not None
    assert together is not None
    assert together.macro["auc"].error > 1.8 * alone.macro["auc"].error


def test_colleagues_with_one_fate_are_one_witness_of_a_difference() -> None:
    """Eight leads of each account where there was one say nothing new: value and error stay what they were."""
    one, eight = (made_answers(leads=300 * size, per_cluster=size, looks=1) for size in (1, 8))
    alone, together = (compare(answers, np.full(len(answers.lead), 0.2), seed=0) for answers in (one, eight))
    assert together.value == pytest.approx(alone.value)
    assert together.error == pytest.approx(alone.error)
    looks = made_answers(leads=300, looks=5)
    assert compare(looks, np.full(len(looks.lead), 0.2), seed=0).error == pytest.approx(alone.error)


def test_few_converting_clusters_are_marked() -> None:
    answers = made_answers(leads=400, per_cluster=20)
    found = evaluate(answers, seed=0)
    assert found is not None
    assert found.converting_clusters < 20
    assert not found.reliable


def test_the_interval_covers_the_truth() -> None:
    truth = evaluate(made_answers(leads=60_000, looks=1, seed=99), seed=0)
    assert truth is not None
    covered = 0
    for seed in range(40):
        found = evaluate(made_answers(leads=400, looks=1, seed=seed), seed=seed)
        assert found is not None
        covered += found.macro["auc"].low <= truth.macro["auc"].value <= found.macro["auc"].high
    assert 34 <= covered <= 40


def test_an_age_without_conversions_is_left_out_of_the_average() -> None:
    answers = made_answers(leads=300, looks=2)
    silent = np.where(answers.look == 1, 0, answers.outcome)
    found = evaluate(Answers(answers.lead, answers.cluster, answers.look, silent, answers.probability), seed=0)
    assert found is not None
    assert list(found.by_look) == [0]
    assert found.as_dict((3.0, 7.0))["by_age"].keys() == {"3"}


def test_one_outcome_is_no_evaluation() -> None:
    answers = made_answers(leads=50)
    assert evaluate(answers.where(answers.outcome == 0), seed=0) is None
    assert evaluate(answers.where(answers.outcome > 1), seed=0) is None


def test_same_seed_same_interval() -> None:
    answers = made_answers(leads=200)
    assert evaluate(answers, seed=5) == evaluate(answers, seed=5)
    assert evaluate(answers, seed=5) != evaluate(answers, seed=6)


def test_the_better_answers_have_the_lower_log_loss() -> None:
    answers = made_answers(leads=2000)
    constant = np.full(len(answers.lead), answers.outcome.mean())
    found = compare(answers, constant, seed=0)
    assert found.high < 0
    assert found.value == pytest.approx(macro_log_loss(answers) - macro_log_loss(answers.instead(constant)))
    back = compare(answers.instead(constant), answers.probability, seed=0)
    assert (back.value, back.low, back.high) == pytest.approx((-found.value, -found.high, -found.low))


def test_equal_answers_do_not_differ() -> None:
    answers = made_answers(leads=100)
    found = compare(answers, answers.probability.copy(), seed=0)
    assert (found.value, found.low, found.high, found.error) == (0, 0, 0, 0)
