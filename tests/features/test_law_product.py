"""Every behaviour x family x window, of the lead and of its account, equals the oracle: in batch and live, with ==."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.catalog import feature_set
from features.laws import check_features
from features.matrix import LiveAccount, LiveMate, compute, compute_one
from tests.features.oracle import NAN, Story, World, length
from tests.features.products import KEYS, families_of, product
from tests.features.test_kernel import assert_same
from tests.features.worlds import live, stories, tables, us

ZONES = ("America/St_Johns", "Europe/Istanbul", "America/Sao_Paulo")
"""The times of the stories are where the clocks of these zones turn."""
CASES = [(zone, by_day) for zone in ZONES for by_day in (False, True)]
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=120)
DAY_US = 86_400_000_000


class Quick(World):
    """The oracle with a memory: which events a selector sees does not depend on the feature that asks."""

    def __init__(self, definition):
        super().__init__(definition)
        self.memory = {}

    def seen(self, story, key, as_of, window):
        asked = (id(story), key, as_of, window)
        if asked not in self.memory:
            self.memory[asked] = super().seen(story, key, as_of, window)
        return self.memory[asked]


class Team:
    """Leads of one account, as they were told, with when their membership became known."""

    def __init__(self, world, told, joined):
        self.world, self.stories = world, [story for story, _ in told]
        self.joined = [us(story.started) + shift for story, shift in zip(self.stories, joined, strict=True)]
        self.pools = {}
        world.memory.clear()

    def mates(self, place, as_of):
        """The mates of a lead, and their events as one story."""
        if place not in self.pools:
            mates = [one for other, one in enumerate(self.stories) if other != place and self.joined[other] <= us(as_of)]
            pooled = Story(self.stories[place].started, [event for mate in mates for event in mate.events])
            self.pools[place] = mates, pooled
        return self.pools[place]

    def expected(self, feature, place, as_of):
        """The oracle's value; features over mates are those of one pooled story, as of the lead's own start."""
        story = self.stories[place]
        if feature.quotient is None:
            return NAN
        if feature.over == "lead":
            return self.world.value(feature, story, as_of)
        if self.joined[place] > us(as_of):
            return NAN
        mates, pooled = self.mates(place, as_of)
        if feature.family == "people":
            window = None if feature.window == "all" else length(feature.window)
            return float(sum(bool(self.world.seen(mate, feature.selector, as_of, window)) for mate in mates))
        own = self.world.definition.features.get(feature.name)
        return self.world.value(replace(feature, player=own.behaviour if own else "any"), pooled, as_of)

    def tables(self):
        table = tables(self.stories)
        table.leads.account = np.array(["team"] * len(self.stories), dtype=object)
        table.leads.account_known = np.array(self.joined, dtype=np.int64)
        return table

    def live(self, place, as_of):
        if self.joined[place] > us(as_of):
            return live(self.stories[place])
        others = [(other, story) for other, story in enumerate(self.stories) if other != place]
        mates = [LiveMate(f"lead{other}", self.joined[other], live(story).events) for other, story in others]
        return replace(live(self.stories[place]), account=LiveAccount(mates))


def compare_with_the_oracle(zone, by_day, effort, keys=KEYS):
    world = Quick(product(zone, by_day, keys))
    features = feature_set(world.definition)
    shifts = st.lists(st.sampled_from([0, 0, DAY_US, 16 * DAY_US]), min_size=3, max_size=3)

    @effort
    @given(st.lists(stories(by_day, zone), min_size=3, max_size=3), shifts)
    def check(told, joined):
        team = Team(world, told, joined)
        place = np.arange(len(told))
        batch = compute(features, team.tables(), place, np.array([us(as_of) for _, as_of in told]))
        for row, (_, as_of) in enumerate(told):
            expected = [team.expected(feature, row, as_of) for feature in features.features]
            assert_same(features, batch.values[row], expected)
            one = compute_one(features, features.plan, team.live(row, as_of), us(as_of))
            assert_same(features, one.values[0], expected)
            assert one.features_as_of[0] == batch.features_as_of[row]

    check()


@pytest.mark.parametrize(("zone", "by_day"), CASES)
def test_the_product_equals_the_oracle(zone, by_day):
    compare_with_the_oracle(zone, by_day, FEW)


@pytest.mark.slow
@pytest.mark.parametrize(("zone", "by_day"), CASES)
def test_the_product_equals_the_oracle_in_many_worlds(zone, by_day):
    compare_with_the_oracle(zone, by_day, MANY)


@pytest.mark.parametrize("by_day", [False, True])
def test_the_product_is_whole(by_day):
    features = feature_set(product("UTC", by_day))
    for key in KEYS:
        for form, over in (("p", "lead"), ("a", "mates")):
            mine = [one for one in features.features if one.name.startswith(f"{form}_{key}_") and one.over == over]
            found = {one.family for one in mine}
            missing = {"profile_filled"} if over == "mates" else {"people"}
            assert found == {*families_of(key, by_day), "people"} - missing
            assert {one.window for one in mine} == {"7d", "all", "5h", None}
    assert len(features) > (1400 if by_day else 1900)


@pytest.mark.slow
@pytest.mark.parametrize(("zone", "by_day"), CASES)
def test_the_product_obeys_every_law(zone, by_day):
    check_features(feature_set(product(zone, by_day)), looks=6)


def test_a_part_of_the_product_obeys_every_law():
    check_features(feature_set(product("America/St_Johns", False, ("core_use", "list", "event"))), looks=4)
