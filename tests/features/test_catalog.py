from __future__ import annotations

from pathlib import Path

import pytest

from features.catalog import MOST_COLUMNS, WORDS, feature_set
from features.errors import InputError
from features.feature import window_words
from features.workspace import parse_workspace
from features.workspaces.behaviours import VOCABULARY
from tests.features.worlds import MAPPED, definition

SMALL = """
name: acme
data:
  events: {source: e.csv, lead: l, name: n, at: t, properties: [secs, money]}
behaviours: {sales: {events: [demo]}, profile: {traits: [name]}}
"""


def small(more: str = "", **learnt):
    return parse_workspace(SMALL + more, Path()).definition(**learnt)


def built_in(features):
    return [feature for feature in features.features if feature.quotient is not None]


def test_the_default_catalogue_has_at_most_120_columns_and_what_stages_need():
    features = feature_set(definition(every_family=False))
    assert 100 < len(built_in(features)) <= MOST_COLUMNS
    for name in MAPPED:
        assert f"{name}_count_all" in features.names
    some = {"any_sessions_all", "any_active_minutes_7d", "profile_filled", "trial_age_d", "trial_left_d", "milestone_reached_5"}
    assert some <= set(features.names)


def test_many_behaviours_of_ones_own_do_not_burst_the_catalogue():
    more = "".join(f"\n  own_{number}: {{events: [e{number}], phrase: did it}}" for number in range(80))
    text = SMALL.replace("{sales: {events: [demo]}, profile: {traits: [name]}}", more)
    features = feature_set(parse_workspace(text, Path()).definition())
    assert len(features) == MOST_COLUMNS
    assert all(f"own_{number}_count_all" in features.names for number in range(80))


def test_every_feature_is_whole():
    features = feature_set(definition(every_family=False))
    for feature in features.features:
        assert feature.lower <= feature.upper
        assert feature.meaning[0] != " "
        assert "{" not in feature.meaning
        assert feature.missing
    assert set(features.players) == {"any", *MAPPED, "trial_age", "country", "company_size"}
    assert [features.index(name) for name in features.names] == list(range(len(features)))


def test_every_fixed_behaviour_has_words():
    assert set(WORDS) == {"any", *VOCABULARY}


def test_meanings_are_in_plain_words():
    features = feature_set(definition(every_family=False))
    meaning = features["purchase_intent_count_7d"].meaning
    assert meaning == "Looked at the upgrade page or the prices in the last 7 days (times)"
    assert features["core_use_ratio_to_session_all"].player == "core_use"
    told = feature_set(definition(every_family=False), phrases={"onboarding": "took the tour"})
    assert told["onboarding_count_all"].meaning == "Took the tour so far (times)"
    assert "“onboarding”" in features["onboarding_count_all"].meaning
    assert window_words("12h") == "in the last 12 hours"


def test_only_mapped_behaviours_have_columns_and_excluded_ones_have_none():
    features = feature_set(small("exclude: [sales_recency_h, trial_left_d]"))
    assert {name.split("_")[0] for name in features.names} == {"any", "sales", "profile", "trial"}
    assert not {"profile_count_all", "sales_recency_h", "trial_left_d"} & set(features.names)


def test_by_day_there_are_no_hours():
    names = feature_set(small("resolution: {events: day}")).names
    assert not [name for name in names if "night" in name or "business" in name or "sessions" in name or "minutes" in name]
    assert "any_weekend_share_all" in names


def test_without_a_trial_there_is_no_time_left():
    assert "trial_left_d" not in feature_set(small("trial: {days: none}")).names


def test_an_undated_table_has_only_its_attributes():
    text = "name: x\ndata: {leads: {source: l.csv, id: id, converted: paid}}\nattributes: {site: category, size: number}"
    features = feature_set(parse_workspace(text, Path()).definition(categories={"site": ["a", "b"]}))
    assert features.names == ("site", "size")
    assert (features["site"].lower, features["site"].upper) == (0.0, 2.0)


def test_learnt_bounds_are_shown_and_do_not_limit_the_numbers():
    features = feature_set(small(bounds={"sales_count_all": (1.0, 7.0), "trial_age_d": (0.0, 3.0)}))
    feature = features["sales_count_all"]
    assert (feature.lower, feature.upper) == (1.0, 7.0)
    assert feature.quotient.high == 1e9
    assert features["trial_age_d"].upper == 3.0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{trend: sales}", "write for example window: 7d"),
        ("{recency_h: sales, window: 7d}", "delete the window"),
        ("{duration_sum_s: sales}", "map the duration"),
        ("{amount_mean: [demo], behaviour: sales}", "map the amount"),
        ("{profile_filled: sales}", "list the traits"),
        ("{account_count: sales}", "this version computes"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_a_sentence(line, words):
    with pytest.raises(InputError, match="feature 'mine' cannot be computed") as refusal:
        feature_set(small(f"features: {{mine: {line}}}"))
    assert words in str(refusal.value)


def test_a_definition_from_elsewhere_is_refused_too_where_a_workspace_would_be():
    ratio = small("features: {mine: {ratio_to_profile: sales}}")
    without = ratio.model_copy(update={"behaviours": {"sales": ratio.behaviours["sales"]}})
    with pytest.raises(InputError, match="a ratio to profile"):
        feature_set(without)
    night = small("features: {mine: {night_share: sales}}")
    by_day = small("resolution: {events: day}").model_copy(update={"features": night.features})
    with pytest.raises(InputError, match="with resolution"):
        feature_set(by_day)


@pytest.mark.parametrize("more", ["features: {any_count_all: {count: sales}}", "attributes: {sales_count_all: number}"])
def test_two_columns_of_one_name_are_refused(more):
    with pytest.raises(InputError, match="two columns have one name"):
        feature_set(small(more))


def test_a_feature_of_ones_own_is_one_line():
    features = feature_set(small("features: {demos_12h: {count: [Demo, tour.*], window: 12h, behaviour: sales}}"))
    feature = features["demos_12h"]
    assert (feature.player, feature.family, feature.window, feature.selector) == ("sales", "count", "12h", "feature:demos_12h")
    assert feature.meaning == "Did “demo / tour_*” in the last 12 hours (times)"
