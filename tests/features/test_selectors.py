from __future__ import annotations

from features.history import Plan
from features.selectors import selectors_of, use_of
from tests.features.worlds import definition

SELECTORS = selectors_of(definition(every_family=False))
KEYS = [selector.key for selector in SELECTORS]


def keys(use, properties=None):
    return {KEYS[index] for index in use.selectors(properties or {})}


def test_any_takes_every_event_and_comes_first():
    assert KEYS[0] == "any"
    assert keys(use_of(SELECTORS, "never_heard_of")) == {"any"}


def test_an_event_may_have_several_behaviours():
    assert keys(use_of(SELECTORS, "feature_b")) == {"any", "core_use", "milestone"}
    assert keys(use_of(SELECTORS, "app_opened")) == {"any", "session", "onboarding"}


def test_conditions_decide_by_the_properties():
    use = use_of(SELECTORS, "nps_answered")
    assert use.asked == ("score",)
    assert keys(use, {"score": 10}) == {"any", "positive_feedback", "advocacy"}
    assert keys(use, {"score": "2"}) == {"any", "negative_feedback"}
    assert keys(use, {"score": 7}) == keys(use, {}) == {"any"}


def test_all_conditions_of_one_alternative_must_hold():
    use = use_of(SELECTORS, "login")
    assert keys(use, {"plan": "pro", "score": 3}) == {"any", "session", "support"}
    assert keys(use, {"plan": "pro", "score": 5}) == {"any", "session"}
    assert keys(use, {"plan": "trial"}) == {"any", "session", "community"}


def test_a_feature_of_ones_own_has_the_events_that_it_lists_and_the_properties_of_its_player():
    own = next(one for one in selectors_of(definition()) if one.key == "feature:own_names_unused_7d")
    assert own.duration == "secs"
    assert own.amount == "money"
    assert own.usual == {"login", "shared", "zzz"}


def test_the_memory_of_names_and_answers_does_not_grow_for_ever(monkeypatch):
    monkeypatch.setattr("features.plan._MOST_NAMES", 5)
    monkeypatch.setattr("features.plan._MOST_ANSWERS", 5)
    plan = Plan(definition(every_family=False))
    kinds = plan.kinds()
    kinds.add(["nps_answered"])
    nps = kinds.of_name["nps_answered"]
    for number in range(40):
        plan.use(f"name {number}")
        kinds.asked(nps, {"score": number})
    assert len(plan._uses) <= 5
    assert len(kinds._answers) <= 5
    assert kinds.asked(nps, {"score": [1]}) == nps


def test_names_are_folded():
    plan = Plan(definition(every_family=False))
    assert plan.use("App Opened").name == plan.use("appOpened").name == "app_opened"
