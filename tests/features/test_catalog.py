from __future__ import annotations

from pathlib import Path

import pytest

from features.catalog import MOST_COLUMNS, WORDS, feature_set
from features.errors import InputError
from features.feature import window_words
from features.workspace import parse_workspace
from features.workspaces.behaviours import VOCABULARY
from features.workspaces.own_features import FAMILIES
from tests.features.acme import ACME
from tests.features.worlds import MAPPED, definition

SMALL = """
name: acme
data:
  events: {source: e.csv, lead: l, name: n, at: t, properties: [secs, money]}
behaviours: {sales: {events: [demo]}, profile: {traits: [name]}}
"""


def small(more: str = "", **learnt):
    return parse_workspace(SMALL + more, Path()).definition(**learnt)


def with_accounts(more: str = "", **learnt):
    leads = "data:\n  leads: {source: l.csv, started_at: at, account: org}"
    return parse_workspace((SMALL + more).replace("data:", leads), Path()).definition(**learnt)


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
        (
            "{recency_h: sales, window: 7d}",
            "given recency_h with window 7d; expected no window for this family; delete the window",
        ),
        ("{reached_3: sales, window: 7d}", "given reached_3 with window 7d"),
        ("{duration_sum_s: sales}", "; add duration: PROPERTY to behaviours.sales."),
        ("{duration_sum_s: any}", "; name a behaviour with duration: PROPERTY."),
        ("{amount_mean: [demo], behaviour: sales}", "; add amount: PROPERTY to behaviours.sales."),
        ("{profile_filled: sales}", "; add traits: [NAME, ...] to behaviours.sales."),
        ("{profile_filled: [demo]}", "; name a behaviour with traits: [NAME, ...]."),
    ],
)
def test_what_cannot_be_computed_is_refused_with_its_line(line, words):
    with pytest.raises(InputError, match=r"^workspace.yaml line 7: feature 'mine' cannot be computed: given ") as refusal:
        small(f"features:\n  mine: {line}")
    assert words in str(refusal.value)


def test_a_definition_from_elsewhere_is_refused_too_where_a_workspace_would_be():
    ratio = small("features: {mine: {ratio_to_profile: sales}}")
    without = ratio.model_copy(update={"behaviours": {"sales": ratio.behaviours["sales"]}})
    with pytest.raises(InputError, match="a ratio to profile"):
        feature_set(without)
    mates = with_accounts("features: {mine: {account_count: sales}}").model_copy(update={"accounts": False})
    with pytest.raises(InputError, match=r"feature 'mine' cannot be computed.*map the account of the leads"):
        feature_set(mates)
    night = small("features: {mine: {night_share: sales}}")
    by_day = small("resolution: {events: day}").model_copy(update={"features": night.features})
    with pytest.raises(InputError, match="with resolution"):
        feature_set(by_day)


def test_families_of_the_other_side_are_refused_even_from_elsewhere():
    mine = with_accounts("features: {mine: {account_count: profile}}")
    for family, words in (("account_profile_filled", "without account_"), ("people", "write account_people")):
        forged = mine.features["mine"].model_copy(update={"family": family})
        with pytest.raises(InputError, match="cannot be computed") as refusal:
            feature_set(mine.model_copy(update={"features": {"mine": forged}}))
        assert words in str(refusal.value)
    unheard_of = mine.features["mine"].model_copy(update={"family": "median"})
    with pytest.raises(InputError, match="a family that this version computes"):
        feature_set(mine.model_copy(update={"features": {"mine": unheard_of}}))


def test_without_the_column_of_accounts_a_feature_over_mates_is_refused_with_its_line():
    with pytest.raises(InputError, match=r"line 6.*but no accounts.*map it as data\.leads\.account"):
        small("features: {mine: {account_people: sales}}")


def test_where_leads_have_accounts_there_are_columns_over_their_mates():
    features = feature_set(with_accounts())
    mates = [feature for feature in features.features if feature.over == "mates"]
    assert {feature.player for feature in mates} == {"account"}
    assert all(feature.name.startswith("account_") and feature.missing.startswith("without an account") for feature in mates)
    assert {"account_any_people_7d", "account_any_count_all", "account_any_recency_h", "account_sales_people_all"} <= set(
        features.names
    )
    assert "account_core_use_people_7d" not in features.names
    assert features["account_any_people_7d"].meaning == "Colleagues in the same account who did anything in the last 7 days"
    assert features["account_any_recency_h"].missing == "without an account, and while there is no such event"
    assert not [name for name in feature_set(small()).names if name.startswith("account")]


def test_with_accounts_and_everything_mapped_the_catalogue_still_fits():
    text = ACME.replace("features: ", "# ")
    features = feature_set(parse_workspace(text, Path(), environment={"HOOK_SECRET": "s"}).definition())
    assert len(built_in(features)) <= MOST_COLUMNS
    assert len([name for name in features.names if name.startswith("account_")]) == 13
    assert {"milestone_reached_10", "core_use_distinct_names_7d", "core_use_names_unused_7d"} <= set(features.names)


def test_a_feature_over_mates_is_one_line_too():
    features = feature_set(with_accounts("features: {team_demos_7d: {account_people: [demo], window: 7d}}"))
    feature = features["team_demos_7d"]
    assert (feature.player, feature.family, feature.window, feature.over) == ("account", "people", "7d", "mates")
    assert feature.meaning == "Colleagues in the same account who did “demo” in the last 7 days"


def test_a_single_event_is_one_line_for_every_family():
    more = "".join(
        f"\n  event_report_exported_{family}: {{{family}: [report_exported]{'' if family != 'trend' else ', window: 7d'}}}"
        for family in (*FAMILIES, "reached_3", "ratio_to_sales")
        if not family.startswith(("duration", "amount", "profile"))
    )
    measured = "".join(
        f"\n  event_demo_{family}_7d: {{{family}: [demo], window: 7d}}"
        for family in FAMILIES
        if family.startswith(("dur", "amo"))
    )
    text = SMALL.replace("{events: [demo]}", "{events: [demo], duration: secs, amount: money}") + f"features:{more}{measured}\n"
    features = feature_set(parse_workspace(text, Path()).definition())
    own = [feature for feature in features.features if feature.name.startswith("event_")]
    assert len(own) == len(FAMILIES) + 1
    assert {feature.player for feature in own} == {"any", "sales"}
    assert features["event_report_exported_count"].meaning == "Did “report_exported” so far (times)"


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ("features:\n  any_count_all: {count: sales}", "any_count_all"),
        ("attributes:\n  sales_count_all: number", "sales_count_all"),
    ],
)
def test_the_name_of_a_built_in_column_is_refused_with_its_line(more, name):
    with pytest.raises(InputError, match=rf"^workspace.yaml line 7: '{name}' is a built-in column: .*; rename yours\.$"):
        small(more)


def test_a_feature_of_ones_own_is_one_line():
    features = feature_set(small("features: {demos_12h: {count: [Demo, tour.*], window: 12h, behaviour: sales}}"))
    feature = features["demos_12h"]
    assert (feature.player, feature.family, feature.window, feature.selector) == ("sales", "count", "12h", "feature:demos_12h")
    assert feature.meaning == "Did “demo / tour_*” in the last 12 hours (times)"


def test_features_of_other_conditions_read_differently():
    def meaning(events: str, phrases: dict[str, str] | None = None) -> str:
        line = f"features: {{mine: {{count: {events}, window: 10d, behaviour: sales}}}}"
        return feature_set(small(line), phrases=phrases)["mine"].meaning

    found = meaning('[{event: "web*", where: {secs: {ge: 600}}}]')
    assert found == "Did “web*” where secs >= 600 in the last 10 days (times)"
    found = meaning("[demo, {event: tour, where: {plan: [pro, team], seats: 5}}]")
    assert found == "Did “demo”, or “tour” where plan in (pro, team) and seats = 5 in the last 10 days (times)"
    asked = ["5", '"5"', "true", '"true"', "[a, b]", '"a, b"', '{glob: "a*"}', "{lt: 5}", "{le: 5}", "{ge: 5}", "{gt: 5}", "a"]
    assert len({meaning(f"[{{event: demo, where: {{x: {one}}}}}]") for one in asked}) == len(asked)
    assert meaning("[demo]", {"mine": "met us"}) == "Met us in the last 10 days (times)"


def test_a_feature_named_as_a_behaviour_does_not_take_its_words():
    features = feature_set(small("features: {sales: {count: [tour]}}"), phrases={"sales": "met us"})
    assert features["sales"].meaning == "Did “tour” so far (times)"


def test_while_nothing_is_usual_nothing_can_be_left_unused():
    line = "features: {early: {names_unused: sales, window: 7d}, ever: {names_unused: [demo], behaviour: sales}}"
    features = feature_set(small(line))
    assert features["early"].missing == "before the trial is that old, and while no event is usual yet"
    assert features["ever"].missing == "while no event is usual yet"
    assert features["ever"].quotient.below[0] == 0
    learnt = feature_set(small(line, vocabulary={"ever": ["demo"]}))
    assert (learnt["ever"].quotient.below[0], learnt["ever"].upper) == (1, 1.0)
