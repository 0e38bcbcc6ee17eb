"""The catalogue: what Trialwise looks at in every lead, one line each, and the features that a workspace adds.

A column is named ``<behaviour or any>_<family>[_<window>]``: ``purchase_intent_count_7d`` is how many times the lead looked at
prices in the last 7 days. A behaviour that a workspace does not map has no columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from features.catalog_families import attribute_feature, family_feature, trial_features
from features.definition import Definition
from features.errors import InputError
from features.feature import Feature, FeatureSet
from features.history import Plan
from features.layout import program
from features.selectors import OWN
from features.workspaces.behaviours import ANY
from features.workspaces.own_features import NEED_HOURS

__all__ = ["MOST_COLUMNS", "WORDS", "Feature", "FeatureSet", "feature_set"]

MOST_COLUMNS = 120

WORDS = {
    "any": "did anything",
    "session": "opened the product",
    "core_use": "used a feature of the product",
    "milestone": "reached a milestone",
    "purchase_intent": "looked at the upgrade page or the prices",
    "add_on": "took an add-on",
    "support": "asked for support",
    "education": "learned about the product",
    "community": "took part in the community",
    "profile": "worked on the profile",
    "positive_feedback": "gave good feedback",
    "negative_feedback": "gave bad feedback",
    "collaboration": "worked with teammates",
    "advocacy": "recommended the product",
    "friction": "ran into trouble",
    "marketing": "answered marketing",
    "sales": "talked with sales",
}
"""What a lead did, in the past tense: the beginning of every meaning."""

EVERY_BEHAVIOUR = ("count_all", "recency_h", "count_7d")

ANYTHING = (
    "count_all", "count_1d", "count_3d", "count_7d", "active_days_7d", "active_days_all", "distinct_names_7d",
    "distinct_names_all", "recency_h", "time_to_first_h", "trend_1d", "trend_3d", "trend_7d", "streak_current_d",
    "streak_longest_d", "any_sessions_7d", "any_sessions_all", "any_active_minutes_7d", "any_active_minutes_all",
    "night_share_all", "weekend_share_all", "business_share_all",
)  # fmt: skip

SOME_BEHAVIOURS = {
    "core_use": (
        "active_days_all", "active_days_7d", "distinct_names_all", "distinct_names_7d", "names_unused_7d", "time_to_first_h",
        "count_1d", "count_3d", "trend_3d", "streak_longest_d", "ratio_to_session_all",
    ),
    "milestone": ("time_to_first_h", "distinct_names_all"),
    "purchase_intent": ("count_1d", "count_3d", "active_days_all", "time_to_first_h"),
    "session": ("active_days_all", "active_days_7d", "count_1d", "trend_3d"),
    "collaboration": ("active_days_all", "time_to_first_h"),
    "add_on": ("time_to_first_h",),
    "education": ("distinct_names_all",),
    "support": ("active_days_all",),
    "friction": ("ratio_to_core_use_7d",),
    "sales": ("time_to_first_h",),
}  # fmt: skip

WITH_DURATION = ("duration_sum_s_all", "duration_sum_s_7d", "duration_mean_s_all")
WITH_AMOUNT = ("amount_sum_all", "amount_mean_all")

_WINDOWED = re.compile(r"(.+)_(all|[0-9]+[dh])")


def feature_set(definition: Definition, *, phrases: Mapping[str, str] | None = None) -> FeatureSet:
    """Return every feature of a definition; `phrases` says what a lead did in behaviours of the workspace's own."""
    words = {**{name: f"did “{name.replace('_', ' ')}”" for name in definition.behaviours}, **WORDS, **(phrases or {})}
    built_in = () if definition.undated else _built_in(definition, words)
    own = () if definition.undated else _own(definition, words)
    attributes = [attribute_feature(definition, name, kind) for name, kind in definition.attributes.items()]
    features: dict[str, Feature] = {}
    for feature in (*built_in, *own, *attributes):
        if feature.name in features:
            raise InputError(
                "two columns have one name",
                given=f"'{feature.name}' twice",
                expected="a name of its own for every feature and attribute",
                do="rename or exclude one of them",
            )
        features[feature.name] = feature
    excluded = set(definition.exclude)
    kept = tuple(feature for feature in features.values() if feature.name not in excluded)
    plan = Plan(definition)
    places = {feature.name: place for place, feature in enumerate(kept)}
    return FeatureSet(definition, kept, plan, program(kept, plan, definition.gap_minutes), places)


def _built_in(definition: Definition, words: Mapping[str, str]) -> list[Feature]:
    """Return the default catalogue: the most important lines that fit, in the order of the behaviours."""
    kept = list(dict.fromkeys(_lines(definition)))[: MOST_COLUMNS - 2]
    behaviours = (ANY, *definition.behaviours)
    kept.sort(key=lambda line: behaviours.index(line[0]))  # stable: within a behaviour the order of importance stays
    columns = [_column(definition, words, behaviour, line) for behaviour, line in kept]
    return columns + trial_features(definition)


def _lines(definition: Definition) -> Iterator[tuple[str, str]]:
    """Yield behaviour and line, the most important first."""
    with_events = [name for name, behaviour in definition.behaviours.items() if behaviour.events]
    yield from ((name, "count_all") for name in with_events)
    by_day = definition.resolution.events == "day"
    yield from ((ANY, line) for line in ANYTHING if not (by_day and _split(line)[0] in NEED_HOURS))
    yield from ((name, line) for line in EVERY_BEHAVIOUR for name in with_events)
    for name, behaviour in definition.behaviours.items():
        if behaviour.traits:
            yield name, "profile_filled"
        if behaviour.events:
            yield from ((name, f"reached_{level}") for level in behaviour.reach)
    for name, lines in SOME_BEHAVIOURS.items():
        if name in with_events:
            yield from ((name, line) for line in lines if _possible(line, with_events))
    for name in with_events:
        behaviour = definition.behaviours[name]
        yield from ((name, line) for line in WITH_DURATION if behaviour.duration)
        yield from ((name, line) for line in WITH_AMOUNT if behaviour.amount)
        if name not in WORDS:
            yield name, "active_days_all"


def _possible(line: str, behaviours: list[str]) -> bool:
    family = _split(line)[0]
    return not family.startswith("ratio_to_") or family.removeprefix("ratio_to_") in behaviours


def _split(line: str) -> tuple[str, str]:
    """Return family and window of a line."""
    found = _WINDOWED.fullmatch(line)
    return (found[1], found[2]) if found else (line, "all")


def _column(definition: Definition, words: Mapping[str, str], behaviour: str, line: str) -> Feature:
    family, window = _split(line)
    # Families that carry their owner in their name are not told twice whose they are.
    name = line if line.startswith(f"{behaviour}_") else f"{behaviour}_{line}"
    return family_feature(definition, words, name, family, behaviour, window, behaviour, words[behaviour])


def _own(definition: Definition, words: Mapping[str, str]) -> list[Feature]:
    """Return the features of the workspace's own lines."""
    built = []
    for name, own in definition.features.items():
        key = own.of or OWN + name
        player = own.behaviour or ANY
        did = words.get(key) or "did “" + " / ".join(pattern.event for pattern in own.patterns) + "”"
        built.append(family_feature(definition, words, name, own.family, key, own.window, player, did))
    return built
