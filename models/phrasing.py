"""Phrasing: a feature and its value as one sentence, and what is typical of it, in the words of a language.

The words are data, one YAML file a language; a workspace's own words stand before them. A language without a file yet answers in
English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from features.definition import Definition
from features.feature import Feature
from features.selectors import OWN
from features.workspaces.own_words import own_words
from models.errors import ModelError

__all__ = ["LANGUAGES", "Phrasing", "own_words", "typical_kinds"]

LANGUAGES = ("en", "tr", "de")
FOLDER = Path(__file__).parent / "phrases"

PERCENT = frozenset({"night_share", "weekend_share", "business_share", "profile_filled"})
HOURS = frozenset({"recency_h", "time_to_first_h"})
DAYS = frozenset({"trial_age_d", "trial_left_d"})
SECONDS = frozenset({"duration_sum_s", "duration_mean_s"})
MEDIANS = (
    HOURS
    | DAYS
    | PERCENT
    | {"duration_mean_s", "amount_mean", "trend", "ratio_to", "names_unused", "attribute", "any_active_minutes"}
)
"""Families of which the median says more than the share of trials above 0."""

_PARAMETER = re.compile(r"(reached)_([0-9]+)|(ratio_to)_(.+)")
_CAMEL = re.compile(r"(?<=[a-z0-9])[A-Z](?=[a-z])")
_STEADY = 0.05


@cache
def _words(language: str) -> dict[str, Any]:
    if language not in LANGUAGES:
        raise ModelError(
            "There are no words for this language", given=language, expected=", ".join(LANGUAGES), do="choose one of them"
        )
    path = FOLDER / f"{language}.yaml"
    return dict(yaml.safe_load((path if path.exists() else FOLDER / "en.yaml").read_text(encoding="utf-8")))


def family_of(feature: Feature) -> tuple[str, str]:
    """Return a feature's family without its parameter, and the parameter."""
    if feature.family == "attribute":
        return ("category" if feature.kind == "category" else "attribute"), ""
    found = _PARAMETER.fullmatch(feature.family)
    return (found[1] or found[3], found[2] or found[4]) if found else (feature.family, "")


def typical_kinds(features: tuple[Feature, ...]) -> dict[str, str]:
    """Return, for each feature, whether its median or the share of trials above 0 is the thing to compare with."""
    return {feature.name: "median" if family_of(feature)[0] in MEDIANS else "share" for feature in features}


@dataclass(frozen=True)
class Phrasing:
    """The words of one language and of one workspace.

    `own` are a workspace's words for a behaviour or a feature, in the simple past: ``{"exports": "exported a report"}``.
    """

    language: str = "en"
    own: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _words(self.language)  # an unknown language is refused before any work begins

    def sentence(self, feature: Feature, value: float | str | None, definition: Definition) -> str:
        """Return what the lead did, with a capital letter and without a full stop."""
        family, parameter = family_of(feature)
        forms = self._forms(feature, family)
        kind = self._form(family, parameter, value)
        form = forms.get(kind) or (forms["other"] if kind != "missing" else _words(self.language)["unknown"])
        of = self._of(feature, definition)
        below = self._behaviour(parameter, definition) if family == "ratio_to" else {}
        text = form.format(
            **(of | {"doing": of["they_doing"]} if feature.over == "mates" else of),
            when=self._span("windows", feature.window),
            before=self._span("before", feature.window) if family == "trend" else "",
            n="" if value is None else self._value(family, value),
            times="" if value is None or isinstance(value, str) else self._unit("time", value),
            level=self._unit("time", int(parameter)) if family == "reached" else "",
            number=parameter,
            below_did=below.get("did", ""),
            below_they=below.get("they", ""),
            below_not_done=below.get("not_done", ""),
            name=self._name(feature.name),
            meaning=_spaced(feature.meaning),
        )
        return str(text[0].upper() + text[1:])

    def typical(self, feature: Feature, kind: str, number: float, *, dated: bool = True) -> str:
        """Return what is typical of a feature: a share of trials, or a median; what has no dates has no age to speak of."""
        words = _words(self.language)["typical"]
        shown = self._value(family_of(feature)[0], number) if kind == "median" else self._percent(number)
        if kind == "share" and feature.over == "mates":
            return str(words["mates_share"].format(n=shown))
        undated = kind != "values" and (not dated or feature.family == "attribute")
        return str(words[f"undated_{kind}" if undated else kind].format(n=shown))

    def _forms(self, feature: Feature, family: str) -> dict[str, str]:
        """Return the sentences of a family, with those that a behaviour has instead, unless the workspace words it."""
        words = _words(self.language)
        words = words["account"] if feature.over == "mates" else words
        told = feature.name in self.own or feature.selector in self.own
        instead = {} if told else words["instead"].get(feature.selector, {})
        return {**words["families"][family], **instead.get(family, {})}

    @staticmethod
    def _form(family: str, parameter: str, value: float | str | None) -> str:
        """Return which of a family's sentences a value takes."""
        if value is None:
            return "missing"
        if isinstance(value, str):
            return "other"
        if family == "trend":
            value = min(max(value, 0.0), 1.0)
        if family == "trend" and 0 < value < 1:
            return _towards(value)
        if family == "reached" and value == 0 and parameter == "1":
            return "never"
        return "zero" if value == 0 else "one" if value == 1 else "other"

    def _of(self, feature: Feature, definition: Definition) -> dict[str, str]:
        """Return the words of what a feature counts: its own, its events', or its behaviour's."""
        if feature.name in self.own and feature.selector is not None:
            return self._told(self.own[feature.name])
        return self._behaviour(feature.selector or "any", definition)

    def _behaviour(self, key: str, definition: Definition) -> dict[str, str]:
        words = _words(self.language)
        name = key.removeprefix(OWN)
        if name in self.own:
            return self._told(self.own[name])
        if key in words["behaviours"]:
            known = words["behaviours"][key]
            return {
                "they": known["did"],
                "they_doing": known["doing"],
                "not_done": words["not_done"].format(**known),
                **known,
            }
        own = definition.features.get(name) if key.startswith(OWN) else None
        events = " / ".join(pattern.event for pattern in own.patterns) if own else name
        return self._told(words["event"].format(name=_spaced(events)))

    def _name(self, name: str) -> str:
        """Return a workspace's own word for a column, else its name as people would write it: companySize is company size."""
        return _spaced(self.own.get(name) or _CAMEL.sub(lambda found: f" {found[0].lower()}", name))

    def _told(self, did: str) -> dict[str, str]:
        """Make the forms of words that are known in the simple past only."""
        words = _words(self.language)
        did = _spaced(did)
        forms = {form: words[form].format(did=did) for form in ("own_doing", "own_they_doing", "never")}
        return {
            "did": did,
            "they": did,
            "done": did,
            "not_done": forms["never"],
            "doing": forms["own_doing"],
            "they_doing": forms["own_they_doing"],
        }

    def _span(self, kind: str, window: str | None) -> str:
        words = _words(self.language)[kind]
        if window is None or window == "all":
            return str(words["all"])
        return _plural(words[window[-1]], int(window[:-1]))

    def _unit(self, unit: str, value: float) -> str:
        return _plural(_words(self.language)["units"][unit], value)

    def _value(self, family: str, value: float | str) -> str:
        """Return a value in the unit that people use."""
        units = _words(self.language)["units"]
        if isinstance(value, str):
            return value
        if family in PERCENT:
            return self._percent(value)
        if family == "trend":
            return str(units[_towards(value)])
        if family in HOURS:
            if value < 1:
                return str(units["under_an_hour"])
            return self._unit("hour", int(value)) if value < 48 else self._unit("day", int(value / 24))
        if family in DAYS:
            return str(units["under_a_day"]) if value < 1 else self._unit("day", int(value))
        if family in SECONDS:
            return self._duration(value) if value >= 1 else str(units["under_a_second"])
        if family == "any_active_minutes":
            return self._duration(value * 60) if value >= 1 else str(units["under_a_minute"])
        return _number(value)

    def _duration(self, seconds: float) -> str:
        unit, size = ("second", 1) if seconds < 60 else ("minute", 60) if seconds < 7200 else ("hour", 3600)
        return self._unit(unit, round(seconds / size))

    def _percent(self, share: float) -> str:
        units = _words(self.language)["units"]
        return str(units["under_a_percent"]) if 0 < share < 0.005 else str(units["percent"].format(n=round(share * 100)))


def _towards(trend: float) -> str:
    """Return what a trend says: less often than before, as often, or more often."""
    return "same" if abs(trend - 0.5) <= _STEADY else "more" if trend > 0.5 else "less"


def _plural(forms: Mapping[str, str], n: float) -> str:
    return forms["one"] if n == 1 else forms["other"].format(n=_number(n))


def _number(value: float) -> str:
    """Return a number for people: whole ones with thousands apart, others with three digits."""
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _spaced(text: str) -> str:
    return text.replace("_", " ")
