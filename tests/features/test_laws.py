from __future__ import annotations

from dataclasses import replace

import pytest

from features.catalog import feature_set
from features.errors import StoppedError
from features.feature import ONE, FeatureSet
from features.laws import check_feature, check_features
from features.layout import program
from tests.features.worlds import definition

FEATURES = feature_set(definition("America/St_Johns", every_family=False))


@pytest.mark.parametrize("by_day", [False, True])
def test_every_built_in_feature_obeys_every_law(by_day):
    check_features(feature_set(definition("Europe/Istanbul", by_day, every_family=False)), looks=4)


def broken(**changes) -> FeatureSet:
    feature = replace(FEATURES["sales_recency_h"], **changes)
    others = [one for one in FEATURES.features if one.name != "sales_recency_h"]
    features = (feature, *others)
    places = {one.name: place for place, one in enumerate(features)}
    return FeatureSet(FEATURES.definition, features, FEATURES.plan, program(features, FEATURES.plan, 30), places)


QUOTIENT = FEATURES["sales_recency_h"].quotient


@pytest.mark.parametrize(
    ("changes", "law"),
    [
        ({"name": "Sales Recency"}, "a name that is a column"),
        ({"meaning": "hours"}, "a meaning that is a sentence"),
        ({"upper": float("inf")}, "finite bounds"),
        ({"player": "nobody"}, "a player"),
        ({"missing": "never"}, "a value without any event"),
        ({"quotient": replace(QUOTIENT, below=(1, ONE))}, "a missing value without any event"),
    ],
)
def test_a_feature_that_breaks_a_law_is_refused_with_the_law(changes, law):
    features = broken(**changes)
    with pytest.raises(StoppedError, match="breaks a law") as refusal:
        check_feature(features, features.names[0], looks=3)
    assert law in str(refusal.value)


def test_a_kernel_that_differs_is_noticed(monkeypatch):
    monkeypatch.setattr("features.laws.look_uncompiled", lambda *arguments: arguments[8].fill(-1.0))
    with pytest.raises(StoppedError, match="compiled and uncompiled"):
        check_feature(FEATURES, "any_count_all", looks=3)


def test_numbers_that_leave_their_bounds_are_noticed(monkeypatch):
    features = broken(missing="never", quotient=replace(QUOTIENT, above=(1, ONE), below=(1, ONE)))
    monkeypatch.setattr("features.laws._value", lambda *arguments, slowly=False: 1e12)
    with pytest.raises(StoppedError, match="a value within"):
        check_feature(features, features.names[0], looks=3)
