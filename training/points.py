"""The points that a lead gets by hand: a default for the usual behaviours, what the workspace says, and its ideal customer.

Points are log-odds: 0.7 doubles the odds. The default is a guess, measured only for its size; whatever can be learnt replaces it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from features.definition import Definition
from features.errors import InputError
from features.feature import Feature, FeatureSet
from features.names import nearest
from features.workspace import Workspace
from features.workspaces.behaviours import ANY
from features.workspaces.conditions import holds, text
from features.workspaces.points import IDEAL_CUSTOMER, Asked, read_line
from models.columns import ColumnSpec
from models.scorecard import Rule, Scorecard

DEFAULT_POINTS = {
    "any_active_days_7d >= 2": 0.25,
    "any_active_days_7d >= 4": 0.25,
    "any_recency_h >= 72": -0.35,
    "any_recency_h >= 168": -0.35,
    "core_use": 0.2,
    "core_use_active_days_7d >= 3": 0.2,
    "core_use_distinct_names_all >= 3": 0.2,
    "core_use_distinct_names_all >= 6": 0.2,
    "milestone": 0.3,
    "milestone_distinct_names_all >= 2": 0.2,
    "purchase_intent": 0.35,
    "purchase_intent_count_7d": 0.2,
    "purchase_intent_count_all >= 3": 0.3,
    "add_on": 0.35,
    "collaboration": 0.3,
    "profile": 0.1,
    "education": 0.1,
    "community": 0.1,
    "support": 0.05,
    "positive_feedback": 0.25,
    "negative_feedback": -0.25,
    "advocacy": 0.25,
    "marketing": 0.05,
    "sales": 0.4,
    "account_any_people_7d >= 2": 0.2,
    IDEAL_CUSTOMER: 0.5,
}
"""Points of the fixed vocabulary; a line of the workspace replaces the one of the same condition, and 0 takes it away."""

COUNTED_IN_FULL = 12
"""Up to so many columns the points of the default count in full, of more only this many columns' worth.

Behaviours go together, so the more of them are mapped the more often the same zeal is counted. By their calibration slope these
points ought to be multiplied by .59 to .69 on five simulated products (21 columns), 1.24 [1.13, 1.38] on OULAD (9 columns) and
2.4 [2.1, 2.8] on 365 (5 columns): nearly 12 divided by the columns, each time. With fewer than 12 they are not raised: on relax
(3 columns) they rank no better than chance. With 21 the calibration error at the right base rate falls from .041 to .020 by it.
What a workspace states counts as stated.
"""

_Codes = Mapping[str, tuple[str, ...]]


def asked_values(ws: Workspace) -> dict[str, set[str]]:
    """Return the values of category attributes that points or the ideal customer name: they are known however rare they are."""
    found: dict[str, set[str]] = {}
    for line in map(read_line, ws.scorecard.points):
        if line.operator == "=":
            found.setdefault(line.name, set()).add(line.value)
    for name, conditions in ws.ideal_customer.items():
        for operator, wanted in conditions.items():
            if operator in ("eq", "in"):
                found.setdefault(name, set()).update(text(one) for one in (wanted if isinstance(wanted, tuple) else (wanted,)))
    return {name: values for name, values in found.items() if ws.attributes.get(name) == "category"}


def hand_made_card(ws: Workspace, features: FeatureSet, columns: Iterable[ColumnSpec]) -> Scorecard:
    """Return the card of a workspace over the columns that there are; a line of the file that names no feature is refused."""
    places = {column.name: place for place, column in enumerate(columns)}
    given = {read_line(line): points for line, points in ws.scorecard.points.items()}
    usual = {read_line(line): points for line, points in DEFAULT_POINTS.items()}
    # An attribute may be called as a behaviour is (education, sales), and means something else.
    lines = {line: points for line, points in usual.items() if line.name not in ws.attributes} | given
    for line in given:
        if _column(line, features) not in features.places and line.name != IDEAL_CUSTOMER:
            raise _no_feature(line, features)
    rules = {line: _rules_of(ws, features, places, line, points) for line, points in lines.items()}
    guessed = [line for line in lines if line not in given and line.name != IDEAL_CUSTOMER]
    counted = {rule.column for line in guessed for rule in rules[line]}
    share = min(1.0, COUNTED_IN_FULL / max(len(counted), 1))
    for line in guessed:
        rules[line] = [replace(rule, points=rule.points * share) for rule in rules[line]]
    return Scorecard(0.0, tuple(rule for of_line in rules.values() for rule in of_line if rule.points))


def _rules_of(ws: Workspace, features: FeatureSet, places: Mapping[str, int], line: Asked, points: float) -> list[Rule]:
    """Return the rules of one line, none where its column is not there."""
    if line.name == IDEAL_CUSTOMER and IDEAL_CUSTOMER not in features.places:
        return _ideal_customer(ws, features, places, points)
    name = _column(line, features)
    if name not in features.places or name not in places:
        return []
    return _rules(features[name], places[name], line, points, features.definition)


def _column(line: Asked, features: FeatureSet) -> str:
    """Return the column that a line asks for: a behaviour by itself is asked whether it was ever seen."""
    if line.name in features.places:
        return line.name
    source = features.definition.behaviours.get(line.name)
    if line.name == ANY or (source is not None and source.events):
        return f"{line.name}_count_all"
    return "profile_filled" if line.name == "profile" else f"{line.name}_profile_filled"


def _rules(feature: Feature, place: int, asked: Asked, points: float, definition: Definition) -> list[Rule]:
    if feature.kind == "category":
        if asked.operator != "=":
            raise _wrong(asked, f"{feature.name} = VALUE, since it is a category")
        codes = _codes(definition.categories, feature.name, {"eq": asked.value})
        return [Rule(place, points, codes=codes)] if codes else []
    try:
        value = float(asked.value or 0.0)
    except ValueError:
        raise _wrong(asked, "a number, since the column is one") from None
    low, high = _range({_OPERATORS[asked.operator]: value})
    return [Rule(place, points, low, high)]


_OPERATORS = {"": "gt", ">": "gt", ">=": "ge", "<": "lt", "<=": "le", "=": "eq"}


def _range(conditions: Mapping[str, float]) -> tuple[float | None, float | None]:
    """Return the closed range of numbers that fulfil all conditions."""
    lows, highs = [], []
    for operator, value in conditions.items():
        if operator in ("ge", "gt", "eq"):
            lows.append(math.nextafter(value, math.inf) if operator == "gt" else value)
        if operator in ("le", "lt", "eq"):
            highs.append(math.nextafter(value, -math.inf) if operator == "lt" else value)
    return max(lows, default=None), min(highs, default=None)


def _codes(categories: _Codes, name: str, conditions: Mapping[str, object]) -> tuple[int, ...]:
    """Return the codes of the values that fulfil all conditions; code 0 is any other value."""
    known = enumerate(categories.get(name, ()), start=1)
    return tuple(code for code, value in known if all(holds(value, operator, wanted) for operator, wanted in conditions.items()))


def _ideal_customer(ws: Workspace, features: FeatureSet, places: Mapping[str, int], points: float) -> list[Rule]:
    """Spread the points over the conditions: a lead that meets half of them gets half of the points."""
    rules: list[Rule] = []
    for name, conditions in ws.ideal_customer.items():
        share = points / len(ws.ideal_customer)
        if name not in places:
            continue
        if features[name].kind == "category":
            codes = _codes(features.definition.categories, name, conditions)
            rules += [Rule(places[name], share, codes=codes)] if codes else []
            continue
        numbers = {key: value for key, value in conditions.items() if isinstance(value, int | float)}
        among = conditions.get("in")
        if len(numbers) < len(conditions) - (among is not None):
            raise InputError(
                f"ideal_customer.{name} asks for a text",
                given=", ".join(conditions),
                expected="numbers, since the attribute is one",
                do="write for example {ge: 10}",
            )
        low, high = _range(numbers)
        if among is None:
            rules.append(Rule(places[name], share, low, high))
        else:
            values = [float(one) for one in (among if isinstance(among, tuple) else (among,)) if not isinstance(one, str)]
            kept = [one for one in values if (low is None or one >= low) and (high is None or one <= high)]
            rules += [Rule(places[name], share, one, one) for one in kept]
    return rules


def _no_feature(line: Asked, features: FeatureSet) -> InputError:
    near = nearest(line.name, (*features.names, *features.definition.behaviours))
    return InputError(
        "a line of scorecard.points names no feature",
        given=f"'{line.text}'",
        expected="a behaviour, or a column that trialwise features gives",
        do=f"did you mean '{near}'?" if near else "correct or delete the line",
    )


def _wrong(line: Asked, expected: str) -> InputError:
    return InputError("a line of scorecard.points cannot be asked", given=f"'{line.text}'", expected=expected, do="correct it")
