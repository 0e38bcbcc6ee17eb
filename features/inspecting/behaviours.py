"""From event names to behaviours, by the words in them: a first mapping for a person to correct."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.inspecting.event_words import BEHAVIOUR_STEMS, PAYMENT_STEMS, START_STEMS
from features.names import fold, is_pattern
from features.reading.cells import read_words
from features.reading.sources import Origin
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


def count_names(origins: Iterable[Origin], column: str) -> dict[str, int]:
    """Count the events of each folded name over whole files."""
    counts: Counter[str] = Counter()
    for origin in origins:
        for piece in origin.pieces([column], frozenset([column])):
            words = read_words(piece.column(column))
            known = words.codes[words.codes >= 0]
            for code, times in enumerate(np.bincount(known, minlength=len(words.values)).tolist()):
                if times:
                    counts[fold(words.values[code])] += times
    return dict(counts)


def has_stem(name: str, stem: str) -> bool:
    """Tell whether a folded name has a stem.

    >>> has_stem("ticket_created", "ticket"), has_stem("recall_sent", "call"), has_stem("page:/pricing/eu", "pricing")
    (True, False, True)
    """
    if "_" in stem:
        return stem in name
    words = name.replace(":", "_").replace("/", "_").replace("-", "_").split("_")
    return any(word == stem or (len(stem) >= 4 and word.startswith(stem)) for word in words)


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
    )


def _meaning(name: str) -> str | None:
    if any(name == stem or ("_" in stem and stem in name) for stem in PAYMENT_STEMS):
        return "payment"
    # Webinars and newsletters are signed up for too: only the beginning of the name says that a trial starts.
    if any(name == stem or ("_" in stem and name.startswith(stem)) for stem in START_STEMS):
        return "start"
    return next((key for key, stems in BEHAVIOUR_STEMS.items() if any(has_stem(name, stem) for stem in stems)), None)


def _patterns(names: Sequence[str], every: Iterable[str]) -> tuple[str, ...]:
    """Write three or more names that share their first word as one pattern, if no other name begins so."""
    mine = set(names)
    families: dict[str, list[str]] = {}
    for name in every:
        first, _, rest = name.partition("_")
        if rest and ":" not in first:
            families.setdefault(first, []).append(name)
    whole = {first for first, found in families.items() if len(found) >= _GLOB_FROM and mine.issuperset(found)}
    return tuple(
        sorted({f"{name.partition('_')[0]}_*" if name.partition("_")[0] in whole and "_" in name else name for name in names})
    )
