from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from features.catalog import feature_set
from features.clock import DAY_US, NEVER
from features.history import EventRow, build_history
from features.matrix import LiveLead, compute, compute_one
from tests.features.oracle import Happened, Story
from tests.features.worlds import NASTY, definition, live, tables, us

START = NASTY[0]
FEATURES = feature_set(definition(every_family=False))


def story():
    events = [Happened("login", START + timedelta(hours=hour), START + timedelta(hours=hour)) for hour in (1, 2, 30)]
    return Story(START, events, traits=frozenset({"name", "company"}))


def with_attributes(table, country, size):
    table.leads.attributes["country"] = np.array(country, dtype=object)
    table.leads.attributes["company_size"] = np.array(size)
    return table


def test_categories_are_codes_with_missing_and_unknown_kept_apart():
    table = with_attributes(tables([story()] * 4), ["TR", None, "XX", "DE"], [5.0, np.nan, -2.5, 0.0])
    matrix = compute(FEATURES, table, np.arange(4), np.full(4, us(START) + DAY_US))
    assert np.array_equal(matrix.column("country"), [2.0, np.nan, 0.0, 1.0], equal_nan=True)
    assert np.array_equal(matrix.column("company_size"), [5.0, np.nan, -2.5, 0.0], equal_nan=True)
    assert matrix.row(2)["country"] == "XX"
    assert matrix.row(1)["country"] is None
    assert matrix.row(1)["company_size"] is None


def test_live_attributes_count_from_when_they_were_known():
    began = us(START)
    lead = replace(live(story()), attributes={"country": ("TR", began + 5), "company_size": ("12", began), "name": ("", began)})
    before, after = (compute_one(FEATURES, FEATURES.plan, lead, began + late) for late in (4, 5))
    assert before.row(0)["country"] is None
    assert after.row(0)["country"] == "TR"
    assert after.row(0)["company_size"] == 12.0
    assert after.row(0)["profile_filled"] == 0.0  # an empty name is no name


@pytest.mark.parametrize("value", ["many", None, float("nan")])
def test_a_live_number_that_is_none_is_missing(value):
    lead = replace(live(story()), attributes={"company_size": (value, 0), "country": (None, 0)})
    assert compute_one(FEATURES, FEATURES.plan, lead, us(START)).row(0)["company_size"] is None


def test_profile_counts_traits_and_attributes():
    table = tables([story()])
    assert compute(FEATURES, table, np.zeros(1), np.array([us(START)])).row(0)["profile_filled"] == 2 / 3
    del table.leads.traits["company"]
    table.leads.attributes["company"] = np.array(["Acme"], dtype=object)
    table.leads.attributes["photo"] = np.array([np.nan])
    del table.leads.traits["photo"]
    assert compute(FEATURES, table, np.zeros(1), np.array([us(START)])).row(0)["profile_filled"] == 2 / 3


def test_a_trait_that_no_column_has_is_not_filled():
    table = tables([story()])
    table.leads.traits.clear()
    assert compute(FEATURES, table, np.zeros(1), np.array([us(START)])).row(0)["profile_filled"] == 0.0


def test_the_last_end_of_the_trial_that_is_known_counts():
    began = us(START)
    lead = replace(live(story()), trial_ends=[(began + 20 * DAY_US, began + DAY_US), (began + 10 * DAY_US, began)])
    early, late = (compute_one(FEATURES, FEATURES.plan, lead, began + age).row(0)["trial_left_d"] for age in (0, DAY_US))
    assert (early, late) == (10.0, 19.0)


def test_without_an_end_the_length_of_the_trial_counts_and_freemium_has_none():
    lead = live(story())
    assert compute_one(FEATURES, FEATURES.plan, lead, us(START)).row(0)["trial_left_d"] == 14.0
    freemium = feature_set(definition(every_family=False, trial="none"))
    assert compute_one(freemium, freemium.plan, lead, us(START)).row(0)["trial_age_d"] == 0.0


def test_features_as_of_is_when_the_newest_event_became_known():
    told = story()
    told.events.append(Happened("login", START, START + timedelta(hours=5)))
    lead, began = live(told), us(START)
    hour = DAY_US // 24
    assert compute_one(FEATURES, FEATURES.plan, lead, began).features_as_of[0] == began
    assert compute_one(FEATURES, FEATURES.plan, lead, began + 4 * hour).features_as_of[0] == began + 2 * hour
    assert compute_one(FEATURES, FEATURES.plan, lead, began + 5 * hour).features_as_of[0] == began + 5 * hour


def test_one_history_serves_many_matrices():
    table = tables([story(), story()])
    history = build_history(FEATURES.plan, table.events, 2)
    looks = np.array([us(START) + DAY_US] * 2)
    a, b = compute(FEATURES, table, np.arange(2), looks, history=history), compute(FEATURES, table, np.arange(2), looks)
    assert np.array_equal(a.values, b.values, equal_nan=True)
    assert len(a) == 2


def test_the_frame_has_lead_as_of_and_features_in_order():
    table = with_attributes(tables([story()] * 2), ["TR", None], [1.0, 2.0])
    frame = compute(FEATURES, table, np.array([1, 0]), np.array([us(START), us(START) + 1])).frame(table.leads.ids)
    assert tuple(frame.columns) == ("lead_id", "as_of", *FEATURES.names)
    assert frame["lead_id"].tolist() == ["lead1", "lead0"]
    assert frame["as_of"].tolist() == ["2006-10-29T02:31:00.000000Z", "2006-10-29T02:31:00.000001Z"]
    assert frame["country"].tolist() == [None, "TR"]


def test_an_undated_table_is_its_attributes_without_a_time():
    undated = definition(every_family=False).model_copy(update={"undated": True})
    features = feature_set(undated)
    table = with_attributes(tables([story()]), ["DE"], [3.0])
    frame = compute(features, table, np.zeros(1), np.array([NEVER])).frame(["x"])
    assert frame.to_dict("records") == [{"lead_id": "x", "as_of": None, "company_size": 3.0, "country": "DE"}]
    one = compute_one(features, features.plan, LiveLead("x", 0, [], {"country": ("DE", 0)}, []), 0)
    assert one.row(0) == {"company_size": None, "country": "DE"}


def test_adding_a_feature_changes_no_other_column_by_a_bit():
    more = feature_set(definition())
    table = tables([story()])
    looks = np.array([us(START) + 3 * DAY_US])
    a, b = compute(FEATURES, table, np.zeros(1), looks), compute(more, table, np.zeros(1), looks)
    for name in FEATURES.names:
        if FEATURES[name].kind == "number":
            assert np.array_equal(a.column(name), b.column(name), equal_nan=True)


def test_enormous_histories_stay_within_their_bounds():
    began = us(START)
    rows = [EventRow("addon_bought", began + i, began + i, 10**18, {"money": 9e9, "secs": 1e8}) for i in range(2000)]
    row = compute_one(FEATURES, FEATURES.plan, LiveLead("x", began, [], {}, rows), began + DAY_US).row(0)
    assert row["add_on_count_all"] == 1e9
    assert row["add_on_amount_sum_all"] == 1e9
    assert row["add_on_amount_mean_all"] == 1e9
