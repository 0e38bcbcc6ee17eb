"""A lead taken out of the tables gives the very numbers that the tables give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog import feature_set
from features.matrix import compute, compute_one
from features.table_leads import _trial_ends, live_lead
from tests.features.worlds import definition, households, stories, tables, us

FEATURES = feature_set(definition(every_family=False))
WITH_MATES = feature_set(definition(every_family=False, accounts=True))


def same(features, told, looks, *, with_mates):
    """Compare each lead, taken out of the tables and computed alone, with its row among all."""
    table, as_of = tables(told), np.array([us(look) for look in looks])
    whole = compute(features, table, np.arange(len(told)), as_of)
    for place, instant in enumerate(as_of.tolist()):
        one = compute_one(features, features.plan, live_lead(table, place, instant, with_mates=with_mates), instant)
        assert np.array_equal(one.values[0], whole.values[place], equal_nan=True)
        assert {name: labels[0] for name, labels in one.labels.items()} == {
            name: labels[place] for name, labels in whole.labels.items()
        }


@settings(max_examples=25, deadline=None)
@given(st.lists(stories(), min_size=1, max_size=4))
def test_what_is_computed_is_the_same(drawn):
    same(FEATURES, [story for story, _ in drawn], [look for _, look in drawn], with_mates=False)


@settings(max_examples=25, deadline=None)
@given(households())
def test_mates_are_there_if_features_look_at_them(drawn):
    people, looks = drawn
    same(WITH_MATES, list(people.values()), looks, with_mates=True)


@pytest.mark.parametrize(("told", "ends"), [({}, [(9, None)]), ({0: [[5, 7]]}, [(9, None), (7, 5)])])
def test_ends_of_the_trial_come_with_when_they_were_told(told, ends):
    table = tables([])
    table.leads.ids, table.leads.trial_ends_at = ["a"], np.array([9])
    table.leads.ends_told = {layer: np.array(rows) for layer, rows in told.items()}
    found = [(end, since if since > 0 else None) for end, since in _trial_ends(table, 0)]
    assert found == ends
