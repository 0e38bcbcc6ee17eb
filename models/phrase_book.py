"""The words of one language: `phrases/<language>.yaml`, read strictly once and kept.

A template is a text with slots in braces. A slot is a form of the feature's behaviour (`{did}`; of the one below the line of
a ratio, `{below_did}`), a span of its window (`{when}`, `{before}`; `{twice}` is {when} of a window twice as long), the
subject (`{who}`, or `{among}` where the sentence has none), or what is known only with the value: `{n}` the value as people
say it, or `{times}` the value as a number of times. `{level}` and `{number}` are the level of a milestone, `{name}` an
attribute. A form may hold `{when}`; `{not:yet}` is the form `not` with "yet" as its {when}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from features.workspaces.behaviours import ANY, VOCABULARY
from features.workspaces.yaml_lines import read_yaml
from models.errors import ModelError

LANGUAGES = ("en", "tr", "de")
FOLDER = Path(__file__).parent / "phrases"

DYNAMIC = ("n", "times")
"""Slots that are filled when the value is known; a template has at most one of them, once."""

_FIXED = frozenset({*DYNAMIC, "who", "among", "twice", "level", "number", "name"})
_OF_PHRASE = frozenset({"phrase", "label", "done", "head", "heads", "tail", "negated", "when"})


def _plural(forms: dict[str, str]) -> dict[str, str]:
    if "other" not in forms or not all(key in ("one", "other") or key[:1] == "=" for key in forms):
        raise ValueError("a plural has the forms other, one and =NUMBER")
    return forms


def _sentences(forms: dict[str, str]) -> dict[str, str]:
    if unknown := set(forms) - set(FORMS):
        raise ValueError(f"no form of a sentence: {', '.join(sorted(unknown))}")
    return forms


FORMS = ("zero", "few", "one", "most", "less", "same", "more", "never", "once", "other", "rare", "early", "missing")
"""For 0, for a share under 1 %, for 1, for a share over 99 %, for a trend or a ratio that falls, stays or rises, for level 1 of a
milestone not reached and reached, for all other values, for a category that is rare, for a trial too young for the feature, and
for no value."""

Plural = Annotated[dict[str, str], AfterValidator(_plural)]
Sentences = Annotated[dict[str, str], AfterValidator(_sentences)]
Families = dict[str, Sentences]
Modes = Literal[
    "do",
    "once",
    "lacking",
    "reached",
    "recorded",
    "mates",
    "mates_lacking",
    "mates_reached",
    "mates_recorded",
    "median",
    "ratio",
    "mates_median",
    "mates_ratio",
    "lead_median",
    "values",
    "rare",
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Numbers(_Section):
    """How numbers are written."""

    decimal: str
    group: str
    percent: str
    under: str
    """A share above 0 that rounds to 0 %."""
    over: str
    """A share below 1 that rounds to 100 %."""


class Units(_Section):
    """Durations, plain and as how long ago; numbers of times; where a trend goes."""

    plain: dict[Literal["none", "second", "minute", "hour", "day"], str | Plural]
    ago: dict[Literal["none", "second", "minute", "hour", "day"], str | Plural]
    times: Plural
    trend: dict[Literal["less", "same", "more"], str]


class Subject(_Section):
    """Who did it, as the subject of a sentence and where it has none."""

    who: str
    among: str


class Mates(Subject):
    """The account mates of the lead, about whom less may be known."""

    unknown: str
    doubt: str


class Book(_Section):
    """A language. `own`, `event` and `page` make the forms of a workspace's own words, of names of events and of pages."""

    language: Literal["en", "tr", "de"]
    numbers: Numbers
    capitals: dict[str, str]
    quote: str
    or_: str
    more: str
    spans: dict[str, dict[str, str | Plural]]
    units: Units
    forms: dict[str, str]
    behaviours: dict[str, dict[str, str]]
    own: dict[str, str]
    event: dict[str, str]
    page: dict[str, str]
    where: dict[Literal["and", "eq", "in", "glob", "ge", "gt", "le", "lt", "true", "false", "page", "screen"], str]
    lead: Subject
    mates: Mates
    families: Families
    mates_families: Families
    own_families: Families
    instead: dict[str, Families]
    unknown: str
    """Of a family that is never missing, where somebody gave no value."""
    typical: dict[Modes, dict[str, str]]
    attributes: dict[str, str]
    warnings: dict[str, str]

    @model_validator(mode="after")
    def _whole(self) -> Book:
        """Check that every behaviour has every form, and that no template asks for what there is not."""
        forms = set(self.own)
        if {*VOCABULARY, ANY} != set(self.behaviours) or not set(self.event) == set(self.page) == forms:
            raise ValueError("behaviours, own, event and page must tell every behaviour in the same forms")
        for name, behaviour in self.behaviours.items():
            if {*behaviour, *self.forms} != forms:
                raise ValueError(f"behaviour {name} must have the forms {', '.join(sorted(forms))}")
        below = {f"below_{form}" for form in forms}
        checked: tuple[tuple[Mapping[str, str], set[str] | frozenset[str]], ...] = (
            (self.own, {*_OF_PHRASE}),
            (self.event, {*_OF_PHRASE}),
            (self.page, {*_OF_PHRASE}),
            *((behaviour, forms | {"when"}) for behaviour in (self.forms, *self.behaviours.values())),
            *((family, _FIXED | forms | below | set(self.spans)) for family in self.sentences()),
            ({"": self.unknown}, forms | set(self.spans) | {"among"}),
            *((mode, {*forms, "n"} | (below if "ratio" in name else set())) for name, mode in self.typical.items()),
        )
        for texts, slots in checked:
            for text in texts.values():
                _check(text, slots)
        return self

    def sentences(self) -> Iterator[Sentences]:
        """Yield the sentences of every family, whoever they are about."""
        for families in (self.families, self.mates_families, self.own_families, *self.instead.values()):
            if unknown := set(families) - set(self.families):
                raise ValueError(f"no such family: {', '.join(sorted(unknown))}")
            yield from families.values()


def _check(text: str, slots: set[str] | frozenset[str]) -> None:
    """Refuse a template with slots that nothing fills, or with more than one that waits for the value."""
    dynamic = 0
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if name not in slots or conversion or (spec and name not in ("not", "below_not")):
            raise ValueError(f"{text!r} has the slot {name!r}, which nothing fills")
        dynamic += name in DYNAMIC
        _check(spec or "", slots)
    if dynamic > 1:
        raise ValueError(f"{text!r} has more than one slot for the value")


def read_book(text: str, name: str) -> Book:
    """Read the words of a language.

    Raises
    ------
    ModelError
        A key is missing, unknown or given twice, or a sentence has a slot that nothing fills.
    """
    data: Any = read_yaml(text, name, {}).data
    try:
        # `or` is no name in Python.
        return Book.model_validate({"or_" if key == "or" else key: value for key, value in dict(data or {}).items()})
    except (ValidationError, TypeError, ValueError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "a text without sections"}
        place = ".".join(map(str, tuple(first["loc"])[:4]))
        raise ModelError(
            "words of a language are not readable",
            given=f"{name}: {place or 'the whole'}",
            expected=str(first["msg"]),
            do="compare the file with phrases/en.yaml",
        ) from None


@cache
def book_of(language: str) -> Book:
    """Return the words of a language."""
    if language not in LANGUAGES:
        raise ModelError(
            "There are no words for this language", given=language, expected=", ".join(LANGUAGES), do="choose one of them"
        )
    path = FOLDER / f"{language}.yaml"
    return read_book(path.read_text(encoding="utf-8"), path.name)


def fill(template: str, slots: Mapping[str, str]) -> str:
    """Fill a template; a slot that is a form may hold slots itself.

    >>> fill("has {not:yet}", {"not": "not left {when}", "when": "today"})
    'has not left yet'
    """
    pieces = []
    for literal, name, spec, _ in Formatter().parse(template):
        pieces.append(literal)
        if name is None:
            continue
        value = slots[name]
        inner = {**slots, "when": fill(spec, slots)} if spec else slots
        pieces.append(fill(value, inner) if name in FORMS_WITH_TIME else value)
    return "".join(pieces)


FORMS_WITH_TIME = frozenset({"not", "below_not"})
"""Forms that hold {when}: where it stands depends on the words."""
