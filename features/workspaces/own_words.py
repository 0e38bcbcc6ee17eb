"""A workspace's own words for what a lead did, in one language: those of its behaviours, then its section `phrases`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def own_words(phrases: Mapping[str, Any], behaviours: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return the words by behaviour or feature; where a language has none, English ones, else any.

    >>> own_words({"exports_7d": {"en": "exported", "de": "exportierte"}}, {}, "de")
    {'exports_7d': 'exportierte'}
    """
    told = {name: behaviour.phrase for name, behaviour in behaviours.items() if behaviour.phrase is not None}
    found: dict[str, str] = {}
    for name, words in {**told, **phrases}.items():
        text = words if isinstance(words, str) else words.get(language) or words.get("en") or next(iter(words.values()), None)
        if text:
            found[name] = text
    return found


def borrowed_words(phrases: Mapping[str, Any], behaviours: Mapping[str, Any], language: str, written: str) -> frozenset[str]:
    """Return whose words `own_words` has to take from another language; one text for all is in the file's own, `written`.

    >>> sorted(borrowed_words({"a": {"en": "did a"}, "b": {"de": "tat b"}, "c": "did c"}, {}, "de", "en"))
    ['a', 'c']
    """
    told = {name: behaviour.phrase for name, behaviour in behaviours.items() if behaviour.phrase is not None}
    return frozenset(
        name
        for name, words in {**told, **phrases}.items()
        if (language != written if isinstance(words, str) else not words.get(language))
    )
