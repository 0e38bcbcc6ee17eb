"""The simulated world as a whole: how hard it is, what it promises, and the story it tells."""

from __future__ import annotations

import numpy as np
import pytest

from features.clock import DAY_US, NEVER
from training.simulated_names import EVENT_NAMES
from training.simulated_product import ACTIVATED_OF, TRIAL_DAYS, Floats
from training.simulator import SIMULATED_FROM_US, World, pick_story, simulate


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(1, leads=8_000)


def auc(score: Floats, paid: np.ndarray) -> float:
    rank = np.empty(len(score))
    rank[np.argsort(score, kind="stable")] = np.arange(1, len(score) + 1)
    ones = paid.sum()
    return float((rank[paid].sum() - ones * (ones + 1) / 2) / (ones * (len(paid) - ones)))


def at_age(world: World, days: float) -> tuple[np.ndarray, Floats, np.ndarray]:
    """Return the open, mature leads of that age, the truth about them, and what they did."""
    as_of = world.leads.started_at + round(days * DAY_US)
    truth = world.truth(world.leads.ids, as_of)
    row = np.flatnonzero(~np.isnan(truth) & (as_of + 30 * DAY_US <= world.until))
    return row, truth[row], world.lives.converted_at[row] <= as_of[row] + 30 * DAY_US


def test_it_is_as_hard_as_a_real_product(world: World) -> None:
    within = (world.lives.converted_at <= world.leads.started_at + 30 * DAY_US).mean()
    assert 0.08 < within < 0.12
    _, truth, paid = at_age(world, 7)
    assert 0.82 < auc(truth, paid) < 0.88
    assert 0.1 < (world.lives.ended_at < NEVER).mean() < 0.5
    assert 40 < len(world.events) / len(world.leads) < 80


def test_the_truth_is_calibrated_at_every_age(world: World) -> None:
    for age in (0, 3, 7, 14):
        _, truth, paid = at_age(world, age)
        assert abs(truth.sum() - paid.sum()) < 3 * np.sqrt((truth * (1 - truth)).sum()), age


def test_payments_peak_as_the_trial_ends(world: World) -> None:
    day = (world.lives.converted_at - world.leads.started_at)[world.lives.converted_at < NEVER] / DAY_US
    by_day = np.bincount(day.astype(int), minlength=60)
    assert by_day[12:14].mean() > 1.5 * by_day[8:10].mean() > 3 * by_day[0:2].mean()
    assert by_day[14:30].sum() > 0.1 * by_day.sum()


def test_activated_leads_pay_more_often(world: World) -> None:
    row, truth, paid = at_age(world, 7)
    activated = ACTIVATED_OF[world.lives.states[row, 6]] == 1
    assert paid[activated].mean() > 3 * paid[~activated].mean()
    assert truth[activated].mean() > 3 * truth[~activated].mean()


def test_mates_of_an_account_are_alike(world: World) -> None:
    accounts: dict[str, list[int]] = {}
    for row, account in enumerate(world.leads.account):
        if account is not None:
            accounts.setdefault(account, []).append(row)
    shared = [rows for rows in accounts.values() if len(rows) > 1]
    assert len(shared) > 200
    alike = np.mean([world.leads.fit[rows[0]] == world.leads.fit[rows[1]] for rows in shared])
    assert 0.7 < alike < 0.95


def test_there_is_no_truth_about_what_is_decided(world: World) -> None:
    ids = world.leads.ids
    converted = int(np.flatnonzero(world.lives.converted_at < world.until)[0])
    ended = int(np.flatnonzero(world.lives.ended_at < world.until)[0])
    moments = [
        (converted, world.lives.converted_at[converted]),
        (ended, world.lives.ended_at[ended]),
        (converted, world.leads.started_at[converted] - 1),
    ]
    for row, as_of in moments:
        assert np.isnan(world.truth([ids[row]], as_of)).all()
    assert 0 < world.truth([ids[converted]], world.lives.converted_at[converted] - 1)[0] < 1
    still_open = int(np.flatnonzero((world.lives.converted_at == NEVER) & (world.lives.ended_at == NEVER))[0])
    assert world.truth([ids[still_open]], world.leads.started_at[still_open] + 61 * DAY_US)[0] == 0
    with pytest.raises(KeyError):
        world.truth(["nobody"], world.until)


def test_the_period_can_be_moved() -> None:
    here = simulate(2, leads=300, days=60)
    assert (here.since, here.until) == (SIMULATED_FROM_US, SIMULATED_FROM_US + 60 * DAY_US)
    there = simulate(2, leads=300, days=60, until=SIMULATED_FROM_US + 400 * DAY_US)
    assert there.until - there.since == 60 * DAY_US
    assert there.leads.started_at.min() >= there.since
    assert there.leads.started_at.max() < there.until
    assert there.events.received_at.max() <= there.until


def test_a_seed_changes_everything() -> None:
    one, other = simulate(11, leads=500, days=90), simulate(12, leads=500, days=90)
    assert (one.leads.started_at != other.leads.started_at).mean() > 0.99
    assert one.product.drift_phase != other.product.drift_phase
    assert len(one.events) != len(other.events)
    again = simulate(11, leads=500, days=90)
    assert np.array_equal(one.events.at, again.events.at)
    assert np.array_equal(one.lives.converted_at, again.lives.converted_at)


@pytest.mark.parametrize("leads", [1, 2, 30])
def test_a_tiny_world_is_a_world(leads: int) -> None:
    world = simulate(5, leads=leads, days=3)
    assert len(world.leads) == leads
    assert pick_story(world) in world.leads.ids


def test_the_story_is_a_live_trial_that_rises(world: World) -> None:
    lead = pick_story(world)
    assert lead in world.live_leads(TRIAL_DAYS - 4, TRIAL_DAYS)
    start = int(world.leads.started_at[world.leads.ids.index(lead)])
    assert world.truth([lead], world.until)[0] > 1.5 * world.truth([lead], start + DAY_US)[0]
    story = world.story(lead)
    assert len(story) >= 30
    assert [event.at for event in story] == sorted(event.at for event in story)
    assert len({event.message_id for event in story}) == len(story)
    assert all(start < event.at <= event.received_at <= world.until for event in story)
    assert {event.event for event in story} <= set(EVENT_NAMES)
    assert all(isinstance(event.properties["duration_s"], int) for event in story if event.event == "app_opened")


def test_a_story_has_each_event_once(world: World) -> None:
    message, times = np.unique(world.events.message, return_counts=True)
    twice = world.events.rows(world.events.message == message[times == 2][0])
    story = world.story(world.leads.ids[twice.lead[0]])
    told = [event for event in story if event.message_id == f"m{twice.message[0]}"]
    assert [event.received_at for event in told] == [twice.received_at.min()]


def test_traits_are_what_the_lead_filled_in(world: World) -> None:
    full = world.traits(world.leads.ids[0])
    assert full["email"] == "lead00000@example.com"
    empty = int(np.flatnonzero(np.isnan(world.leads.company_size))[0])
    assert "company_size" not in world.traits(world.leads.ids[empty])
    sized = int(np.flatnonzero(~np.isnan(world.leads.company_size))[0])
    assert world.traits(world.leads.ids[sized])["company_size"] == int(world.leads.company_size[sized])


def simple_features(world: World, days: float) -> Floats:
    """Count by hand what was known of each lead at an age: each name over the last three days and over all, days and recency."""
    as_of, events = world.leads.started_at + round(days * DAY_US), world.events
    _, once = np.unique(events.message, return_index=True)
    events = events.rows(once)
    events = events.rows(events.received_at <= as_of[events.lead])
    back = (as_of[events.lead] - events.at) / DAY_US
    shape = (len(world.leads), len(EVENT_NAMES))
    cell = events.lead.astype(np.int64) * shape[1] + events.name
    counts = [np.bincount(cell[back < window], minlength=shape[0] * shape[1]).reshape(shape) for window in (3, 99)]
    day = np.unique(events.lead.astype(np.int64) * 100 + back.astype(np.int64)) // 100
    recency = np.full(shape[0], 99.0)
    np.minimum.at(recency, events.lead, back)
    size = np.nan_to_num(world.leads.company_size)
    known = [np.log1p(size), size == 0, np.bincount(day, minlength=shape[0]), np.log1p(recency)]
    for values in (world.leads.country, world.leads.channel):
        known += [values == value for value in sorted({value for value in values if value is not None})]
    return np.column_stack([np.log1p(counts[0]), np.log1p(counts[1]), counts[1] > 0, *known]).astype(float)


@pytest.mark.slow
@pytest.mark.parametrize("age", [3, 7, 14])
def test_an_honest_model_can_come_near_the_truth(age: float) -> None:
    """Past leads teach, later leads test: a plain logistic regression on hand-made counts is already near the bars."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    world = simulate(1, leads=20_000)
    row, truth, paid = at_age(world, age)
    features = simple_features(world, age)[row]
    start = world.leads.started_at[row]
    cut = world.since + 250 * DAY_US
    past, future = start + round((age + 30) * DAY_US) < cut, start >= cut
    scaler = StandardScaler().fit(features[past])
    model = LogisticRegression(C=0.003, max_iter=500).fit(scaler.transform(features[past]), paid[past])
    score = model.predict_proba(scaler.transform(features[future]))[:, 1]
    truth, paid = truth[future], paid[future]
    assert auc(truth, paid) - 0.05 < auc(score, paid) < auc(truth, paid)
    assert np.abs(score - truth).mean() < 0.5 * np.abs(truth - truth.mean()).mean()
    tenths = np.array_split(np.argsort(score), 10)
    assert np.mean([abs(score[tenth].mean() - truth[tenth].mean()) for tenth in tenths]) < 0.02
