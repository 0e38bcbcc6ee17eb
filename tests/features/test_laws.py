"""Every built-in feature obeys every law, and every law can fail: something is broken on purpose, and the law is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features import law_worlds, laws
from features.catalog import feature_set
from features.clock import DAY_US
from features.errors import StoppedError
from features.feature import ONE, FeatureSet
from features.laws import breaches, check_feature, check_features
from features.layout import laid_out
from features.matrix import LiveAccount
from features.workspace import parse_workspace
from tests.features.acme import ACME
from tests.features.worlds import definition

FEATURES = feature_set(definition("America/St_Johns", every_family=False))
WITH_MATES = feature_set(
    parse_workspace(ACME, ".", environment={"HOOK_SECRET": "s"}).definition(
        vocabulary={"core_use": ["feature_a", "feature_c"]}, categories={"country": ["DE"]}
    )
)
COMPUTE, COMPUTE_ONE = laws.compute, laws.compute_one


@pytest.mark.parametrize("by_day", [False, True])
def test_every_built_in_feature_obeys_every_law(by_day):
    check_features(feature_set(definition("Europe/Istanbul", by_day, every_family=False)), looks=8)


@pytest.mark.parametrize("seed", range(3))
def test_so_do_features_over_account_mates(seed):
    assert [feature for feature in WITH_MATES.features if feature.over == "mates"]
    check_features(WITH_MATES, looks=12, seed=seed)


def test_an_undated_table_obeys_them_too():
    text = "name: x\ndata: {leads: {source: l.csv, id: id, converted: paid}}\nattributes: {site: category, size: number}"
    check_features(feature_set(parse_workspace(text, ".").definition(categories={"site": ["DE"]})))


def broken(**changes) -> FeatureSet:
    feature = replace(FEATURES["sales_recency_h"], **changes)
    others = [one for one in FEATURES.features if one.name != "sales_recency_h"]
    return laid_out(FEATURES.definition, (feature, *others), FEATURES.plan)


QUOTIENT = FEATURES["sales_recency_h"].quotient
NO_EVENT = FEATURES["sales_recency_h"].missing


@pytest.mark.parametrize(
    ("changes", "law"),
    [
        ({"name": "Sales Recency"}, "a name that is a column"),
        ({"meaning": "hours"}, "a meaning that is a sentence"),
        ({"meaning": "hours since then"}, "a meaning that is a sentence"),
        ({"upper": float("inf")}, "finite bounds"),
        ({"lower": 5.0, "upper": 4.0}, "finite bounds"),
        ({"player": "nobody"}, "a player"),
        ({"player": "account"}, "a player"),
        ({"missing": "sometimes"}, "a missing rule that says when"),
        ({"missing": "before the trial is that old"}, "a missing rule that says when"),
        ({"missing": "without an account"}, "a missing rule that says when"),
        ({"min_age_us": DAY_US}, "a missing rule that says when"),
        ({"missing": "never"}, "a value, which is missing only never"),
        ({"quotient": replace(QUOTIENT, below=(1, ONE))}, f"a missing value {NO_EVENT}"),
    ],
)
def test_a_feature_that_breaks_a_law_is_refused_with_the_law(changes, law):
    features = broken(**changes)
    with pytest.raises(StoppedError, match="breaks a law") as refusal:
        check_feature(features, features.names[0], looks=20)
    assert law in str(refusal.value)


def broken_laws(name="any_count_all", features=FEATURES):
    return {law for _, law, _ in breaches(features, [features[name]], 20, 0)}


def test_nothing_is_broken_before_it_is():
    assert broken_laws() == broken_laws("account_any_count_7d", WITH_MATES) == set()


def altered(alter):
    """Return a matrix function whose numbers were altered by what they were computed from."""

    def compute(features, *arguments, **how):
        matrix = COMPUTE(features, *arguments, **how)
        matrix.values[:] = alter(matrix.values, features, *arguments)
        return matrix

    return compute


def fewer_behaviours(values, features, *arguments):
    return values + len(features.definition.behaviours)


@pytest.mark.parametrize(
    ("alter", "law"),
    [
        (lambda values, *_: values + 1e12, "a value within"),
        (lambda values, *_: values * np.nan, "a value, which is missing only never"),
        (lambda values, *_: values + 0.5, "live and in batch"),
        (lambda values, features, *_: values + len(features), "in company of other features"),
        (lambda values, _, tables, lead, as_of: values + len(lead), "split into batches"),
        (lambda values, _, tables, lead, as_of: values + len(tables.events), "split into batches"),
        (fewer_behaviours, "without the behaviour add_on"),
        (lambda values, _, tables, lead, as_of: values + np.arange(len(lead))[:, None], "split into batches"),
    ],
)
def test_a_batch_that_differs_is_noticed(monkeypatch, alter, law):
    monkeypatch.setattr("features.laws.compute", altered(alter))
    assert [found for found in broken_laws() if law in found]


def test_looking_ahead_is_noticed(monkeypatch):
    monkeypatch.setattr("features.laws.compute", lambda f, t, lead, as_of, **how: COMPUTE(f, t, lead, as_of + 3 * DAY_US, **how))
    monkeypatch.setattr("features.laws.compute_one", lambda f, p, live, as_of, **how: COMPUTE_ONE(f, p, live, as_of + 3 * DAY_US))
    assert broken_laws() == {"the same value whatever happened or became known later"}


def test_events_known_later_must_not_count(monkeypatch):
    def early(told, *arguments):
        return [row._replace(known=row.at) for row in told]

    def one(features, plan, live, as_of, **how):
        return COMPUTE_ONE(features, plan, replace(live, events=early(live.events)), as_of, **how)

    monkeypatch.setattr("features.laws.compute_one", one)
    assert "the same value live and in batch, one look at a time and many" in broken_laws()


def test_a_kernel_that_differs_uncompiled_is_noticed(monkeypatch):
    monkeypatch.setattr("features.laws.look_uncompiled", lambda *arguments: arguments[-2].fill(-1.0))
    assert broken_laws() == {"the same value compiled and uncompiled"}


def test_an_order_that_matters_is_noticed(monkeypatch):
    def first_listed(features, plan, live, as_of, **how):
        matrix = COMPUTE_ONE(features, plan, live, as_of, **how)
        if isinstance(live.events, list) and live.events and live.trial_ends and live.events[0].at > live.events[-1].at:
            matrix.values[:] += 1.0
        return matrix

    monkeypatch.setattr("features.laws.compute_one", first_listed)
    assert "the same value in any order of the events" in broken_laws()


def test_messages_that_count_twice_are_noticed(monkeypatch):
    monkeypatch.setattr(law_worlds, "later_copies", lambda ids, content: [])
    assert broken_laws() == {"the same value when messages come twice"}


def test_a_broken_attribute_is_noticed(monkeypatch):
    def later(features, plan, live, as_of, **how):
        return COMPUTE_ONE(features, plan, replace(live, attributes={}), as_of, **how)

    monkeypatch.setattr("features.laws.compute_one", later)
    assert "the same value live and in batch, one look at a time and many" in broken_laws("company_size")


def of_mates(monkeypatch, change):
    """Let live scoring see other mates than a batch does, and return the laws that a feature over them then breaks."""

    def one(features, plan, live, as_of, **how):
        account = None if live.account is None else LiveAccount(change(live.account.members, as_of))
        return COMPUTE_ONE(features, plan, replace(live, account=account), as_of, **how)

    monkeypatch.setattr("features.laws.compute_one", one)
    return broken_laws("account_any_count_all", WITH_MATES)


def test_mates_that_are_not_the_same_live_and_in_batch_are_noticed(monkeypatch):
    assert "the same value live and in batch, one look at a time and many" in of_mates(monkeypatch, lambda mates, _: mates[:1])


def test_mates_that_join_later_must_not_count(monkeypatch):
    broken = of_mates(monkeypatch, lambda mates, _: [replace(mate, joined=0) for mate in mates])
    assert "the same value live and in batch, one look at a time and many" in broken


def test_a_lead_that_is_a_mate_of_its_own_is_noticed(monkeypatch):
    broken = of_mates(monkeypatch, lambda members, _: [replace(member, lead_id=f"_{member.lead_id}") for member in members])
    assert "the same value live and in batch, one look at a time and many" in broken


def test_an_account_feature_without_an_account_must_be_missing(monkeypatch):
    monkeypatch.setattr("features.laws.compute", altered(lambda values, *_: np.nan_to_num(values)))
    assert "a missing value without an account" in broken_laws("account_any_count_7d", WITH_MATES)


def test_a_batch_that_forgets_the_mates_of_other_pieces_is_noticed(monkeypatch):
    def household(world, leads):
        return replace(world, people=tuple(replace(one, account=f"{place}") for place, one in enumerate(world.people)))

    monkeypatch.setattr(law_worlds.DrawnWorld, "household", household)
    found = broken_laws("account_any_count_all", WITH_MATES)
    assert found == {"the same value however leads are split into batches"}
