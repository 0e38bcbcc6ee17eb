"""The threshold of a product-qualified lead: by hand, by money, by capacity, else the model's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from features.workspace import Workspace
from models.reference import STEPS
from models.scorer import Scorer
from models.thresholds import threshold_of

LEARNT = {"contacts_per_week": 50.0, "leads_per_week": 200.0, "best_scores": [i / STEPS for i in range(STEPS + 1)]}


def workspace(**sections: Any) -> Workspace:
    return Workspace.model_validate({"name": "a", "data": {"events": {"source": "e.csv"}}, **sections})


def with_facts(scorer: Scorer, **facts: Any) -> Scorer:
    return replace(scorer, meta=replace(scorer.meta, facts=facts))


def enter(ws: Workspace, scorer: Scorer) -> tuple[float, str]:
    found = threshold_of(ws, scorer)
    return found.enter, found.by


def test_a_probability_by_hand_comes_first(scorer: Scorer) -> None:
    ws = workspace(stages={"pql_probability": 0.2}, capacity={"contact_cost": 20, "conversion_value": 600})
    assert enter(ws, with_facts(scorer, capacity=LEARNT)) == (0.2, "stages.pql_probability")


def test_money_needs_no_training(scorer: Scorer) -> None:
    found, by = enter(workspace(capacity={"contact_cost": 20, "conversion_value": 600}), scorer)
    assert found == pytest.approx(1 / 30)
    assert by == "capacity.contact_cost / capacity.conversion_value"


def test_the_capacity_of_the_training_is_the_frozen_threshold(scorer: Scorer) -> None:
    by_contacts = "capacity.contacts_per_week"
    assert enter(workspace(), with_facts(scorer, capacity=LEARNT)) == (scorer.reference.pql_threshold, by_contacts)


@pytest.mark.parametrize(("contacts", "threshold"), [(10, 0.95), (20, 0.9), (40, 0.8), (500, 0.7)])
def test_another_capacity_sets_it_anew(contacts: int, threshold: float, scorer: Scorer) -> None:
    ws = workspace(capacity={"contacts_per_week": contacts})
    assert enter(ws, with_facts(scorer, capacity=LEARNT)) == (pytest.approx(threshold), "capacity.contacts_per_week")


@pytest.mark.parametrize(
    "learnt", [None, {}, {"contacts_per_week": 1.0}, {**LEARNT, "contacts_per_week": 1, "best_scores": [1.0]}, "x"]
)
def test_an_older_model_keeps_its_own(learnt: Any, scorer: Scorer) -> None:
    known = with_facts(scorer, **({} if learnt is None else {"capacity": learnt}))
    assert enter(workspace(), known) == (scorer.reference.pql_threshold, "model")


def test_hysteresis_is_a_share_of_the_threshold(scorer: Scorer) -> None:
    found = threshold_of(workspace(stages={"pql_probability": 0.2, "hysteresis": 0.25}), scorer)
    assert (found.enter, found.leave) == (0.2, pytest.approx(0.15))
    assert threshold_of(workspace(stages={"hysteresis": 0.0}), scorer).leave == scorer.reference.pql_threshold
