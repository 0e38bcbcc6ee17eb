"""The kernel against the oracle: equal to the bit, over every behaviour and family, zones, late events, ties and edges."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.arrays import Looks
from features.catalog import feature_set
from features.kernel import look, look_uncompiled
from features.matrix import compute, compute_one
from tests.features.oracle import Happened, Story, World
from tests.features.worlds import MAPPED, NAMES, NASTY, ZONES, definition, live, stories, tables, us

CASES = [(zone, by_day) for zone in ZONES for by_day in (False, True)]
FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=250)


def assert_same(features, found, expected):
    wrong = [
        (feature.name, a, b)
        for feature, a, b in zip(features.features, found, expected, strict=True)
        if not (a == b or (np.isnan(a) and np.isnan(b)))
    ]
    assert not wrong


@pytest.mark.parametrize(("zone", "by_day"), CASES)
def test_batch_live_and_uncompiled_equal_the_oracle(zone, by_day):
    compare_with_the_oracle(zone, by_day, FEW)


@pytest.mark.slow
@pytest.mark.parametrize(("zone", "by_day"), CASES)
def test_hundreds_of_worlds_equal_the_oracle(zone, by_day):
    compare_with_the_oracle(zone, by_day, MANY)


def compare_with_the_oracle(zone, by_day, effort):
    world = World(definition(zone, by_day))
    features = feature_set(world.definition)

    @effort
    @given(st.lists(stories(by_day, zone), min_size=1, max_size=3))
    def check(told):
        moments = np.array([us(as_of) for _, as_of in told])
        batch = compute(features, tables([story for story, _ in told]), np.arange(len(told)), moments)
        for row, (story, as_of) in enumerate(told):
            expected = [
                world.value(feature, story, as_of) if feature.quotient is not None else np.nan for feature in features.features
            ]
            assert_same(features, batch.values[row], expected)
            one = compute_one(features, features.plan, live(story), us(as_of))
            assert_same(features, one.values[0], expected)
            assert one.features_as_of[0] == batch.features_as_of[row]
            slow = compute_one(features, features.plan, live(story), us(as_of), look=look_uncompiled)
            assert_same(features, slow.values[0], expected)

    check()


def test_the_worlds_hold_every_behaviour_and_family():
    features = feature_set(definition())
    pairs = {(feature.selector, feature.family) for feature in features.features}
    families = {family for _, family in pairs}
    assert len(families) > 25
    for name in MAPPED:
        assert {family for selector, family in pairs if selector == name} >= {
            "count",
            "trend",
            "streak_current_d",
            "ratio_to_any",
        }


def test_many_looks_at_one_lead_in_any_order_of_rows():
    features = feature_set(definition("Europe/Istanbul"))

    @FEW
    @given(stories(), st.lists(st.integers(-5 * 86_400_000_000, 86_400_000_000), min_size=2, max_size=6))
    def check(told, shifts):
        story, as_of = told
        table = tables([story, story])
        looks = np.array([us(as_of) + shift for shift in shifts])
        lead = np.arange(len(looks)) % 2
        together = compute(features, table, lead, looks)
        back = compute(features, table, lead[::-1], looks[::-1])
        assert np.array_equal(together.values, back.values[::-1], equal_nan=True)
        for row, moment in enumerate(looks):
            alone = compute_one(features, features.plan, live(story), int(moment))
            assert np.array_equal(alone.values[0], together.values[row], equal_nan=True)

    check()


@pytest.mark.parametrize("late", [0, 1], ids=["all known at once", "some known late"])
def test_a_look_every_few_hours_equals_each_look_alone(late):
    features = feature_set(definition("Europe/Istanbul"))
    random = np.random.default_rng(8)
    told = []
    for lead in range(3):
        minutes = np.sort(random.integers(0, 25 * 1440, 40 + 60 * lead))
        events = []
        for number, minute in enumerate(minutes.tolist()):
            at = NASTY[0] + timedelta(minutes=minute)
            known = at + late * timedelta(hours=int(random.choice([0, 0, 0, 0, 5, 60])))
            events.append(
                Happened(NAMES[int(random.integers(len(NAMES)))], at, known, 1, {"secs": number / 8, "score": number % 11})
            )
        told.append(Story(NASTY[0], events))
    looks = us(NASTY[0]) + np.arange(0, 30 * 86_400, 7 * 3600) * 1_000_000
    lead = np.repeat(np.arange(3), len(looks))
    together = compute(features, tables(told), lead, np.tile(looks, 3))
    for row in range(0, len(lead), 2):
        alone = compute_one(features, features.plan, live(told[lead[row]]), int(together.as_of[row]))
        assert_same(features, together.values[row], alone.values[0])
        assert together.features_as_of[row] == alone.features_as_of[0]


def test_looks_that_go_back_in_time_are_taken_anew():
    features = feature_set(definition())
    random = np.random.default_rng(9)
    moments = [NASTY[0] + timedelta(hours=int(hour)) for hour in random.integers(0, 400, 40)]
    lead = live(Story(NASTY[0], [Happened(NAMES[place % len(NAMES)], at, at) for place, at in enumerate(moments)]))
    as_of = [us(NASTY[0]) + day * 86_400_000_000 for day in (12, 3, 8)]
    calls: list = []
    alone = [compute_one(features, features.plan, lead, one) for one in as_of]
    for one in as_of:
        compute_one(features, features.plan, lead, one, look=lambda *given: calls.append(given))
    looks = Looks(*(np.concatenate(parts) for parts in zip(*(call[4] for call in calls), strict=True)))
    values, newest = np.full((3, len(features)), np.nan), looks.start.copy()
    look(*calls[0][:4], looks._replace(row=np.arange(3)), values, newest)
    for row, one in enumerate(alone):
        assert_same(features, values[row], one.values[0])
        assert newest[row] == one.features_as_of[0]
