"""Phrasing: a feature and its value as one sentence, and what is typical of it, in the words of a language and of a workspace.

The words are data (`phrase_book.py`). What a feature says is put together once for each model, workspace and language; a sentence
then only needs its value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from features.definition import Definition
from features.feature import Feature
from features.workspaces.own_words import borrowed_words, own_words
from features.workspaces.schema import Workspace
from models.phrase_book import DYNAMIC, LANGUAGES, Book, Families, book_of, fill
from models.phrase_values import PERCENT, Values, ratio, towards, whole_days
from models.phrase_words import Words

__all__ = ["LANGUAGES", "Phrasing", "typical_kinds"]

MEDIANS = PERCENT | {
    "recency_h", "time_to_first_h", "trial_age_d", "trial_left_d", "duration_mean_s", "amount_mean", "trend", "ratio_to",
    "names_unused", "attribute", "any_active_minutes",
}  # fmt: skip
"""Families of which the median says more than the share of trials above 0."""

_MONEY = frozenset({"amount_sum", "amount_mean"})
_DO = frozenset({"count", "people"})
_PARAMETER = re.compile(r"(reached)_([0-9]+)|(ratio_to)_(.+)")
_HOLE = "\ue000"
"""Stands for the value while a template is filled; a private character, which no words have."""

Form = tuple[str, str, str]
"""What stands before the value and behind it, and which slot the value fills: n, times or none."""


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

    `own` are a workspace's words for a behaviour or a feature, in the simple past (German: or in the perfect):
    ``{"exports": "exported a report"}``; `borrowed` are those of them that are of another language, which are only quoted.
    """

    language: str = "en"
    own: Mapping[str, str] = field(default_factory=dict)
    borrowed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        book_of(self.language)  # an unknown language is refused before any work begins

    @classmethod
    def of(cls, ws: Workspace, language: str | None = None) -> Phrasing:
        """Return the words of a workspace in a language, its own by default."""
        told = language or ws.language
        own = own_words(ws.phrases, ws.behaviours, told)
        return cls(told, own, borrowed_words(ws.phrases, ws.behaviours, told, ws.language))

    def sentence(self, feature: Feature, value: float | str | None, definition: Definition, *, early: bool = False) -> str:
        """Return what the lead did, capitalised, without a full stop; `early` is a trial too young for the feature."""
        return self._told(feature, definition).sentence(value, early=early)

    def typical(self, feature: Feature, kind: str, number: float, value: float | str | None, definition: Definition) -> str:
        """Return what is typical beside a lead's value: the `share` of trials above 0, a `median`, or how many have it."""
        return self._told(feature, definition).typical(kind, number, value)

    def warning(self, code: str, **slots: str) -> str:
        """Return the text of a warning."""
        return book_of(self.language).warnings[code].format(**slots)

    def number(self, value: float) -> str:
        """Return a number as the language writes it."""
        return Values(book_of(self.language)).number(value)

    @cached_property
    def _shelves(self) -> dict[str, dict[str, Told]]:
        return {}

    def _told(self, feature: Feature, definition: Definition) -> Told:
        shelf = self._shelves.get(definition.fingerprint)
        if shelf is None:
            shelf = _shelf((self.language, tuple(sorted(self.own.items())), self.borrowed, definition.fingerprint)).told
            self._shelves[definition.fingerprint] = shelf
        told = shelf.get(feature.name)
        if told is None:
            words = Words(book_of(self.language), self.own, self.borrowed, definition)
            told = shelf[feature.name] = Told(words, feature)
        return told


@dataclass(frozen=True)
class _Shelf:
    """Where the features of one model, workspace and language stand."""

    key: tuple[object, ...]
    told: dict[str, Told] = field(default_factory=dict)


# A request's phrasing is made anew, its words are not.
_shelf = lru_cache(maxsize=64)(_Shelf)


class Told:
    """One feature in words, which waits for values."""

    def __init__(self, words: Words, feature: Feature) -> None:
        self._book, self._values = words.book, Values(words.book)
        self._family, self._parameter = family_of(feature)
        self._feature = feature
        self._mates = feature.over == "mates"
        self._by_day = words.definition.resolution.events == "day"
        self._known = frozenset(words.definition.categories.get(feature.name, ()))
        forms, behaviour = words.forms(feature)
        self._slots = {**forms, **self._slots_of(words)}
        self._templates = self._sentences(words.book, behaviour)
        # Filled when they are first said: most sentences of most features never are.
        self._filled: dict[tuple[str, str], Form] = {}
        # What is typical is one number for each age and category, so that it is said again and again.
        self._said: dict[tuple[str, float], str] = {}

    def sentence(self, value: float | str | None, *, early: bool = False) -> str:
        """Return what the lead did."""
        which = self._which(value, early)
        before, behind, slot = self._filled.get(("", which)) or self._sentence(which)
        if not slot or value is None:
            return before + behind
        told = self._say(value) if slot == "n" else self._values.times(float(value))
        return before + told + behind if before else self._capital(told) + behind

    def typical(self, kind: str, number: float, value: float | str | None) -> str:
        """Return what is typical."""
        mode = self._mode(kind, value)
        said = self._said.get((mode, number))
        if said is None:
            said = self._said[mode, number] = self._typical(kind, mode, number)
        return said

    def _typical(self, kind: str, mode: str, number: float) -> str:
        which = "zero" if number == 0 else "all" if number == 1 else self._values.almost(number) or "other"
        if kind == "median":
            said, which = self._say(number), ratio(number)[0] if self._family == "ratio_to" else "other"
        else:
            said = self._values.percent(number)
        filled = self._filled.get((mode, which))
        if filled is None:
            texts = self._book.typical[mode]  # type: ignore[index]
            filled = self._filled[mode, which] = self._parts(texts.get(which) or texts["other"])
        before, behind, slot = filled
        return before + said + behind if slot else before

    def _mode(self, kind: str, value: float | str | None) -> str:
        """Return which of the sentences on what is typical a value takes."""
        if kind == "median":
            if self._feature.family == "attribute":
                return "lead_median"
            return ("mates_" if self._mates else "") + ("ratio" if self._family == "ratio_to" else "median")
        if kind == "values":
            return "values" if value in self._known else "rare"
        lacking = not isinstance(value, str) and not value
        if self._family in _MONEY:
            return "mates_recorded" if self._mates else "recorded"
        if self._family == "reached" and self._parameter != "1":
            return "mates_reached" if self._mates else "reached"
        if self._mates:
            return "mates_lacking" if lacking else "mates"
        return "lacking" if lacking else "do" if self._family in _DO else "once"

    def _which(self, value: float | str | None, early: bool) -> str:
        """Return which of a family's sentences a value takes."""
        if value is None:
            return "early" if early and "early" in self._templates else "missing"
        if isinstance(value, str):
            return "other" if value in self._known else "rare"
        if self._family == "trend":
            return "zero" if value <= 0 else "one" if value >= 1 else towards(value)
        if self._family == "ratio_to":
            return ratio(value)[0]
        if self._family == "reached":
            return ("once" if value else "never") if self._parameter == "1" else "other" if value else "zero"
        if self._by_day and self._family in ("recency_h", "time_to_first_h"):
            return "other" if whole_days(self._family, value) else "zero"
        if self._family in PERCENT and (almost := self._values.almost(value)):
            return almost
        return "zero" if value == 0 or self._values.at_once(self._family, value) else "one" if value == 1 else "other"

    def _say(self, value: float | str) -> str:
        if isinstance(value, str):
            return value.replace("_", " ")
        if self._family == "attribute":
            return self._values.attribute(self._feature.name, value)
        return self._values.say(self._family, value, by_day=self._by_day)

    def _sentences(self, book: Book, behaviour: str) -> dict[str, str]:
        """Return the sentences of the family, with those that its words or its subject have instead."""
        layers: list[Families] = [{self._family: {"missing": book.unknown}}, book.families]
        layers += [book.instead.get(behaviour, {}) if behaviour else book.own_families]
        layers += [book.mates_families] if self._mates else []
        found = {name: text for layer in layers for name, text in layer.get(self._family, {}).items()}
        if self._mates:
            missing = found["missing"]
            if missing == book.unknown:
                found["missing"] = book.mates.unknown
            elif "{who}" in missing:
                found["missing"] = book.mates.doubt.replace("{text}", missing)
        return found

    def _slots_of(self, words: Words) -> dict[str, str]:
        """Return what the slots beside the behaviour's own forms stand for."""
        feature, book = self._feature, words.book
        subject = book.mates if self._mates else book.lead
        slots = {name: self._values.window(table, feature.window) for name, table in book.spans.items() if self._spans(table)}
        slots |= {"who": subject.who, "among": subject.among, "number": self._parameter, "name": words.name(feature.name)}
        slots |= dict.fromkeys(DYNAMIC, _HOLE)
        if self._family == "trend":
            slots["twice"] = self._values.window(book.spans["when"], feature.window, times=2)
        if self._family == "reached":
            slots["level"] = self._values.times(int(self._parameter))
            slots["number"] = self._values.number(int(self._parameter))
        if self._family == "ratio_to":
            below = words.behaviour(self._parameter)[0]
            slots |= {f"below_{form}": fill(text, {**below, "when": "{when}"}) for form, text in below.items()}
        return slots

    def _spans(self, table: Mapping[str, object]) -> bool:
        """Tell whether a span is one of this feature's window; over all time there is none before."""
        return self._feature.window not in (None, "all") or "all" in table

    def _sentence(self, which: str) -> Form:
        """Fill one of the family's sentences; what has none of its own is told as all other values are."""
        before, behind, slot = self._parts(self._templates.get(which) or self._templates["other"])
        form = self._filled["", which] = (self._capital(before) if before else ""), behind, slot
        return form

    def _parts(self, template: str) -> Form:
        """Fill a template but for its value, with single blanks, and tell which slot the value has."""
        filled = " ".join(fill(template, self._slots).split()).replace(" ,", ",").replace(" :", ":")
        before, hole, behind = filled.partition(_HOLE)
        return before, behind, ("times" if "{times}" in template else "n") if hole else ""

    def _capital(self, text: str) -> str:
        return self._book.capitals.get(text[0], text[0].upper()) + text[1:]
