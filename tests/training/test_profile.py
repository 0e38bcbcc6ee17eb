"""Who converts: what was planted in an attribute is found, what was not is not, and both parts add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.matrix import compute
from models.fit import conditions_met
from tests.training.judged_world import judged_world
from training.profile import _can_ask, profile_of, words_of


def test_every_lead_stands_once_in_each_attribute() -> None:
    world = judged_world()
    found = world.explained.profile
    assert found is not None
    leads = len(np.unique(world.data.exam.rows.lead))
    for name in ("country", "size"):
        assert sum(one.rate.n for one in found.traits if one.attribute == name) == leads
    assert found.rate.n == leads
    assert found.declared is None
    paid = {one.value: one.rate.conversions for one in found.traits if one.attribute == "country"}
    assert sum(paid.values()) == found.rate.conversions


def test_the_country_that_pays_is_named_and_the_size_that_tells_nothing_is_not() -> None:
    """The small world plants Turkey as the country whose leads pay more often."""
    found = judged_world().explained.profile
    assert found is not None
    words = {(one.attribute, one.value): one.word for one in found.traits}
    assert words["country", "tr"] == "more"
    assert {word for (name, _), word in words.items() if name == "size"} == {""}
    assert any("Convert more" in line and "country tr" in line for line in found.lines)
    fits = {one.value: one.fit for one in found.traits if one.attribute == "country"}
    assert fits["tr"] is not None
    assert fits["de"] is not None
    assert fits["tr"].value > fits["de"].value


def test_behaviour_and_fit_are_the_whole_explanation() -> None:
    world = judged_world()
    explained = world.scorer.explain(world.data.exam.x[:50])
    attributes = [i for i, one in enumerate(explained.players) if one in world.data.definition.attributes]
    others = [i for i in range(len(explained.players)) if i not in attributes]
    whole = explained.points[:, attributes].sum(axis=1) + explained.points[:, others].sum(axis=1)
    assert np.abs(explained.base + whole - explained.probability).max() < 1e-9
    found = world.explained.profile
    assert found is not None
    assert found.behaviour.value > found.fit.value > 0  # as it was planted


def test_the_declared_customer_is_compared_with_the_others() -> None:
    world = judged_world()
    ws = world.ws.model_copy(update={"ideal_customer": {"country": {"in": ("tr",)}}})
    found = profile_of(ws, world.data, world.scorer, seed=0)
    assert found is not None
    assert found.declared is not None
    plain = next(one for one in found.traits if (one.attribute, one.value) == ("country", "tr"))
    assert (found.declared.rate, found.declared.above) == (plain.rate, plain.above)
    assert found.lines[0].startswith("The declared ideal customer (country tr): ")
    assert "they convert more than the others" in found.lines[0]
    nobody = ws.model_copy(update={"ideal_customer": {"country": {"eq": "xx"}}})
    none = profile_of(nobody, world.data, world.scorer, seed=0)
    assert none is not None
    assert "0 leads, too few payers to compare" in none.lines[0]
    few = replace(found, traits=[])
    assert "No attribute is shown" in few.lines[-1]


def test_conditions_are_those_of_the_workspace() -> None:
    world = judged_world()
    rows = world.data.exam.rows.take(np.arange(40))
    matrix = compute(world.scorer.feature_set, world.data.tables, rows.lead, rows.as_of)
    for place in range(40):
        row = matrix.row(place)
        met = conditions_met(row, {"country": {"eq": "tr"}, "size": {"ge": 100, "lt": 300}})
        size = row["size"]
        assert met == {"country": row["country"] == "tr", "size": isinstance(size, float) and 100 <= size < 300}


def test_words() -> None:
    assert words_of({"plan": {"eq": "pro"}, "size": {"ge": 5, "lt": 9}}) == "plan pro, size at least 5, size less than 9"
    nobody = np.zeros(60, dtype=bool)
    assert not _can_ask(np.ones(60, dtype=np.int64), np.arange(60), nobody)
    assert _can_ask(np.ones(60, dtype=np.int64), np.arange(60), np.arange(60) < 30)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_profile(seed: int) -> None:
    world = judged_world()
    assert profile_of(world.ws, world.data, world.scorer, seed=seed) == profile_of(world.ws, world.data, world.scorer, seed=seed)
