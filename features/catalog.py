"""The catalogue: what Trialwise looks at in every lead, one line each, and the features that a workspace adds.

A column is named ``<behaviour or any>_<family>[_<window>]``: ``purchase_intent_count_7d`` is how many times the lead looked at
prices in the last 7 days. Before a column over the lead's account mates stands ``account_``. A behaviour that a workspace does
not map has no columns, and without accounts there are none over mates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from features.catalog_columns import attribute_feature, family_feature, trial_features
from features.catalog_words import events_words
from features.definition import Definition
from features.errors import ColumnError
from features.feature import Feature, FeatureSet
from features.history import Plan
from features.layout import laid_out
from features.selectors import OWN
from features.workspaces.behaviours import ANY
from features.workspaces.own_features import NEED_HOURS, over_mates, plain_family

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

ACCOUNT_MATES = {
    "any": ("people_7d", "people_all", "count_7d", "count_all", "active_days_7d", "recency_h"),
    "core_use": ("people_7d", "count_7d"),
    "purchase_intent": ("people_7d", "count_7d"),
    "collaboration": ("count_7d",),
    "milestone": ("people_all",),
    "sales": ("people_all",),
}
"""What colleagues in the same account do, where leads belong to accounts."""

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
            raise ColumnError(
                feature.name,
                f"'{feature.name}' is a built-in column",
                given="a feature or attribute of the same name",
                expected="a name that no other column has",
                do="rename yours",
            )
        features[feature.name] = feature
    excluded = set(definition.exclude)
    kept = tuple(feature for feature in features.values() if feature.name not in excluded)
    return laid_out(definition, kept, Plan(definition))


class _Line(NamedTuple):
    """One line of the default catalogue: a family with its window, over the events of a behaviour."""

    behaviour: str
    text: str
    mates: bool = False

    @property
    def family(self) -> str:
        found = _WINDOWED.fullmatch(self.text)
        return found[1] if found else self.text

    @property
    def window(self) -> str:
        found = _WINDOWED.fullmatch(self.text)
        return found[2] if found else "all"

    @property
    def column(self) -> str:
        # Families that carry their owner in their name are not told twice whose they are.
        name = self.text if self.text.startswith(f"{self.behaviour}_") else f"{self.behaviour}_{self.text}"
        return f"account_{name}" if self.mates else name


def _built_in(definition: Definition, words: Mapping[str, str]) -> list[Feature]:
    """Return the default catalogue: the most important lines that fit, in the order of the behaviours."""
    kept = list(dict.fromkeys(_lines(definition)))[: MOST_COLUMNS - 2]
    behaviours = (ANY, *definition.behaviours)
    # The sort is stable: within a behaviour the order of importance stays.
    kept.sort(key=lambda line: (line.mates, behaviours.index(line.behaviour)))
    columns = [
        family_feature(
            definition, words, line.column, line.family, line.behaviour, line.window,
            behaviour=line.behaviour, did=words[line.behaviour], mates=line.mates,
        )
        for line in kept
    ]  # fmt: skip
    return columns + trial_features(definition)


def _lines(definition: Definition) -> Iterator[_Line]:
    """Yield the lines, the most important first."""
    with_events = [name for name, behaviour in definition.behaviours.items() if behaviour.events]
    yield from (_Line(name, "count_all") for name in with_events)
    by_day = definition.resolution.events == "day"
    anything = (_Line(ANY, line) for line in ANYTHING)
    yield from (line for line in anything if not (by_day and line.family in NEED_HOURS))
    yield from (_Line(name, line) for line in EVERY_BEHAVIOUR for name in with_events)
    for name, behaviour in definition.behaviours.items():
        if behaviour.traits:
            yield _Line(name, "profile_filled")
        if behaviour.events:
            yield from (_Line(name, f"reached_{level}") for level in behaviour.reach)
    if definition.accounts:
        for name, lines in ACCOUNT_MATES.items():
            if name == ANY or name in with_events:
                yield from (_Line(name, line, mates=True) for line in lines)
    for name, lines in SOME_BEHAVIOURS.items():
        if name in with_events:
            yield from (_Line(name, line) for line in lines if _possible(line, with_events))
    for name in with_events:
        behaviour = definition.behaviours[name]
        yield from (_Line(name, line) for line in WITH_DURATION if behaviour.duration)
        yield from (_Line(name, line) for line in WITH_AMOUNT if behaviour.amount)
        if name not in WORDS:
            yield _Line(name, "active_days_all")


def _possible(line: str, behaviours: list[str]) -> bool:
    family = _Line("", line).family
    return not family.startswith("ratio_to_") or family.removeprefix("ratio_to_") in behaviours


def _own(definition: Definition, words: Mapping[str, str]) -> list[Feature]:
    """Return the features of the workspace's own lines."""
    built = []
    for name, own in definition.features.items():
        key = own.of or OWN + name
        # A phrase of the workspace may word one feature; under the name of a behaviour it words the behaviour.
        told = words.get(name) if name not in WORDS and name not in definition.behaviours else None
        did = told or words.get(own.of or "") or events_words(own.patterns)
        built.append(
            family_feature(
                definition, words, name, plain_family(own.family), key, own.window,
                behaviour=own.behaviour or ANY, did=did, mates=over_mates(own.family),
            )
        )  # fmt: skip
    return built
