"""From event names to behaviours, by the words in them: a first mapping for a person to correct."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from features.inspecting.event_words import BEHAVIOUR_STEMS, PAYMENT_STEMS, START_STEMS
from features.names import fold, is_pattern
from features.reading.cells import read_words
from features.reading.sources import Origin, Reading
from features.workspaces.behaviours import VOCABULARY

_GLOB_FROM = 3


@dataclass(frozen=True, slots=True)
class EventGuess:
    """Which event names mean what, as far as their words tell."""

    behaviours: dict[str, tuple[str, ...]]
    """Patterns of each behaviour, in the order of the vocabulary."""
    taken: dict[str, int]
    """How many events each behaviour takes."""
    payments: tuple[str, ...]
    starts: tuple[str, ...]
    unmapped: dict[str, int]
    """Names that say nothing, the most frequent first."""
    kept: dict[str, int] = field(default_factory=dict)
    """How many events each payment and start has."""


def count_names(origins: Iterable[Origin], column: str) -> dict[str, int]:
    """Count the events of each folded name over whole files; the column may be a term."""
    counts: Counter[str] = Counter()
    for _, piece in Reading("events", list(origins), {column: "data.events.name"}, coded=frozenset([column])):
        words = read_words(piece.column(column))
        known = words.codes[words.codes >= 0]
        for code, times in enumerate(np.bincount(known, minlength=len(words.values)).tolist()):
            if times:
                counts[fold(words.values[code])] += times
    return dict(counts)


@cache
def bare(text: str) -> str:
    """Return a text without the marks on its letters, since not every tool keeps them.

    >>> bare("ödeme_alındı"), bare("suscripción"), bare("schließen")
    ('odeme_alindi', 'suscripcion', 'schliessen')
    """
    plain = unicodedata.normalize("NFKD", text.replace("ı", "i").replace("ß", "ss"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def has_stem(name: str, stem: str) -> bool:
    """Tell whether a folded name has a stem, with or without the marks on its letters.

    >>> has_stem("ticket_created", "ticket"), has_stem("recall_sent", "call"), has_stem("page:/pricing/eu", "pricing")
    (True, False, True)
    >>> has_stem("odeme_hatasi", "hata"), has_stem("resumen_de_sesion", "sesión")
    (True, True)
    """
    name, stem = bare(name), bare(stem)
    if "_" in stem:
        return stem in name
    words = name.translate(_APART).split("_")
    return any(word == stem or (len(stem) >= 4 and word.startswith(stem)) for word in words)


_APART = str.maketrans(dict.fromkeys(":/-$[]()", "_"))


def guess_events(counts: Mapping[str, int]) -> EventGuess:
    """Sort event names by what they seem to mean; payments and starts stay out of the behaviours, whose outcome they are."""
    # A name with * or ? in it would be read as a pattern, and an overlong one is refused: both are left to the person.
    usable = {name: count for name, count in counts.items() if name.strip() and not is_pattern(name) and len(name) <= 500}
    place = {name: _meaning(name) for name in usable}
    names: dict[str | None, list[str]] = {}
    for name in sorted(usable):
        names.setdefault(place[name], []).append(name)
    mapped = [behaviour for behaviour in VOCABULARY if behaviour in names]
    left = {name: count for name, count in counts.items() if place.get(name) is None}
    return EventGuess(
        behaviours={behaviour: _patterns(names[behaviour], usable) for behaviour in mapped},
        taken={behaviour: sum(usable[name] for name in names[behaviour]) for behaviour in mapped},
        payments=tuple(names.get("payment", ())),
        starts=tuple(names.get("start", ())),
        unmapped=dict(sorted(left.items(), key=lambda item: (-item[1], item[0]))),
        kept={name: usable[name] for meaning in ("payment", "start") for name in names.get(meaning, ())},
    )


def _meaning(name: str) -> str | None:
    if not name.startswith(("page:", "screen:")):
        plain = bare(name)
        if any(plain == stem or ("_" in stem and stem in plain) for stem in map(bare, PAYMENT_STEMS)):
            return "payment"
        # Webinars and newsletters are signed up for too: only the beginning of the name says that a trial starts.
        if any(plain == stem or ("_" in stem and plain.startswith(stem)) for stem in map(bare, START_STEMS)):
            return "start"
    return next((key for key, stems in BEHAVIOUR_STEMS.items() if any(has_stem(name, stem) for stem in stems)), None)


def _patterns(names: Sequence[str], every: Iterable[str]) -> tuple[str, ...]:
    """Write three or more names that begin alike as one pattern, if no name of another meaning begins so."""
    mine = set(names)
    families: dict[str, list[str]] = {}
    for name in every:
        families.setdefault(_beginning(name), []).append(name)
    whole = {first for first, found in families.items() if first and len(found) >= _GLOB_FROM and mine.issuperset(found)}
    return tuple(sorted({f"{_beginning(name)}*" if _beginning(name) in whole else name for name in names}))


def _beginning(name: str) -> str:
    """Return the first word of a name, or the first part of a page's path; nothing if that is all of it.

    >>> _beginning("feature_export"), _beginning("page:/docs/api/keys"), _beginning("page:/docs"), _beginning("search")
    ('feature_', 'page:/docs/', '', '')
    """
    kind, colon, address = name.partition(":")
    if colon and kind in ("page", "screen"):
        part, slash, _ = address.removeprefix("/").partition("/")
        return f"{name[: name.index(address)]}{'/' if address.startswith('/') else ''}{part}/" if part and slash else ""
    first, mark, rest = name.partition("_")
    return f"{first}_" if mark and rest and first and ":" not in first else ""
