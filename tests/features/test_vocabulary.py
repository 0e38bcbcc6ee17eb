from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np

from features.vocabulary import MOST_NAMES, learn_vocabulary
from features.workspace import parse_workspace
from tests.features.oracle import Happened, Story
from tests.features.worlds import NASTY, tables, us

START = NASTY[0]
WS = parse_workspace(
    """
name: acme
data: {events: {source: e.csv, lead: l, name: n, at: t, properties: [score]}}
behaviours:
  core_use: {events: ["feature.*"]}
  positive_feedback: {events: [{event: nps, where: {score: {ge: 9}}}]}
features: {mine: {names_unused: [feature.a, nps], behaviour: core_use}}
attributes: {country: category, size: number}
""",
    Path(),
)


def told(names, late=timedelta(0), score=None):
    return Story(START, [Happened(name, START, START + late, 1, {"score": score}) for name in names])


def learn(stories, cut=None, **attributes):
    table = tables(stories)
    for name, values in attributes.items():
        table.leads.attributes[name] = np.array(values, dtype=object)
    return table, learn_vocabulary(WS, table, cut)


def test_a_name_is_usual_from_twenty_leads_up_however_often_they_use_it():
    _, (names, _) = learn([told(["feature_a", "feature_a"])] * 20 + [told(["feature_b"] * 5)] * 19)
    assert names["core_use"] == names["any"] == names["mine"] == ("feature_a",)
    assert names["positive_feedback"] == ()


def test_among_many_leads_it_takes_two_percent():
    _, (names, _) = learn([told(["feature_a"])] * 2000 + [told(["feature_b"])] * 41 + [told(["feature_c"])] * 40)
    assert names["core_use"] == ("feature_a",)
    _, (names, _) = learn([told(["feature_a"])] * 2000 + [told(["feature_b"])] * 42 + [told(["feature_c"])] * 40)
    assert names["core_use"] == ("feature_a", "feature_b")


def test_conditions_count_for_the_name_and_a_lead_once():
    stories = [Story(START, told(["nps"], score=10).events + told(["nps"], score=2).events)] * 20
    _, (names, _) = learn(stories)
    assert names["positive_feedback"] == names["any"] == ("nps",)
    _, (names, _) = learn([told(["nps"], score=2)] * 30)
    assert names["positive_feedback"] == ()


def test_nothing_known_later_and_no_test_account_counts():
    stories = [told(["feature_a"])] * 20 + [told(["feature_b"], late=timedelta(hours=1))] * 20
    table, (names, _) = learn(stories, cut=us(START))
    assert names["core_use"] == ("feature_a",)
    _, (names, _) = learn(stories, cut=us(START) - 1)
    assert names["core_use"] == ()
    table.leads.ignored[:] = True
    assert learn_vocabulary(WS, table)[0]["core_use"] == ()


def test_leads_that_start_later_teach_nothing_yet():
    table, _ = learn([told(["feature_a"])] * 40, country=["TR"] * 20 + ["DE"] * 20)
    table.leads.started_at[20:] += 1
    names, categories = learn_vocabulary(WS, table, us(START))
    assert categories == {"country": ("TR",)}
    table.leads.started_at[19:] += 1
    names, categories = learn_vocabulary(WS, table, us(START))
    assert (names["core_use"], categories) == ((), {"country": ()})
    assert learn_vocabulary(WS, table, us(START) + 2)[1] == {"country": ("DE", "TR")}


def test_values_of_categories_are_known_from_twenty_leads_up():
    stories = [told([])] * 60
    _, (_, categories) = learn(stories, country=["TR"] * 20 + ["DE"] * 21 + ["XX"] * 18 + [None])
    assert categories == {"country": ("DE", "TR")}


def test_among_too_many_the_most_used_stay():
    few = [told([f"feature_{number:03d}" for number in range(MOST_NAMES + 5)])] * 20
    _, (names, _) = learn([*few, told(["feature_204"])])
    assert len(names["core_use"]) == MOST_NAMES
    assert "feature_204" in names["core_use"]
    assert "feature_203" not in names["core_use"]


def test_no_events_at_all():
    _, (names, _) = learn([told([])] * 3)
    assert set(names.values()) == {()}


def test_an_undated_table_has_no_names():
    ws = parse_workspace("name: x\ndata: {leads: {source: l.csv, id: id, converted: p}}\nattributes: {country: category}", Path())
    table = tables([told([])] * 20)
    table.leads.attributes["country"] = np.array(["TR"] * 20, dtype=object)
    assert learn_vocabulary(ws, table) == ({}, {"country": ("TR",)})
