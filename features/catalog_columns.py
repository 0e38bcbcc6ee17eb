"""From a family and whose events it looks at to one column: its words, its limits, its missing rule, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

from features.catalog_families import FAMILIES, LEAD, MATE, NEVER_MISSING, NO_ACCOUNT, TOO_YOUNG, Family, Request
from features.clock import DAY_US
from features.definition import Definition
from features.errors import ColumnError
from features.feature import ACCOUNT, AGE, HAS_END, LEFT, ONE, TRIAL_AGE, Feature, Quotient, window_us
from features.selectors import OWN
from features.workspaces.behaviours import ANY
from features.workspaces.own_features import NEED_HOURS

_PARAMETER = re.compile(r"(reached)_([1-9][0-9]*)|(ratio_to)_(.+)")
_MOST_DAYS = 50_000.0


def family_feature(
    definition: Definition,
    words: Mapping[str, str],
    name: str,
    family: str,
    key: str,
    window: str,
    *,
    behaviour: str,
    did: str,
    mates: bool = False,
) -> Feature:
    """Build one feature of a family over the events of a selector: the lead's own, or those of its account mates.

    `behaviour` is the player of the lead's own features, and says which properties hold durations and amounts; the player of
    features over mates is the account.
    """
    found = _PARAMETER.fullmatch(family)
    family_name = (found[1] or found[3]) if found else family
    if family_name not in FAMILIES:
        raise _refuse(name, f"the family {family}", "a family that this version computes", "choose another family")
    one = FAMILIES[family_name]
    owner = behaviour if key.startswith(OWN) else key
    source = definition.behaviours.get(owner)
    below = found[4] if found and found[4] else ""
    ask = Request(
        key=key,
        window=window if one.windowed else "all",
        did=did,
        usual=len(definition.vocabulary.get(key.removeprefix(OWN), ())),
        traits=len(source.traits) if source else 0,
        below=below,
        below_did=words.get(below, below.replace("_", " ")),
        level=int(found[2]) if found and found[2] else 0,
        has_duration=bool(source and source.duration),
        has_amount=bool(source and source.amount),
    )
    _check(definition, name, family_name, one, ask, window, mates, owner)
    quotient = one.quotient(ask)
    low, high = definition.bounds.get(name, (quotient.low, quotient.high))
    return Feature(
        name=name,
        meaning=_meaning(one, ask, mates),
        player=ACCOUNT if mates else behaviour,
        family=family,
        selector=key,
        window=window if one.windowed else None,
        unit=one.unit,
        lower=low,
        upper=high,
        missing=_missing(one, window, mates),
        quotient=quotient,
        min_age_us=0 if not one.ages or window == "all" else one.ages * window_us(window),
        over="mates" if mates else "lead",
    )


def _meaning(one: Family, ask: Request, mates: bool) -> str:
    return (one.mates if mates and one.mates else one.meaning).format(
        Did=ask.did[0].upper() + ask.did[1:],
        did=ask.did,
        who=MATE if mates else LEAD,
        when=ask.when,
        times="once" if ask.level == 1 else f"{ask.level} times",
        below_did=ask.below_did,
    )


def _missing(one: Family, window: str, mates: bool) -> str:
    """Put the rules together by which a value is missing; over all time no trial is too young."""
    rules = [NO_ACCOUNT if mates else "", TOO_YOUNG[one.ages] if window != "all" else "", one.missing]
    *others, last = [rule for rule in rules if rule] or [NEVER_MISSING]
    return f"{', '.join(others)}, and {last}" if others else last


def _check(
    definition: Definition, name: str, family: str, one: Family, ask: Request, window: str, mates: bool, owner: str
) -> None:
    if mates and not definition.accounts:
        raise _refuse(name, "a feature over account mates, but no accounts", "data.leads.account", "map the account of the leads")
    if one.only == ("lead" if mates else "mates"):
        raise _refuse(name, *_WRONG_SIDE[family])
    if definition.resolution.events == "day" and family in NEED_HOURS:
        raise _refuse(name, f"{family} with resolution.events: day", "a family that needs no hours", "delete the line")
    if not one.windowed and window != "all":
        raise _refuse(
            name,
            f"{family}{f'_{ask.level}' if ask.level else ''} with window {window}",
            "no window for this family",
            "delete the window",
        )
    if family == "trend" and window == "all":
        raise _refuse(name, "trend over all time", "a window to compare with the one before it", "write for example window: 7d")
    if family.startswith("duration") and not ask.has_duration:
        raise _refuse(
            name,
            f"{family} of events without a duration",
            "a behaviour with duration: PROPERTY",
            _map("duration", definition, owner),
        )
    if family.startswith("amount") and not ask.has_amount:
        raise _refuse(
            name, f"{family} of events without an amount", "a behaviour with amount: PROPERTY", _map("amount", definition, owner)
        )
    if family == "profile_filled" and (not ask.traits or ask.key.startswith(OWN)):
        do = _map("traits", definition, "" if ask.key.startswith(OWN) else owner)
        raise _refuse(name, "profile_filled without traits", "a behaviour with traits: [NAME, ...]", do)
    if family == "ratio_to" and ask.below != ANY and ask.below not in definition.behaviours:
        raise _refuse(name, f"a ratio to {ask.below}", "a behaviour of the workspace", "map its events")


_WRONG_SIDE = {
    "profile_filled": ("profile_filled over account mates", "the lead's own profile", "write profile_filled without account_"),
    "people": ("people over the lead's own events", "a count of colleagues", "write account_people"),
}


def _map(key: str, definition: Definition, owner: str) -> str:
    """Return what to do where a behaviour does not say which property or traits it has."""
    what = "[NAME, ...]" if key == "traits" else "PROPERTY"
    return (
        f"add {key}: {what} to behaviours.{owner}" if owner in definition.behaviours else f"name a behaviour with {key}: {what}"
    )


def _refuse(name: str, given: str, expected: str, do: str) -> ColumnError:
    return ColumnError(name, f"feature '{name}' cannot be computed", given=given, expected=expected, do=do)


def trial_features(definition: Definition) -> list[Feature]:
    """Return the age of the trial and, where a trial has an end, the time left."""
    age = Quotient((1, AGE), (DAY_US, ONE), (0, ONE), 0.0, _MOST_DAYS)
    left = Quotient((1, LEFT), (DAY_US, HAS_END), (0, ONE), 0.0, _MOST_DAYS)
    found = [("trial_age_d", "Days since the trial began", age)]
    if definition.trial_days is not None:
        found.append(("trial_left_d", "Days until the trial ends, 0 after its end", left))
    features = []
    for name, meaning, quotient in found:
        low, high = definition.bounds.get(name, (quotient.low, quotient.high))
        features.append(Feature(name, meaning, TRIAL_AGE, name, None, None, "days", low, high, NEVER_MISSING, quotient=quotient))
    return features


def attribute_feature(definition: Definition, name: str, kind: str) -> Feature:
    """Return the column of an attribute: itself, known at sign-up."""
    low, high = definition.bounds.get(name, (-1e15, 1e15))
    if kind == "category":
        low, high = 0.0, float(max(1, len(definition.categories.get(name, ()))))
    return Feature(
        name=name,
        meaning=f"{name} of the lead, as first known",
        player=name,
        family="attribute",
        selector=None,
        window=None,
        unit="",
        lower=low,
        upper=high,
        missing="while it is not known",
        kind="category" if kind == "category" else "number",
    )
