"""Features over account mates, against the oracle: in batch, live and uncompiled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import kernel
from features.catalog import feature_set
from features.kernel import look_uncompiled
from features.matrix import LiveAccount, LiveLead, LiveMate, compute, compute_one
from tests.features.oracle import Happened, Story, World
from tests.features.test_kernel import CASES, FEW, MANY, assert_same
from tests.features.worlds import NASTY, definition, households, live, rows_of, tables, us

START = NASTY[0]
HOUR = timedelta(hours=1)


def test_the_worlds_hold_every_family_over_mates():
    families = {feature.family for feature in feature_set(definition(accounts=True)).features if feature.over == "mates"}
    alone = {feature.family for feature in feature_set(definition()).features if feature.selector}
    assert families >= alone - {"profile_filled", "reached_1", "reached_5", "ratio_to_core_use"} | {"people"}


@pytest.mark.parametrize(("zone", "by_day"), CASES[:6:3])
def test_batch_live_and_uncompiled_equal_the_oracle(zone, by_day):
    compare_with_the_oracle(zone, by_day, FEW)


@pytest.mark.slow
@pytest.mark.parametrize(("zone", "by_day"), CASES)
def test_hundreds_of_accounts_equal_the_oracle(zone, by_day):
    compare_with_the_oracle(zone, by_day, MANY)


def compare_with_the_oracle(zone, by_day, effort):
    world = World(definition(zone, by_day, accounts=True))
    features = feature_set(world.definition)

    @effort
    @given(households(by_day, zone))
    def check(told):
        people, looks = told
        moments = np.array([us(as_of) for as_of in looks])
        batch = compute(features, tables([*people.values()]), np.arange(len(looks)), moments)
        for row, (lead_id, as_of) in enumerate(zip(people, looks, strict=True)):
            expected = expected_row(world, features, lead_id, people, as_of)
            assert_same(features, batch.values[row], expected)
            stored = live(people[lead_id], lead_id, people, us(as_of))
            for how in ({}, {"look": look_uncompiled}):
                one = compute_one(features, features.plan, stored, us(as_of), **how)
                assert_same(features, one.values[0], expected)
                assert one.features_as_of[0] == batch.features_as_of[row] == newest(world, lead_id, people, as_of)

    check()


def expected_row(world, features, lead_id, people, as_of):
    row = []
    for feature in features.features:
        if feature.quotient is None:
            row.append(np.nan)
        elif feature.over == "mates":
            row.append(world.over_mates(feature, lead_id, people, as_of))
        else:
            row.append(world.value(feature, people[lead_id], as_of))
    return row


def newest(world, lead_id, people, as_of):
    """When the newest event behind a row became known, of the lead's own or of its mates'."""
    stories = [people[lead_id], *(world.mates(lead_id, people, as_of) or ())]
    known = [event.known for story in stories for event in story.events if event.at <= as_of and event.known <= as_of]
    return us(max([people[lead_id].started, *known]))


def test_many_looks_at_many_mates_in_any_order_of_rows():
    features = feature_set(definition("Europe/Istanbul", accounts=True))

    @FEW
    @given(households(), st.lists(st.integers(-5 * 86_400_000_000, 5 * 86_400_000_000), min_size=2, max_size=5))
    def check(told, shifts):
        people, looks = told
        lead = np.repeat(np.arange(len(looks)), len(shifts))
        moments = np.array([us(as_of) for as_of in looks])[lead] + np.tile(shifts, len(looks))
        table = tables([*people.values()])
        order = np.random.default_rng(0).permutation(len(lead))
        together = compute(features, table, lead[order], moments[order])
        for row, look in enumerate(order):
            lead_id, as_of = [*people][lead[look]], int(moments[look])
            alone = compute_one(features, features.plan, live(people[lead_id], lead_id, people, as_of), as_of)
            assert_same(features, together.values[row], alone.values[0])
            assert together.features_as_of[row] == alone.features_as_of[0]

    check()


def account_of(people, name="one"):
    """The account as a server reads it: all its members, whoever is looked at among them."""
    members = [(one, story) for one, story in people.items() if story.account == name]
    return LiveAccount(LiveMate(one, us(story.joined), rows_of(story)) for one, story in members)


@pytest.mark.parametrize(("zone", "by_day"), CASES[:6:3])
def test_an_account_that_is_pooled_once_gives_what_pooling_it_for_each_lead_gives(zone, by_day):
    features = feature_set(definition(zone, by_day, accounts=True))

    @FEW
    @given(households(by_day, zone), st.lists(st.integers(-5 * 86_400_000_000, 5 * 86_400_000_000), min_size=1, max_size=3))
    def check(told, shifts):
        people, looks = told
        shared = {name: account_of(people, name) for name in ("one", "two")}
        for shift in (0, *shifts):
            for lead_id, look in zip(people, looks, strict=True):
                as_of = us(look) + shift
                stored = live(people[lead_id], lead_id, people, as_of)
                own = compute_one(features, features.plan, stored, as_of)
                account = None if stored.account is None else shared[people[lead_id].account]
                one = compute_one(features, features.plan, replace(stored, account=account), as_of)
                assert_same(features, one.values[0], own.values[0])
                assert one.features_as_of[0] == own.features_as_of[0]

    check()


def test_an_account_is_pooled_once_for_a_plan():
    plan, other = (feature_set(definition(zone, every_family=False, accounts=True)).plan for zone in ("UTC", "America/Sao_Paulo"))
    account = account_of(crowd(3))
    first, again = account.pooled(plan), account.pooled(plan)
    assert all(one is same for one, same in zip(first, again, strict=True))
    assert account.pooled(other)[0].day.tolist() != first[0].day.tolist()
    assert [account.number(one) for one in ("lead000", "lead002", "lead003")] == [0, 2, -1]


def crowd(n: int = 230):
    """An account of many mates: of those active in one hour only some can count, and one joined late."""
    people = {}
    for number in range(n):
        at = START + HOUR * (5 if number < 20 else 7 if number < 60 else 6)
        # The count tells who is there.
        events = [Happened("login", at, at, 1 + number), Happened("feature_a", START, START + HOUR * (number % 3))]
        if number % 7 == 0:  # newer, but not known before the tenth hour
            events.append(Happened("login", at + HOUR, START + HOUR * 10))
        joined = START + HOUR * (9 if number == 25 else 0)
        people[f"lead{number:03}"] = Story(START, events, account="one", joined=joined)
    return people


def test_of_a_large_account_the_200_most_recently_active_count():
    world = World(definition(every_family=False, accounts=True))
    features = feature_set(world.definition)
    people = crowd()
    account = account_of(people)
    looks = [(lead, hour) for lead in (0, 30, 229) for hour in (5, 6, 8, 9, 10, 12)]
    lead, hour = np.array(looks).T
    batch = compute(features, tables([*people.values()]), lead, us(START) + hour * 3_600_000_000)
    for row, (place, hours) in enumerate(looks):
        lead_id, as_of = f"lead{place:03}", START + HOUR * hours
        assert_same(features, batch.values[row], expected_row(world, features, lead_id, people, as_of))
        stored = live(people[lead_id], lead_id, people, us(as_of))
        for lead in (stored, replace(stored, account=account)):
            assert_same(features, compute_one(features, features.plan, lead, us(as_of)).values[0], batch.values[row])
    assert batch.column("account_any_people_all").max() == 200.0


def test_a_mate_that_joins_between_two_looks_brings_its_past():
    features = feature_set(definition(every_family=False, accounts=True))
    people = crowd(4) | {"lead9": Story(START, [Happened("login", START, START, 50)], account="one", joined=START + HOUR * 9)}
    looks = us(START) + np.array([8, 9, 8, 10]) * 3_600_000_000
    counts = compute(features, tables([*people.values()]), np.zeros(4), looks).column("account_any_count_all")
    assert counts.tolist() == [12.0, 62.0, 12.0, 62.0]


def test_of_two_mates_active_at_one_instant_the_lesser_id_counts():
    features = feature_set(definition(every_family=False, accounts=True))
    mates = [
        LiveMate(f"m{number:03}", 0, rows_of(Story(START, [Happened("login" if number < 200 else "shared", START, START)])))
        for number in range(201)
    ]
    for told in (mates, mates[::-1]):
        stored = LiveLead("z", us(START), [], {}, [], LiveAccount(told))
        one = compute_one(features, features.plan, stored, us(START)).row(0)
        assert one["account_any_people_all"] == one["account_any_count_all"] == 200.0
        names = feature_set(definition(accounts=True))
        seen = compute_one(names, names.plan, stored, us(START)).row(0)
        assert seen["mates_x_session_count_all"] == 200.0


def test_a_span_of_time_too_long_for_one_number_is_sorted_as_well():
    features = feature_set(definition(every_family=False, accounts=True))
    moments = [datetime(1, 1, 2, tzinfo=UTC), START, datetime(9999, 1, 1, tzinfo=UTC)]
    stories = [
        Story(START, [Happened("login", at, at) for at in moments], account=f"{number // 2}", joined=START)
        for number in range(40)
    ]
    matrix = compute(features, tables(stories), np.arange(40), np.full(40, us(START)))
    assert matrix.column("account_any_count_all").tolist() == [2.0] * 40


def test_batch_live_and_mates_are_compiled_once():
    features = feature_set(definition(every_family=False, accounts=True))
    people = crowd(3)
    compute(features, tables([*people.values()]), np.arange(3), np.full(3, us(START)))
    compute_one(features, features.plan, live(people["lead000"], "lead000", people), us(START))
    assert len(getattr(kernel.look, "signatures", [1])) == 1


def test_without_a_known_account_features_are_missing_and_without_mates_they_are_nought():
    features = feature_set(definition(every_family=False, accounts=True))
    lead = LiveLead("a", us(START), [], {}, [])
    over = [feature.name for feature in features.features if feature.over == "mates"]
    nobody = compute_one(features, features.plan, lead, us(START)).row(0)
    assert [nobody[name] for name in over] == [None] * len(over)
    later = LiveMate("b", us(START) + 1, rows_of(Story(START, [Happened("login", START, START)])))
    same = LiveMate("a", 0, later.events)
    alone = compute_one(features, features.plan, replace(lead, account=LiveAccount([later, same])), us(START)).row(0)
    assert alone["account_any_people_all"] == alone["account_any_count_all"] == 0.0
    assert alone["account_any_recency_h"] is None
    assert nobody["any_count_all"] == 0.0
