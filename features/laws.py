"""The laws that every feature obeys, checked on drawn worlds. Run `check_features` on a workspace's own features too.

Each law is one way of computing the same numbers once more: for one lead at a time, without compiled code, in pieces, with the
events in another order or twice, without what came later, without the other features or behaviours. Every value must be equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from features.catalog import feature_set
from features.catalog_families import NEVER_MISSING, NO_ACCOUNT
from features.errors import StoppedError
from features.feature import ACCOUNT, TRIAL_AGE, Feature, FeatureSet
from features.history import EventRow, Plan, Row, build_history
from features.kernel import look_uncompiled
from features.law_worlds import DrawnWorld, draw_world
from features.layout import laid_out
from features.matrix import LiveAccount, LiveLead, LiveMate, compute, compute_one
from features.selectors import OWN
from features.workspace import load_workspace
from features.workspaces.behaviours import ANY, VOCABULARY

Floats = NDArray[np.float64]
Breach = tuple[Feature, str, str]
"""A feature, the law that it breaks, and what was seen."""

_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,99}")


def check_features(features: FeatureSet, *, looks: int = 20, seed: int = 0) -> None:
    """Check every law on every feature, on leads drawn from a seed; refuse with the feature, the law and the evidence.

    >>> from pathlib import Path
    >>> from features.catalog import feature_set
    >>> from features.workspace import parse_workspace
    >>> workspace = parse_workspace("{name: acme, data: {events: {source: e.csv, lead: l, name: n, at: t}}}", Path())
    >>> check_features(feature_set(workspace.definition()), looks=2)
    """
    _stop_at_the_first(breaches(features, features.features, looks, seed))


def check_feature(features: FeatureSet, name: str, *, looks: int = 20, seed: int = 0) -> None:
    """Check every law on one feature."""
    _stop_at_the_first(breaches(features, (features[name],), looks, seed))


def check_workspace(workspace: str | Path, *, looks: int = 20, seed: int = 0) -> int:
    """Check every law on every feature of a workspace file, its own lines too; return how many features there are."""
    features = feature_set(load_workspace(workspace).definition())
    check_features(features, looks=looks, seed=seed)
    return len(features)


def _stop_at_the_first(found: Iterator[Breach]) -> None:
    for feature, law, evidence in found:
        raise StoppedError(
            f"feature '{feature.name}' breaks a law",
            given=evidence,
            expected=law,
            do="report this with the line of the workspace file",
        )


def breaches(features: FeatureSet, asked: Sequence[Feature], looks: int, seed: int) -> Iterator[Breach]:
    """Yield each law that one of some features breaks, with what was seen."""
    random = Random(seed)  # noqa: S311 - drawn examples, not secrets
    for feature in asked:
        yield from ((feature, law, evidence) for law, evidence in _broken_words(features, feature))
    world = draw_world(features, random, looks)
    matrix = compute(features, world.tables(), world.lead, world.as_of)
    for feature in asked:
        column = matrix.values[:, features.index(feature.name)]
        yield from ((feature, law, evidence) for law, evidence in _broken_limits(feature, column))
        yield from ((feature, law, evidence) for law, evidence in _broken_rule(world, feature, column))
    for law, other in _ways(features, asked, world, random):
        for feature in asked:
            if feature.name in other:
                column = matrix.values[:, features.index(feature.name)]
                differing = np.flatnonzero(
                    ~((column == other[feature.name]) | (np.isnan(column) & np.isnan(other[feature.name])))
                )
                for row in differing[:1]:
                    yield feature, law, f"{float(column[row])!r} and {float(other[feature.name][row])!r}"


def _broken_words(features: FeatureSet, feature: Feature) -> Iterator[tuple[str, str]]:
    """Look at what a feature says of itself."""
    attribute = feature.quotient is None
    definition = features.definition
    if not attribute and not _COLUMN.fullmatch(feature.name):
        yield "a name that is a column: small letters, digits and _", repr(feature.name)
    if " " not in feature.meaning or (not attribute and feature.meaning[0] == feature.meaning[0].lower()):
        yield "a meaning that is a sentence", repr(feature.meaning)
    if not np.isfinite(feature.lower) or not np.isfinite(feature.upper) or feature.lower > feature.upper:
        yield "finite bounds", f"{feature.lower} to {feature.upper}"
    players = (feature.name,) if attribute else (ANY, TRIAL_AGE, *VOCABULARY, *definition.behaviours)
    if feature.player not in ((ACCOUNT,) if feature.over == "mates" else players):
        yield "a player: a behaviour, any, the account, the trial's age or the attribute itself", repr(feature.player)
    by_age, by_account = "before the trial" in feature.missing, feature.missing.startswith(NO_ACCOUNT)
    if by_age != (feature.min_age_us > 0) or by_account != (feature.over == "mates") or not _says_when(feature.missing):
        yield "a missing rule that says when there is no value", repr(feature.missing)


def _says_when(rule: str) -> bool:
    return rule == NEVER_MISSING or any(word in rule for word in ("while ", "before ", NO_ACCOUNT))


def _broken_limits(feature: Feature, column: Floats) -> Iterator[tuple[str, str]]:
    """Look whether values leave what they can be. Bounds that a model learnt say what it saw, not what there can be."""
    low, high = (feature.quotient.low, feature.quotient.high) if feature.quotient else (-1e15, 1e15)
    for value in column[(column < low) | (column > high)][:1]:
        yield f"a value within {low} and {high}", repr(float(value))


def _broken_rule(world: DrawnWorld, feature: Feature, column: Floats) -> Iterator[tuple[str, str]]:
    """Look whether values are missing exactly when the missing rule says so."""
    if feature.quotient is None:
        return
    mates = feature.over == "mates"
    for row, (place, as_of) in enumerate(zip(world.lead.tolist(), world.as_of.tolist(), strict=True)):
        live = _as_known(world.live(row), as_of)
        young = as_of - live.started_at < feature.min_age_us
        seen = [one for mate in _mates(live) for one in mate.events] if mates else live.events
        nothing = "while there is no" in feature.missing and not seen
        must = young or nothing or (mates and live.account is None)
        if must and not np.isnan(column[row]):
            yield f"a missing value {feature.missing}", f"{float(column[row])!r} of {world.people[place].lead_id}"
        elif not must and "while " not in feature.missing and np.isnan(column[row]):
            yield f"a value, which is missing only {feature.missing}", f"none for {world.people[place].lead_id}"


def _mates(live: LiveLead) -> list[LiveMate]:
    return [] if live.account is None else [one for one in live.account.members if one.lead_id != live.lead_id]


def _ways(
    features: FeatureSet, asked: Sequence[Feature], world: DrawnWorld, random: Random
) -> Iterator[tuple[str, dict[str, Floats]]]:
    """Yield each other way of computing the same columns, with the law that says that they are the same."""
    definition, plan, tables = features.definition, features.plan, world.tables()
    lives = [world.live(row) for row in range(len(world.lead))]

    def one_by_one(told: Callable[[LiveLead, int], LiveLead], **how: Callable[..., None]) -> dict[str, Floats]:
        rows = [
            compute_one(features, plan, told(live, as_of), as_of, **how).values[0]
            for live, as_of in zip(lives, world.as_of.tolist(), strict=True)
        ]
        return _columns(features, np.array(rows).reshape(len(rows), len(features)))

    yield "the same value live and in batch, one look at a time and many", one_by_one(lambda live, _: live)
    yield "the same value compiled and uncompiled", one_by_one(lambda live, _: live, look=look_uncompiled)
    yield "the same value in any order of the events", one_by_one(lambda live, _: _shuffled(live, random))
    yield "the same value whatever happened or became known later", one_by_one(_as_known)
    again = compute(features, world.tables(twice=random), world.lead, world.as_of)
    yield "the same value when messages come twice", _columns(features, again.values)
    yield "the same value however leads are split into batches", _columns(features, _in_pieces(features, world, random))
    history = None if definition.undated else build_history(plan, tables.events, len(tables.leads))
    alone = {}
    for feature in asked:
        only = compute(laid_out(definition, (feature,), plan), tables, world.lead, world.as_of, history=history)
        alone[feature.name] = only.values[:, 0]
    yield "the same value in company of other features", alone
    for behaviour in definition.behaviours:
        without = _without(features, asked, behaviour)
        if without.features:
            fewer = compute(without, tables, world.lead, world.as_of)
            yield f"the same value without the behaviour {behaviour}", _columns(without, fewer.values)


def _columns(features: FeatureSet, values: Floats) -> dict[str, Floats]:
    return {name: values[:, place] for place, name in enumerate(features.names)}


def _shuffled(live: LiveLead, random: Random) -> LiveLead:
    account = live.account
    if account is not None:
        account = LiveAccount(
            replace(member, events=random.sample([*member.events], len(member.events)))
            for member in random.sample(account.members, len(account.members))
        )
    return replace(live, events=random.sample([*live.events], len(live.events)), account=account)


def _as_known(live: LiveLead, as_of: int) -> LiveLead:
    """Return what had happened and was known at an instant."""
    account = live.account
    if account is not None:
        account = LiveAccount(replace(one, events=_known(one.events, as_of)) for one in account.members if one.joined <= as_of)
    return replace(
        live,
        trial_ends=[(end, since) for end, since in live.trial_ends if since <= as_of],
        attributes={name: (value, since) for name, (value, since) in live.attributes.items() if since <= as_of},
        events=_known(live.events, as_of),
        account=account,
    )


def _known(events: Sequence[Row], as_of: int) -> list[EventRow]:
    return [row for row in map(EventRow._make, events) if row.at <= as_of and row.known <= as_of]


def _in_pieces(features: FeatureSet, world: DrawnWorld, random: Random) -> Floats:
    """Compute the looks in pieces, each from tables that know only the accounts of its own leads."""
    values = np.empty((len(world.lead), len(features)))
    rows = random.sample(range(len(world.lead)), len(world.lead))
    while rows:
        size = random.randint(1, 8)
        piece, rows = np.array(rows[:size]), rows[size:]
        part = world.household(world.lead[piece])
        values[piece] = compute(features, part.tables(), world.lead[piece], world.as_of[piece]).values
    return values


def _without(features: FeatureSet, asked: Sequence[Feature], behaviour: str) -> FeatureSet:
    """Return those features that a behaviour has no part in, under the definition without it."""
    definition = features.definition
    own = {
        name: one for name, one in definition.features.items()
        if behaviour not in (one.of, one.behaviour) and not one.family.endswith(f"ratio_to_{behaviour}")
    }  # fmt: skip
    fewer = definition.model_copy(
        update={
            "behaviours": {name: one for name, one in definition.behaviours.items() if name != behaviour},
            "features": own,
        }
    )
    kept = [
        feature
        for feature in asked
        if behaviour not in (feature.selector, feature.player)
        and not feature.family.endswith(f"ratio_to_{behaviour}")
        and (feature.selector is None or not feature.selector.startswith(OWN) or feature.selector.removeprefix(OWN) in own)
    ]
    return laid_out(fewer, kept, Plan(fewer))
