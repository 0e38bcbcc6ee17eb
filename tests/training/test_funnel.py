"""The funnel of a small product."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.training.judged_world import judged_world
from training.funnel import funnel


def test_every_lead_of_the_look_stands_in_one_stage() -> None:
    world = judged_world()
    found = world.explained.funnel
    assert found is not None
    assert found.age_days == 7.0
    assert [stage.name for stage in found.stages] == ["PQL", "Others"]
    answers = world.fitted.rehearsed
    assert sum(stage.leads for stage in found.stages) == int((answers.look == 2).sum())
    assert sum(stage.rate.conversions for stage in found.stages) == int(answers.outcome[answers.look == 2].sum())
    assert found.as_dict()["stages"][0]["stage"] == "PQL"


def test_pqls_close_better_and_days_are_within_the_horizon() -> None:
    found = judged_world().explained.funnel
    assert found is not None
    pql, others = found.stages
    assert others.behind is not None
    assert others.behind.value == pytest.approx(pql.rate.value - others.rate.value)
    assert others.behind.low > 0
    assert "PQLs close better" in found.sentence
    assert pql.days_to_pay is not None
    assert 7 < pql.days_to_pay.low <= pql.days_to_pay.value <= pql.days_to_pay.high < 21


def test_nobody_qualified_is_said() -> None:
    world = judged_world()
    none = world.ws.model_copy(update={"stages": world.ws.stages.model_copy(update={"pql_probability": 0.999999})})
    found = funnel(none, world.data, world.fitted.rehearsed, world.scorer, seed=0)
    assert found is not None
    assert [stage.name for stage in found.stages] == ["Others"]
    assert "No lead was product-qualified" in found.sentence
    assert found.stages[0].behind is None


def test_few_leads_are_not_compared() -> None:
    found = judged_world().explained.funnel
    assert found is not None
    few = replace(found, stages=[replace(found.stages[0], leads=3), found.stages[1]])
    assert "too few to compare" in few.sentence
