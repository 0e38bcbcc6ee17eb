"""Every feature says something that people can read, whatever its value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from features.catalog import feature_set
from features.definition import Definition
from features.feature import Feature, FeatureSet
from features.workspace import Workspace, parse_workspace
from features.workspaces.behaviours import VOCABULARY
from features.workspaces.own_features import FAMILIES
from models.errors import ModelError
from models.phrasing import FOLDER, LANGUAGES, Phrasing, _words, own_words, typical_kinds

VALUES = (0.0, 1.0, 2.0, 1000.0, 0.004, 0.35, 0.5, 0.75, None)


def everything() -> Workspace:
    """A workspace with every behaviour, every family of every behaviour, and words of its own."""
    behaviours = "\n".join(
        f"  {name}: {{events: [{name}_event], duration: duration_s, amount: amount, reach: [1, 5], traits: [full_name]}}"
        for name in VOCABULARY
    )
    lines = []
    for name in (*VOCABULARY, "exports", "any"):
        for family in (*FAMILIES, "reached_3", "ratio_to_session"):
            windows = ["all"] if family in UNWINDOWED or family.startswith("reached") else ["7d", "1d", "12h"]
            windows += ["all"] if family in ("count", "night_share") else []
            lines += [
                f"  own_{name}_{family}_{window}: {{{family}: {name}, window: {window}}}"
                for window in windows
                if possible(name, family)
            ]
        for family in (*FAMILIES, "people", "reached_1", "reached_3", "ratio_to_session"):
            windows = ["all"] if family in UNWINDOWED or family.startswith("reached") else ["7d"]
            if possible(name, family) and family != "profile_filled":
                lines += [f"  mates_{name}_{family}: {{account_{family}: {name}, window: {window}}}" for window in windows]
    text = f"""
name: acme
data:
  leads: {{source: leads.csv, id: lead_id, started_at: at, account: org}}
  events: {{source: events.csv, lead: lead_id, name: event, at: at, properties: [duration_s, amount]}}
  conversions: {{source: conversions.csv, lead: lead_id, at: at}}
behaviours:
{behaviours}
  exports: {{events: [report_exported], duration: duration_s, amount: amount, phrase: "exported a report"}}
features:
{chr(10).join(lines)}
  own_events: {{count: [some_event, other_event], window: 7d, behaviour: core_use}}
  mates_events: {{account_people: [some_event, other_event], window: 7d}}
attributes: {{home_country: category, company_size: number}}
phrases: {{home_country: where they live, own_events: did something rare}}
"""
    return parse_workspace(text, Path())


RATIO = "Ran into trouble 0.25 times for each time that the lead opened the product in the last 7 days"
RATIO_OF_MATES = "Colleagues ran into trouble 0.25 times for each time that they opened the product in the last 7 days"
UNWINDOWED = ("recency_h", "time_to_first_h", "streak_current_d", "streak_longest_d", "profile_filled")


def possible(name: str, family: str) -> bool:
    """Tell whether a behaviour of the workspace has what a family needs."""
    if name == "any":
        return not family.startswith(("duration", "amount", "profile"))
    return (name, family) != ("exports", "profile_filled")


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return everything()


@pytest.fixture(scope="module")
def definition(workspace: Workspace) -> Definition:
    return workspace.definition(vocabulary={}, categories={"home_country": ("DE", "TR")}, bounds={})


@pytest.fixture(scope="module")
def features(definition: Definition) -> FeatureSet:
    return feature_set(definition)


@pytest.fixture(scope="module")
def phrasing(workspace: Workspace) -> Phrasing:
    return Phrasing("en", own_words(workspace.phrases, workspace.behaviours, "en"))


def feature(features: FeatureSet, name: str) -> Feature:
    return features[name]


@pytest.mark.parametrize("value", VALUES)
def test_every_feature_makes_a_sentence(
    value: float | None, features: FeatureSet, definition: Definition, phrasing: Phrasing
) -> None:
    families = set()
    for words in (phrasing, Phrasing()):
        for one in features.features:
            families.add(one.family)
            text = words.sentence(one, value, definition)
            assert text[0].isupper() or not text[0].isalpha(), text
            assert not set("_{}") & set(text), text
            assert "  " not in text, text
            assert not text.endswith((".", " ")), text
            for kind in ("share", "median"):
                assert not set("_{}") & set(words.typical(one, kind, value or 0.0))
    assert {*FAMILIES, "reached_3", "ratio_to_session", "trial_age_d", "trial_left_d", "attribute"} <= families


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("own_purchase_intent_count_7d", 3.0, "Looked at the upgrade page 3 times in the last 7 days"),
        ("own_purchase_intent_count_7d", 1.0, "Looked at the upgrade page once in the last 7 days"),
        ("own_purchase_intent_count_7d", 0.0, "Has not looked at the upgrade page in the last 7 days"),
        ("own_purchase_intent_count_1d", 1000.0, "Looked at the upgrade page 1,000 times in the last day"),
        ("own_purchase_intent_count_all", 0.0, "Has not looked at the upgrade page so far"),
        ("own_sales_count_12h", 2.0, "Talked with sales 2 times in the last 12 hours"),
        ("own_add_on_recency_h_all", None, "Has not taken an add-on yet"),
        ("own_add_on_recency_h_all", 0.5, "Last took an add-on less than an hour ago"),
        ("own_add_on_recency_h_all", 5.2, "Last took an add-on 5 hours ago"),
        ("own_add_on_recency_h_all", 72.0, "Last took an add-on 3 days ago"),
        ("own_core_use_duration_sum_s_7d", 7260.0, "Spent 2 hours using its features in the last 7 days"),
        ("own_core_use_duration_sum_s_7d", 61.0, "Spent 1 minute using its features in the last 7 days"),
        ("own_session_trend_7d", 0.9, "Opened the product more often in the last 7 days than in the 7 days before"),
        ("own_session_trend_7d", 0.1, "Opened the product less often in the last 7 days than in the 7 days before"),
        ("own_session_trend_7d", 0.52, "Opened the product as often in the last 7 days as in the 7 days before"),
        ("own_friction_reached_3_all", 0.0, "Has not run into trouble 3 times yet"),
        ("milestone_reached_1", 0.0, "Has not reached a milestone yet"),
        ("milestone_reached_1", 1.0, "Reached a milestone at least once"),
        ("milestone_reached_5", 1.0, "Reached a milestone at least 5 times"),
        ("own_session_trend_1d", 1.0, "Opened the product in the last day, but not in the day before"),
        ("own_session_trend_12h", 0.0, "Has not opened the product in the last 12 hours, but did in the 12 hours before"),
        ("any_count_3d", 61.0, "Took 61 actions in the last 3 days"),
        ("any_count_3d", 1.0, "Took 1 action in the last 3 days"),
        ("any_recency_h", 1.0, "Was last active 1 hour ago"),
        ("any_recency_h", None, "Has not been active yet"),
        ("any_active_minutes_7d", 61.0, "Was active for 61 minutes in the last 7 days"),
        ("any_active_minutes_7d", 0.35, "Was active for less than a minute in the last 7 days"),
        ("any_night_share_all", 0.0, "Was never active at night (22-6 h) so far"),
        ("any_night_share_all", 1.0, "Was active only at night (22-6 h) so far"),
        ("own_core_use_distinct_names_7d", 3.0, "Used 3 different features of the product in the last 7 days"),
        ("own_core_use_names_unused_7d", 2.0, "Has left 2 usual features of the product unused in the last 7 days"),
        ("own_sales_streak_longest_d_all", 1.0, "Never talked with sales on two days in a row"),
        ("own_sales_streak_current_d_all", 1.0, "Talked with sales today or yesterday, but not the day before"),
        ("own_add_on_amount_sum_7d", 61.0, "Took an add-on for 61 in total in the last 7 days"),
        ("own_add_on_amount_sum_7d", 0.0, "Has not taken an add-on for any amount in the last 7 days"),
        ("own_core_use_duration_mean_s_7d", 0.2, "Spent less than a second at a time using its features in the last 7 days"),
        ("own_friction_ratio_to_session_7d", 0.25, RATIO),
        ("own_friction_ratio_to_session_7d", None, "Has not opened the product in the last 7 days"),
        ("own_session_night_share_7d", 0.333, "Opened the product at night (22-6 h) 33 % of the time in the last 7 days"),
        ("own_exports_count_7d", 2.0, "Exported a report 2 times in the last 7 days"),
        ("own_exports_count_7d", 0.0, "Never exported a report in the last 7 days"),
        ("own_events", 2.0, "Did something rare 2 times in the last 7 days"),
        ("profile_filled", 0.5, "Has filled in 50 % of the profile"),
        ("trial_left_d", 0.0, "The trial is over"),
        ("trial_left_d", 2.5, "The trial has 2 days left"),
        ("company_size", 12.0, "Company size is 12"),
        ("company_size", None, "Company size is not known"),
        ("home_country", "DE", "Where they live is DE"),
        ("mates_core_use_people", 3.0, "3 colleagues used a feature of the product in the last 7 days"),
        ("mates_core_use_people", 1.0, "1 colleague used a feature of the product in the last 7 days"),
        ("mates_core_use_people", 0.0, "No colleague used a feature of the product in the last 7 days"),
        ("mates_core_use_people", None, "The account of the lead is not known"),
        ("mates_any_people", 3.0, "3 colleagues were active in the last 7 days"),
        ("mates_any_people", 1.0, "1 colleague was active in the last 7 days"),
        ("mates_any_count", 12.0, "Colleagues took 12 actions in the last 7 days"),
        ("mates_any_recency_h", 5.0, "A colleague was last active 5 hours ago"),
        ("mates_any_streak_longest_d", 3.0, "Colleagues were active on up to 3 days in a row"),
        ("mates_any_reached_3", 0.0, "Colleagues took fewer than 3 actions so far"),
        ("mates_exports_count", 2.0, "Colleagues exported a report 2 times in the last 7 days"),
        ("mates_exports_duration_sum_s", 60.0, "Colleagues spent 1 minute when they exported a report in the last 7 days"),
        ("mates_exports_recency_h", None, "No colleague exported a report yet, as far as we know"),
        ("mates_exports_reached_1", 0.0, "No colleague exported a report yet"),
        ("mates_purchase_intent_time_to_first_h", 0.0, "A colleague looked at the upgrade page by the lead's start"),
        ("mates_sales_night_share", 0.25, "Colleagues talked with sales at night (22-6 h) 25 % of the time in the last 7 days"),
        ("mates_friction_ratio_to_session", 0.25, RATIO_OF_MATES),
        ("mates_events", 2.0, "2 colleagues did “other event / some event” in the last 7 days"),
    ],
)  # fmt: skip
def test_sentences_read_well(
    name: str, value: float | str | None, text: str, features: FeatureSet, definition: Definition, phrasing: Phrasing
) -> None:
    assert phrasing.sentence(features[name], value, definition) == text


def test_events_of_one_line_are_named_without_their_underscores(features: FeatureSet, definition: Definition) -> None:
    text = Phrasing().sentence(features["own_events"], 2.0, definition)
    assert text == "Did “other event / some event” 2 times in the last 7 days"


def test_what_is_typical(features: FeatureSet, phrasing: Phrasing) -> None:
    assert phrasing.typical(features["own_session_count_7d"], "share", 0.0849) == "8 % of trials of this age do"
    told = phrasing.typical(features["own_session_recency_h_all"], "median", 30.0)
    assert told == "for a typical trial of this age it is 30 hours"
    assert phrasing.typical(features["own_session_trend_7d"], "median", 0.2) == "for a typical trial of this age it is less often"
    assert phrasing.typical(features["home_country"], "values", 0.001) == "under 1 % of leads have this value"
    assert phrasing.typical(features["company_size"], "median", 12.0) == "for a typical lead it is 12"
    assert phrasing.typical(features["own_session_count_7d"], "share", 0.0849, dated=False) == "8 % of leads do"
    assert phrasing.typical(features["mates_session_people"], "share", 0.0849) == "it is so for 8 % of trials of this age"
    assert phrasing.typical(features["mates_session_recency_h"], "median", 30.0) == told
    kinds = typical_kinds(features.features)
    assert (kinds["mates_session_people"], kinds["mates_session_recency_h"]) == ("share", "median")
    assert kinds["own_session_count_7d"] == "share"
    assert kinds["own_session_ratio_to_session_7d"] == kinds["company_size"] == "median"


def test_a_workspaces_words_come_in_its_languages(workspace: Workspace) -> None:
    phrases = {"a": {"de": "tat etwas", "en": "did something"}, "b": {"tr": "bir şey yaptı"}, "c": "did it", "d": {}}
    assert own_words(phrases, {}, "de") == {"a": "tat etwas", "b": "bir şey yaptı", "c": "did it"}
    assert own_words(phrases, {}, "tr")["a"] == "did something"
    assert own_words({}, workspace.behaviours, "en") == {"exports": "exported a report"}


def test_every_behaviour_has_its_words_and_languages_are_known() -> None:
    assert {*VOCABULARY, "any"} == set(_words("en")["behaviours"])
    for language in LANGUAGES:
        words = _words(language)
        for ours, english in ((words, _words("en")), (words["account"], _words("en")["account"])):
            assert ours["families"].keys() == english["families"].keys()
            for behaviour, families in ours["instead"].items():
                assert behaviour in words["behaviours"]
                for family, forms in families.items():
                    assert forms.keys() <= ours["families"][family].keys() | {"one", "zero"}
    assert (FOLDER / "en.yaml").exists()
    with pytest.raises(ModelError, match="no words for this language"):
        Phrasing("fr")


def test_a_column_is_named_as_people_would_write_it(features: FeatureSet, definition: Definition) -> None:
    def told(name: str, words: Phrasing) -> str:
        return words.sentence(replace(features["company_size"], name=name), 2.0, definition)

    assert told("companySize", Phrasing()) == "Company size is 2"
    assert told("company_size", Phrasing()) == "Company size is 2"
    assert told("taxID", Phrasing()) == "TaxID is 2"
    assert told("companySize", Phrasing(own={"companySize": "LinkedIn followers"})) == "LinkedIn followers is 2"
