"""Fit and behaviour: the two parts of one additive explanation, what a lead is and what it does.

The points of the attributes' players together are the fit, those of all other players (behaviours, activity as a whole, the
account, the age of the trial) the behaviour. Both are sums of the very Shapley values that the reasons show, so base + fit +
behaviour is the probability. The declared ideal customer stands beside it: which of its conditions a lead meets. It is no part
of the score.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from features.workspaces.conditions import Where, holds


def fit_and_behaviour(reasons: Iterable[Mapping[str, Any]], attributes: Collection[str]) -> dict[str, float]:
    """Return the points of probability of both parts, from all the reasons of a score.

    >>> told = [{"player": "country", "points": 0.1}, {"player": "core_use", "points": 0.25}, {"player": "any", "points": -0.05}]
    >>> fit_and_behaviour(told, {"country", "company_size"})
    {'fit': 0.1, 'behaviour': 0.2}
    """
    parts = {"fit": 0.0, "behaviour": 0.0}
    for reason in reasons:
        parts["fit" if reason["player"] in attributes else "behaviour"] += float(reason["points"])
    return parts


def conditions_met(attributes: Mapping[str, object], ideal: Where) -> dict[str, bool]:
    """Tell of each attribute that the ideal customer names whether a lead is as it should be; what is missing is not.

    >>> conditions_met({"country": "DE", "company_size": 12.0}, {"country": {"in": ["DE", "TR"]}, "company_size": {"ge": 50}})
    {'country': True, 'company_size': False}
    """
    return {
        name: all(holds(attributes.get(name), operator, wanted) for operator, wanted in asked.items())
        for name, asked in ideal.items()
    }
