"""The next step: missing steps choose the plays, the model ranks them, money decides where it is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from features.clock import DAY_US
from features.feature import FeatureSet
from features.history import EventRow
from features.matrix import FeatureMatrix, LiveLead, compute_one
from features.workspaces.selling import PlaySpec
from features.workspaces.settings import CapacitySpec
from models.hold_out import is_held_out
from models.next_step import Candidate, Step, candidates, missing_step, ranked, told
from models.phrasing import Phrasing
from models.playbook import Play
from models.scorer import Scorer
from models.what_if import Hypothesis, imagine, what_if

NOW = 9 * DAY_US
BY_NUMBER = CapacitySpec(contacts_per_week=50.0)


def lead(**days: float) -> LiveLead:
    """A lead that did each of some events so many days ago."""
    at = {name: NOW - round(ago * DAY_US) for name, ago in days.items()}
    return LiveLead("a", 0, [], {}, sorted((EventRow(name, t, t, 1, {}) for name, t in at.items()), key=lambda row: row.at))


def matrix(features: FeatureSet, *leads: LiveLead) -> FeatureMatrix:
    rows = [compute_one(features, features.plan, one, NOW) for one in leads]
    return replace(rows[0], values=np.vstack([row.values for row in rows])) if len(rows) > 1 else rows[0]


def play(name: str, *moves: str, **more: object) -> Play:
    return Play(name, PlaySpec.model_validate({"moves": moves, **more}))


def test_a_step_is_missing_that_was_never_taken_or_not_for_a_week(features: FeatureSet) -> None:
    looked = matrix(features, lead(login=8, feature_a=6))
    found = {name: missing_step(looked, name) for name in ("session", "core_use", "sales", "community")}
    assert {name: one and one.name for name, one in found.items()} == {
        "session": "session_recency_h", "core_use": None, "sales": "sales_count_all", "community": None,
    }  # fmt: skip


def test_only_plays_that_suit_and_answer_a_missing_step(features: FeatureSet) -> None:
    one = lead(login=1, feature_a=1)
    plays = [play("call", "sales"), play("late", "sales", stages=("sql",)), play("use", "core_use"), play("chat", "community"),
             play("both", "core_use", "sales"), play("big", "sales", suits={"size": {"ge": 9}})]  # fmt: skip
    found = candidates(plays, one, matrix(features, one), "pql", {"size": 9}, NOW)
    assert [(each.play.name, [feature.player for feature in each.missing]) for each in found] == [
        ("call", ["sales"]), ("both", ["sales"]), ("big", ["sales"]),
    ]  # fmt: skip
    assert [event.name for event in found[0].hypothesis.events] == ["demo"]
    assert candidates(plays, one, matrix(features, one), "lead", {}, NOW)[0].play.name == "call"


def steps(features: FeatureSet, scorer: Scorer, capacity: CapacitySpec) -> list[Step]:
    one = lead(login=1)
    plays = [play("call", "sales"), play("use", "core_use", cost=10.0), play("news", "core_use", reach="all", times=3)]
    found = candidates(plays, one, matrix(features, one), "lead", {}, NOW)
    now = matrix(features, one)
    probability = float(scorer.probability(scorer.select(now.features.names, now.values))[0])
    return ranked(scorer, found, now, imagined(features, one, found), probability, capacity)


def imagined(features: FeatureSet, one: LiveLead, found: list[Candidate]) -> NDArray[np.float64]:
    return matrix(features, *(imagine(one, NOW, each.hypothesis) for each in found)).values


def test_the_best_comes_first_by_the_models_own_probabilities(features: FeatureSet, scorer: Scorer) -> None:
    found = steps(features, scorer, BY_NUMBER)
    assert [step.value for step in found] == [None] * 3
    differences = [step.difference for step in found]
    assert differences == sorted(differences, reverse=True)
    now = matrix(features, lead(login=1))
    own = scorer.probability(scorer.select(features.names, now.values))[0]
    assert all(abs(own + step.activity + step.difference - step.probability) < 1e-9 for step in found)
    by_name = {step.candidate.play.name: step for step in found}
    use = by_name["use"]
    row = imagined(features, lead(login=1), [use.candidate])
    assert use.probability == scorer.probability(scorer.select(features.names, row))[0]
    assert by_name["news"].difference > use.difference > 0  # the invented model likes use of the product
    assert ranked(scorer, [], now, row, 0.1, BY_NUMBER) == []


@pytest.mark.parametrize("kind", ["trees", "blend", "logistic"])
def test_a_play_is_worth_what_its_own_behaviours_move(features: FeatureSet, scorers: dict[str, Scorer], kind: str) -> None:
    """A model that looks at activity and at one behaviour gives a play of another behaviour exactly nothing."""
    one, activity = lead(login=8, demo=8), ("any_recency_h", "any_count_7d", "any_active_days_7d")
    blind = without_columns(scorers[kind], [name for name in features.names if name.startswith("sales_")])
    found = candidates([play("call", "sales"), play("use", "core_use")], one, matrix(features, one), "lead", {}, NOW)
    rows, now = imagined(features, one, found), matrix(features, one)
    assert all(not np.array_equal(rows[:, features.index(name)], now.values[[0, 0], features.index(name)]) for name in activity)
    steps = {step.candidate.play.name: step for step in ranked(blind, found, now, rows, 0.0, BY_NUMBER)}
    assert steps["call"].difference == 0.0
    assert not steps["call"].is_gain
    assert steps["use"].difference != 0.0
    assert steps["call"].activity != 0.0


def test_a_play_is_told_as_the_what_if_of_its_events_tells_it(features: FeatureSet, scorer: Scorer) -> None:
    one = lead(login=8)
    (found,) = candidates([play("use", "core_use")], one, matrix(features, one), "lead", {}, NOW)
    now = matrix(features, one)
    own = float(scorer.probability(scorer.select(features.names, now.values))[0])
    (step,) = ranked(scorer, [found], now, imagined(features, one, [found]), own, BY_NUMBER)
    told = what_if(scorer, features.plan, one, NOW, found.hypothesis)
    assert abs(told.step.sums(0)[0] - step.difference) < 1e-9
    assert abs(told.activity.sums(0)[0] - step.activity) < 1e-9


def without_columns(scorer: Scorer, names: list[str]) -> Scorer:
    """Return a scorer to which some columns are always the least that training saw: it cannot tell what they are."""
    columns = tuple(replace(column, lower=column.lower, upper=column.lower) if column.name in names else column
                    for column in scorer.columns)  # fmt: skip
    return replace(scorer, columns=columns)


def test_money_takes_the_cost_off(features: FeatureSet, scorer: Scorer) -> None:
    found = {
        step.candidate.play.name: step for step in steps(features, scorer, CapacitySpec(contact_cost=5.0, conversion_value=100.0))
    }
    assert found["use"].cost == 15.0
    assert found["news"].cost == 0.0
    assert found["use"].value == pytest.approx(found["use"].difference * 100 - 15)


@pytest.mark.parametrize(
    ("difference", "value", "gain"),
    [(0.1, None, True), (0.0, None, False), (-0.1, None, False), (0.1, -1.0, False), (0.1, 1.0, True)],
)
def test_what_costs_more_than_it_brings_is_no_gain(difference: float, value: float | None, gain: bool) -> None:
    nobody = Candidate(play("x"), (), Hypothesis())
    assert Step(nobody, 0.5, 0.0, difference, 0.0, value).is_gain is gain


def test_the_missing_steps_are_told_in_words(features: FeatureSet, scorer: Scorer) -> None:
    one = lead(login=9)
    looked = matrix(features, one)
    (found,) = candidates([play("back", "session", "sales")], one, looked, "lead", {}, NOW)
    said = told(Step(found, 0.2, 0.0, 0.1, 0.0, None), looked, Phrasing("en"), scorer, 9.0)
    assert [record["player"] for record in said] == ["session", "sales"]
    assert "9 days ago" in str(said[0]["text"])
    assert "sales" in str(said[1]["text"])
    assert all(record["typical"] for record in said)


def test_a_share_is_held_out_and_always_the_same_one() -> None:
    pairs = [(f"lead-{i}", name) for i in range(2000) for name in ("demo", "call")]
    held = [is_held_out(0.2, "acme", *pair) for pair in pairs]
    assert held == [is_held_out(0.2, "acme", *pair) for pair in pairs]
    assert 0.18 < sum(held) / len(held) < 0.22
    assert sum(held) != sum(is_held_out(0.2, "other", *pair) for pair in pairs)
    larger = [is_held_out(0.4, "acme", *pair) for pair in pairs]
    assert all(after for before, after in zip(held, larger, strict=True) if before)
    both = sum(a and b for a, b in zip(held[::2], held[1::2], strict=True)) / 2000
    assert 0.02 < both < 0.06  # of one lead each play has a lot of its own
