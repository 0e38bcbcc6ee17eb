"""The lift curve and what a capacity brings."""

from __future__ import annotations

import numpy as np
import pytest

from features.workspaces.settings import CapacitySpec
from tests.training.judged_world import judged_world
from tests.training.test_evaluation import made_answers
from training.evaluation import evaluate
from training.gains import SHARES, Contacts, gains, weekly_contacts


def test_the_curve_passes_through_the_lift() -> None:
    answers = made_answers(leads=1_000)
    found, known = gains(answers, Contacts(0.1, 20.0, 200.0, "here"), seed=0), evaluate(answers, seed=0)
    assert found is not None
    assert known is not None
    tenth = found.captured[SHARES.tolist().index(0.1)]
    assert tenth.value / 0.1 == pytest.approx(known.macro["lift_10"].value)
    values = [one.value for one in found.captured]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0.0, 1.0)
    weekly = found.conversions_a_week
    assert weekly is not None
    assert weekly.value == pytest.approx(20.0 * tenth.value / 0.1 * found.at_random)
    assert weekly.low < weekly.value < weekly.high
    assert "20 contacts a week" in found.sentence


def test_contacting_everybody_brings_the_base_rate() -> None:
    found = gains(made_answers(leads=500), Contacts(1.0, 200.0, 200.0, "here"), seed=0)
    assert found is not None
    assert found.rate.value == pytest.approx(found.at_random)


def test_one_outcome_has_no_curve() -> None:
    answers = made_answers(leads=50)
    assert gains(answers.where(answers.outcome == 0), Contacts(0.1, None, None, ""), seed=0) is None


def test_capacity_by_number_and_by_money() -> None:
    world = judged_world()
    answers = world.fitted.rehearsed
    by_number = weekly_contacts(world.ws, world.data, answers)
    assert by_number.leads_a_week is not None
    assert by_number.a_week == min(50.0, by_number.leads_a_week)
    money = world.ws.model_copy(update={"capacity": CapacitySpec(contact_cost=20.0, conversion_value=100.0)})
    by_money = weekly_contacts(money, world.data, answers)
    assert by_money.share == pytest.approx(float(np.mean(answers.probability >= 0.2)))
    few = world.ws.model_copy(update={"capacity": CapacitySpec(contacts_per_week=1.0)})
    assert weekly_contacts(few, world.data, answers).a_week == 1.0
