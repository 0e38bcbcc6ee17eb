"""What if: the same kernel and model with something more, and what cannot happen to a lead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.catalog import feature_set
from features.clock import DAY_US, HOUR_US
from features.definition import Definition
from features.feature import FeatureSet
from features.history import EventRow, Plan
from features.matrix import LiveLead, compute_one
from features.workspace import parse_workspace
from models.change_reasons import what_if_record
from models.phrasing import Phrasing
from models.possible import impossible, trial_end
from models.scorer import Scorer
from models.what_if import Hypothesis, beyond_training, imagine, what_if
from tests.models.conftest import KINDS, WORKSPACE

START = 1_770_000_000_000_000
AS_OF = START + 4 * DAY_US
CONDITIONED = WORKSPACE.replace(
    "purchase_intent: {events: [upgrade]}", "purchase_intent: {events: [{event: upgrade, where: {plan: {eq: pro}}}]}"
).replace("session: {events: [login]}", "session: {events: [login], duration: seconds}\n  profile: {traits: [title]}")


def row(name: str, at: int = AS_OF, count: int = 1, **properties: object) -> EventRow:
    return EventRow(name, at, at, count, properties)


def lead(*events: EventRow, **attributes: object) -> LiveLead:
    told = {name: (value, START) for name, value in attributes.items()}
    return LiveLead("a", START, [], told, events or [row("login", START + HOUR_US)])


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_score_of_a_lead_that_really_did_it(scorers: dict[str, Scorer], features: FeatureSet, kind: str) -> None:
    scorer, plan = scorers[kind], Plan(scorers[kind].definition)
    more = [row("feature_a", AS_OF - HOUR_US, 3), row("upgrade")]
    found = what_if(scorer, plan, lead(), AS_OF, Hypothesis(more, {"country": "TR"}))
    really = lead(*lead().events, *more, country="TR")
    values = compute_one(features, plan, really, AS_OF).values
    assert np.array_equal(found.with_it.values, values, equal_nan=True)
    assert np.array_equal(found.without.values, compute_one(features, plan, lead(), AS_OF).values, equal_nan=True)
    p = [float(scorer.probability(scorer.select(features.names, one.values))[0]) for one in (found.without, found.with_it)]
    assert abs(found.shift.sums(0)[0] - (p[1] - p[0])) < 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_being_active_at_all_is_told_apart_from_the_step(scorers: dict[str, Scorer], features: FeatureSet, kind: str) -> None:
    scorer, plan = scorers[kind], Plan(scorers[kind].definition)
    found = what_if(scorer, plan, lead(), AS_OF, Hypothesis([row("feature_a", AS_OF - HOUR_US, 3), row("upgrade")]))
    # A lead that did as much of something that no behaviour counts is the very lead in between.
    nothing_special = lead(*lead().events, row("nobody_knows", AS_OF - HOUR_US, 3), row("nobody_asks"))
    between = compute_one(features, plan, nothing_special, AS_OF).values
    assert np.array_equal(found.active.values, between, equal_nan=True)
    p = [float(scorer.probability(scorer.select(features.names, one.values))[0])
         for one in (found.without, found.active, found.with_it)]  # fmt: skip
    assert abs(found.activity.sums(0)[0] - (p[1] - p[0])) < 1e-9
    assert abs(found.step.sums(0)[0] - (p[2] - p[1])) < 1e-9
    told: Any = what_if_record(found, Phrasing("en"), None)
    for key in ("points", "log_odds"):
        assert abs(sum(part[key] for part in told["parts"].values()) - told[key]) < 1e-9
        by_player = {one["player"]: one[key] for part in told["parts"].values() for one in part["reasons"]}
        assert set(by_player) == {one["player"] for one in told["reasons"]}


def test_a_step_without_events_is_no_activity(scorers: dict[str, Scorer]) -> None:
    scorer = scorers["blend"]
    found = what_if(scorer, Plan(scorer.definition), lead(), AS_OF, Hypothesis([], {"country": "TR"}))
    assert found.activity.sums(0) == (0.0, 0.0)
    assert found.step.sums(0)[0] != 0.0
    told: Any = what_if_record(found, Phrasing("de"), 1)
    assert told["parts"]["activity"]["text"] == "Angenommen wird keine Aktivität, daher ist dieser Teil null"
    active: Any = what_if_record(
        what_if(scorer, Plan(scorer.definition), lead(), AS_OF, Hypothesis([row("upgrade")])), Phrasing(), 1
    )
    assert active["parts"]["activity"]["text"].startswith("Doing ")


def test_what_is_known_stays_and_the_lead_itself_is_not_touched() -> None:
    one = lead(country="DE")
    other = imagine(one, AS_OF, Hypothesis([row("upgrade")], {"country": "TR", "company_size": 5}, AS_OF + DAY_US))
    assert other.attributes == {"country": ("DE", START), "company_size": (5, AS_OF)}
    assert (len(one.events), len(other.events)) == (1, 2)
    assert (list(one.trial_ends), list(other.trial_ends)) == ([], [(AS_OF + DAY_US, AS_OF)])


def test_an_extension_moves_the_end_even_if_another_was_told_just_now(features: FeatureSet) -> None:
    definition = features.definition
    told = LiveLead("a", START, [(START + 30 * DAY_US, START), (START + 9 * DAY_US, AS_OF)], {}, [])
    assert trial_end(definition, told, AS_OF) == START + 9 * DAY_US
    assert trial_end(definition, told, AS_OF - 1) == START + 30 * DAY_US
    other = imagine(told, AS_OF, Hypothesis(trial_end=START + 6 * DAY_US))
    found = compute_one(features, Plan(definition), other, AS_OF)
    assert found.column("trial_left_d")[0] == 2.0
    assert trial_end(definition, lead(), AS_OF) == START + 14 * DAY_US


@pytest.fixture(scope="module")
def conditioned() -> Definition:
    return parse_workspace(CONDITIONED, Path()).definition()


def codes(definition: Definition, hypothesis: Hypothesis, who: LiveLead | None = None, as_of: int = AS_OF) -> list[str]:
    payments = parse_workspace(
        "{name: a, data: {events: {source: e.csv}, conversions: {events: [subscription_started]}}}", Path()
    ).data.conversions
    assert payments is not None
    plan = feature_set(definition).plan
    found = impossible(definition, plan, who or lead(), as_of, hypothesis, payments=payments.events)
    assert all(one.detail.endswith(".") for one in found)
    return [f"{one.place} {one.code}" for one in found]


def test_what_can_happen_is_not_refused(conditioned: Definition) -> None:
    events = [row("login"), row("feature_b", START), row("upgrade", plan="pro"), row("login", seconds=12)]
    told = {"title": "CTO", "country": "DE", "company_size": "12"}
    assert codes(conditioned, Hypothesis(events, told, AS_OF + DAY_US)) == []


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (row("login", START - 1), "before_start"),
        (row("login", AS_OF + 1), "in_future"),
        (EventRow("login", AS_OF, AS_OF + 1, 1, {}), "in_future"),
        (row("nobody_knows"), "unmapped_event"),
        (row("upgrade"), "condition_not_met"),
        (row("upgrade", plan="free"), "condition_not_met"),
        (row("subscription_started"), "is_payment"),
        (row("login", seconds=-1), "negative_duration"),
    ],
)
def test_events_that_cannot_happen(conditioned: Definition, event: EventRow, code: str) -> None:
    assert codes(conditioned, Hypothesis([row("login"), event])) == [f"events/1 {code}"]


def test_after_the_trial_nothing_happens_in_it_unless_it_is_extended(conditioned: Definition) -> None:
    late = START + 20 * DAY_US
    assert codes(conditioned, Hypothesis([row("login", late)]), as_of=late) == ["events/0 beyond_trial"]
    assert codes(conditioned, Hypothesis([row("login", START + 13 * DAY_US)]), as_of=late) == []
    assert codes(conditioned, Hypothesis([row("demo", late), row("upgrade", late, plan="pro")]), as_of=late) == []
    still_inside = lead(row("login", START + 15 * DAY_US))
    assert codes(conditioned, Hypothesis([row("login", late)]), still_inside, as_of=late) == []
    assert codes(conditioned, Hypothesis([row("login", late)], trial_end=late + DAY_US), as_of=late) == []
    assert codes(conditioned, Hypothesis(trial_end=late), as_of=late) == ["trial_ends_at end_before_as_of"]


def test_a_freemium_trial_has_no_end() -> None:
    definition = parse_workspace(WORKSPACE + "trial: {days: none}\n", Path()).definition()
    assert codes(definition, Hypothesis([row("login", START + 900 * DAY_US)]), as_of=START + 901 * DAY_US) == []
    assert codes(definition, Hypothesis(trial_end=AS_OF + 1)) == ["trial_ends_at no_trial"]


def test_attributes_that_cannot_be_told(conditioned: Definition) -> None:
    told = {"country": "TR", "shoe_size": 43, "company_size": "large"}
    assert codes(conditioned, Hypothesis([], told), lead(country="DE")) == [
        "attributes attribute_known",
        "attributes unknown_attribute",
        "attributes invalid_attribute",
    ]
    known_later = LiveLead("a", START, [], {"country": ("DE", AS_OF + 1)}, [])
    assert codes(conditioned, Hypothesis([], {"country": "TR"}), known_later) == []


def test_more_than_training_ever_saw_is_named(scorers: dict[str, Scorer]) -> None:
    scorer = scorers["logistic"]
    plan = Plan(scorer.definition)
    found = what_if(scorer, plan, lead(), AS_OF, Hypothesis([row("feature_a", AS_OF, 1000)]))
    assert "core_use_count_7d" in beyond_training(scorer, found)
    assert beyond_training(scorer, what_if(scorer, plan, lead(), AS_OF, Hypothesis())) == []
