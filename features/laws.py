"""The laws that every feature obeys, checked on drawn histories. Run `check_features` on a workspace's own features too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import numpy as np

from features.clock import DAY_US, HOUR_US
from features.errors import StoppedError
from features.feature import TRIAL_AGE, Feature, FeatureSet
from features.history import EventRow
from features.kernel import look_uncompiled
from features.layout import program
from features.matrix import LiveLead, compute_one
from features.workspaces.behaviours import ANY, VOCABULARY

_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,99}")
_START = 20_500 * DAY_US


def check_features(features: FeatureSet, *, looks: int = 20, seed: int = 0) -> None:
    """Check every law on every feature, on leads drawn from a seed; refuse with the feature, the law and the evidence.

    >>> from pathlib import Path
    >>> from features.catalog import feature_set
    >>> from features.workspace import parse_workspace
    >>> workspace = parse_workspace("{name: acme, data: {events: {source: e.csv, lead: l, name: n, at: t}}}", Path())
    >>> check_features(feature_set(workspace.definition()), looks=2)
    """
    for feature in features.features:
        if feature.quotient is not None:
            check_feature(features, feature.name, looks=looks, seed=seed)


def check_feature(features: FeatureSet, name: str, *, looks: int = 20, seed: int = 0) -> None:
    """Check every law on one feature."""
    feature = features[name]
    for law, evidence in _broken(features, feature, looks, Random(seed)):  # noqa: S311 - drawn examples, not secrets
        raise StoppedError(
            f"feature '{name}' breaks a law", given=evidence, expected=law, do="report this with the line of the workspace file"
        )


def _broken(features: FeatureSet, feature: Feature, looks: int, random: Random) -> Iterator[tuple[str, str]]:
    """Yield each law that does not hold, with what was seen."""
    if not _COLUMN.fullmatch(feature.name):
        yield "a name that is a column: small letters, digits and _", feature.name
    if " " not in feature.meaning or feature.meaning[0] == feature.meaning[0].lower():
        yield "a meaning that is a sentence", repr(feature.meaning)
    if not np.isfinite(feature.lower) or not np.isfinite(feature.upper) or feature.lower > feature.upper:
        yield "finite bounds", f"{feature.lower} to {feature.upper}"
    definition = features.definition
    if feature.player not in (ANY, TRIAL_AGE, *VOCABULARY, *definition.behaviours, *definition.attributes):
        yield "a player: a behaviour, any, the trial's age or an attribute", repr(feature.player)
    alone = FeatureSet(
        definition,
        (feature,),
        features.plan,
        program((feature,), features.plan, definition.gap_minutes),
        {feature.name: 0},
    )
    empty = LiveLead("empty", _START, [], {}, [])
    nothing = _value(alone, empty, _START)
    if feature.missing == "never" and np.isnan(nothing):
        yield "a value without any event, as its missing rule says", repr(nothing)
    if feature.missing.startswith("while there is no") and not np.isnan(nothing):
        yield "a missing value without any event, as its missing rule says", repr(nothing)
    low, high = (feature.quotient.low, feature.quotient.high) if feature.quotient else (feature.lower, feature.upper)
    for _ in range(looks):
        lead = _draw(features, random)
        as_of = _START + random.randrange(0, 20 * DAY_US)
        value = _value(alone, lead, as_of)
        if not (np.isnan(value) or low <= value <= high):
            yield f"a value within {low} and {high}", repr(value)
        others = {
            "the same value in company of the other features": float(
                compute_one(features, features.plan, lead, as_of).values[0, features.index(feature.name)]
            ),
            "the same value compiled and uncompiled": _value(alone, lead, as_of, slowly=True),
            "the same value in any order of the events": _value(
                alone, replace(lead, events=random.sample(list(lead.events), len(lead.events))), as_of
            ),
            "the same value whatever happened or became known later": _value(alone, _cut(lead, as_of), as_of),
        }
        for law, other in others.items():
            if other != value and not (np.isnan(other) and np.isnan(value)):
                yield law, f"{value!r} and {other!r}"


def _value(alone: FeatureSet, lead: LiveLead, as_of: int, *, slowly: bool = False) -> float:
    if slowly:
        return float(compute_one(alone, alone.plan, lead, as_of, look=look_uncompiled).values[0, 0])
    return float(compute_one(alone, alone.plan, lead, as_of).values[0, 0])


def _cut(lead: LiveLead, as_of: int) -> LiveLead:
    return replace(lead, events=[row for row in lead.events if row.at <= as_of and row.known <= as_of])


def _draw(features: FeatureSet, random: Random) -> LiveLead:
    """Draw a lead whose events are those that the definition asks for, some others, some late and some at one instant."""
    patterns = [pattern for selector in features.plan.selectors for pattern in selector.patterns]
    names = [pattern.event.replace("*", letter).replace("?", letter) for pattern in patterns for letter in "ab"]
    properties = sorted({prop for prop, _ in features.plan.numbers} | {prop for pattern in patterns for prop in pattern.where})
    rows = []
    for _ in range(random.randrange(60)):
        at = _START + random.randrange(-2 * DAY_US, 20 * DAY_US, random.choice((1, HOUR_US)))
        late = random.choice((0, 0, 0, random.randrange(3 * DAY_US)))
        values = {prop: random.choice((None, random.randrange(12), random.random() * 99)) for prop in properties}
        rows.append(EventRow(random.choice((*names, "something_else")), at, at + late, random.choice((1, 1, 3)), values))
    return LiveLead("drawn", _START, [], {}, rows)
