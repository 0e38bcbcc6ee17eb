"""Slices: a bad one is named, and where all are alike none is, however many are asked."""

from __future__ import annotations

import numpy as np

from tests.training.judged_world import judged_world
from tests.training.test_evaluation import made_answers
from training.calibration_check import Part
from training.evaluation import Answers
from training.slices import parts_of, slice_up
from training.verbs import new_accounts


def sixths(answers: Answers, seed: int = 0) -> list[Part]:
    kind = np.random.default_rng(seed).integers(0, 6, answers.lead.max() + 1)[answers.lead]
    return [Part("kind", str(number), kind == number) for number in range(6)]


def test_promises_that_do_not_hold_are_named() -> None:
    answers = made_answers(leads=6_000, looks=2)
    parts = sixths(answers)
    wrong = np.where(parts[2].keep, answers.probability * 0.4, answers.probability)
    found = slice_up(answers.instead(wrong), parts)
    assert found.worst is not None
    assert found.worst.name == "2"
    assert "kind 2" in found.sentence
    assert found.as_dict()["worst"] == {"group": "kind", "name": "2"}


def test_a_slice_that_is_ranked_at_random_is_named() -> None:
    answers = made_answers(leads=6_000, looks=1)
    parts = sixths(answers)
    inside = np.flatnonzero(parts[4].keep)
    shuffled = answers.probability.copy()
    shuffled[inside] = np.random.default_rng(0).permutation(shuffled[inside])
    found = slice_up(answers.instead(shuffled), parts)
    assert found.worst is not None
    assert found.worst.name == "4"
    assert "AUC" in found.sentence


def test_few_are_named_where_there_is_nothing_to_name() -> None:
    named = 0
    for seed in range(60):
        answers = made_answers(leads=1_500, looks=1, seed=seed)
        named += slice_up(answers, sixths(answers, seed)).worst is not None
    assert named <= 8  # 5 % would be 3


def test_small_slices_are_listed_or_left_out_but_not_judged() -> None:
    answers = made_answers(leads=600, looks=1)
    few, some = answers.lead < 20, (answers.lead >= 20) & (answers.lead < 80)
    found = slice_up(
        answers.instead(np.where(few | some, 0.99, answers.probability)), [Part("a", "few", few), Part("a", "some", some)]
    )
    assert [one.name for one in found.all] == ["some"]
    assert found.questions == 0
    assert found.worst is None


def test_the_slices_of_a_training() -> None:
    world = judged_world()
    parts = parts_of(world.data, world.fitted.rehearsed, new_accounts(world.data))
    groups = {part.group for part in parts}
    assert {"age", "start", "country", "size"} <= groups
    for group in ("age", "start", "country", "size"):
        kept = np.sum([part.keep for part in parts if part.group == group], axis=0)
        assert kept.max() == 1
    assert {part.name for part in parts if part.group == "country"} == {"de", "tr", "us"}
