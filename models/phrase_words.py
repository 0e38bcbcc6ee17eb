"""The words of what a feature counts: of a behaviour, of a workspace's own phrase, or of events by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.definition import Definition
from features.feature import Feature
from features.names import fold
from features.selectors import OWN
from features.workspaces.behaviours import ANY, EventPattern
from features.workspaces.conditions import Where, text
from models.phrase_book import Book, fill
from models.phrase_values import Values

_CAMEL = re.compile(r"(?<=[a-z0-9])[A-Z](?=[a-z])")
_ADDRESS = re.compile(r"(page|screen):(.*)", re.DOTALL)
_TURKISH_PAST = re.compile(r"(.*?)([dt])([ıiuü])", re.DOTALL)
_MOST_NAMES = 3

_PARTICIPLES = {
    "was": "been", "were": "been", "did": "done", "took": "taken", "gave": "given", "went": "gone", "saw": "seen",
    "wrote": "written", "chose": "chosen", "began": "begun", "ran": "run", "came": "come", "became": "become",
    "spoke": "spoken", "drew": "drawn", "broke": "broken", "forgot": "forgotten", "knew": "known", "grew": "grown",
    "threw": "thrown", "drove": "driven", "showed": "shown", "fell": "fallen", "hid": "hidden", "rose": "risen",
    "swam": "swum", "sang": "sung", "wore": "worn", "tore": "torn", "froze": "frozen", "shook": "shaken",
    "woke": "woken", "stole": "stolen", "mistook": "mistaken", "undertook": "undertaken", "withdrew": "withdrawn",
}  # fmt: skip
"""English verbs whose form after "has" is not their simple past; of all other verbs the two are one."""


@dataclass(frozen=True)
class Words:
    """The words of one language, of one workspace, and of one definition of features."""

    book: Book
    own: Mapping[str, str]
    borrowed: frozenset[str]
    """Which of the workspace's words are of another language: they are quoted, not bent."""
    definition: Definition

    def forms(self, feature: Feature) -> tuple[dict[str, str], str]:
        """Return the forms of what a feature counts, and the built-in behaviour whose words they are, if any."""
        if feature.selector is not None and feature.name in self.own:
            return self._told(feature.name), ""
        return self.behaviour(feature.selector or ANY)

    def behaviour(self, key: str) -> tuple[dict[str, str], str]:
        """Return the forms of a behaviour, of `any`, or of the events that one feature lists."""
        name = key.removeprefix(OWN)
        if name in self.own:
            return self._told(name), ""
        if key in self.book.behaviours:
            return {**self.book.forms, **self.book.behaviours[key]}, key
        own = self.definition.features.get(name) if key.startswith(OWN) else None
        if own is None:
            return self._forms(self.book.event, self._quoted(name)), ""
        pages = all(pattern.event.startswith("page:") for pattern in own.patterns)
        return self._forms(self.book.page if pages else self.book.event, self._events(own.patterns, pages=pages)), ""

    def name(self, column: str) -> str:
        """Return an attribute's name: the workspace's word, the language's, or the column as people would write it."""
        known = self.own.get(column) or self.book.attributes.get(fold(column))
        return spaced(known or _CAMEL.sub(lambda found: f" {found[0].lower()}", column))

    def _told(self, name: str) -> dict[str, str]:
        phrase = self._small(spaced(self.own[name]))
        bent = _bent(self.book.language, phrase)
        if name in self.borrowed or bent is None:
            return self._forms(self.book.event, self._quoted(phrase))
        return self._forms(self.book.own, self._quoted(phrase), phrase=phrase, **bent)

    @staticmethod
    def _forms(templates: Mapping[str, str], label: str, **bent: str) -> dict[str, str]:
        """Make the forms of one phrase, or of a label. What users wrote may hold braces, which are no slots."""
        words = {name: _escaped(word) for name, word in {"label": label, **bent}.items()}
        return {form: fill(template, {**words, "when": "{when}"}) for form, template in templates.items()}

    def _small(self, phrase: str) -> str:
        """Let a phrase begin with a small letter, since it stands inside of a sentence; NPS stays NPS."""
        small = {large: letter for letter, large in self.book.capitals.items()}.get(phrase[0], phrase[0].lower())
        return phrase if phrase[1:2].isupper() else small + phrase[1:]

    def _events(self, patterns: Sequence[EventPattern], *, pages: bool) -> str:
        """Return events by their names, pages by their addresses alone, with what is asked of their properties."""
        labels = list(dict.fromkeys(self._event(pattern, pages) for pattern in patterns))
        more = self.book.more.format(n=len(labels) - _MOST_NAMES) if len(labels) > _MOST_NAMES else ""
        *others, last = labels[:_MOST_NAMES]
        if more or not others:
            return ", ".join([*others, last]) + more
        return f"{', '.join(others)}{self.book.or_}{last}"

    def _event(self, pattern: EventPattern, pages: bool) -> str:
        address = _ADDRESS.fullmatch(pattern.event)
        if pages and address:
            name = self._quoted(address[2])
        elif address:
            place = self.book.where["page" if address[1] == "page" else "screen"]
            name = place.format(text=self._quoted(address[2]))
        else:
            name = self._quoted(pattern.event)
        return f"{name} ({self._where(pattern.where)})" if pattern.where else name

    def _where(self, where: Where) -> str:
        """Return conditions; all of them must hold."""
        told = [
            f"{spaced(name)}: {self.book.where[operator].format(value=self._wanted(value))}"  # type: ignore[index]
            for name, asked in where.items()
            for operator, value in asked.items()
        ]
        return self.book.where["and"].join(told)

    def _wanted(self, value: object) -> str:
        if isinstance(value, Sequence) and not isinstance(value, str):
            return self.book.or_.join(map(self._wanted, value))
        if isinstance(value, bool):
            return self.book.where["true" if value else "false"]
        if isinstance(value, int | float):
            return Values(self.book).number(value)
        return _open(text(value))

    def _quoted(self, name: str) -> str:
        return self.book.quote.format(text=_open(name))


def _bent(language: str, phrase: str) -> dict[str, str] | None:
    """Return the inflected parts of a phrase in the simple past; None where it is no such phrase.

    >>> _bent("tr", "rapor dışa aktardı"), _bent("tr", "sayfaya gitti"), _bent("tr", "rapor")
    ({'negated': 'rapor dışa aktarmadı'}, {'negated': 'sayfaya gitmedi'}, None)
    >>> _bent("en", "exported a report"), _bent("en", "took a tour")
    ({'done': 'exported a report'}, {'done': 'taken a tour'})
    >>> _bent("de", "lud einen Bericht herunter")
    {'head': 'lud', 'heads': 'luden', 'tail': 'einen Bericht herunter'}
    """
    if language == "tr":
        negated = _turkish_negated(phrase)
        return {"negated": negated} if negated else None
    if language == "de":
        # In a main clause the verb comes first, a reflexive next to it, and "2-mal" before the rest.
        verb, _, rest = phrase.partition(" ")
        sich = rest == "sich" or rest.startswith("sich ")
        rest = rest[5:] if sich else rest
        return {"head": verb + " sich" * sich, "heads": _german_plural(verb) + " sich" * sich, "tail": rest}
    verb, _, rest = phrase.partition(" ")
    return {"done": f"{_PARTICIPLES.get(verb, verb)} {rest}".strip()}


def _turkish_negated(phrase: str) -> str | None:
    """Return the negative of a past tense in -DI, which is regular: stem + mA + DI, by the last vowel of the stem.

    >>> _turkish_negated("okudu"), _turkish_negated("gördü"), _turkish_negated("yanıt verdi")
    ('okumadı', 'görmedi', 'yanıt vermedi')
    """
    found = _TURKISH_PAST.fullmatch(phrase)
    vowels = [letter for letter in found[1] if letter in "aıoueiöü"] if found else []
    if not found or not vowels:
        return None
    return found[1] + ("madı" if vowels[-1] in "aıou" else "medi")


def _german_plural(verb: str) -> str:
    """Return the third person plural of a past tense: sah, sahen; exportierte, exportierten."""
    irregular = {"hat": "haben", "ist": "sind"}
    return irregular.get(verb) or verb + ("n" if verb.endswith("e") else "en")


def _open(name: str) -> str:
    """Return a name with what is open in it as dots."""
    return re.sub(r"[*?]+", "…", spaced(name))


def _escaped(word: str) -> str:
    return word.replace("{", "").replace("}", "")


def spaced(words: str) -> str:
    """Return words without underscores and with single blanks.

    >>> spaced("report_exported")
    'report exported'
    """
    return " ".join(words.replace("_", " ").split())
