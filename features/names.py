"""Event names: folded, so that a tool's "Upgrade Page Viewed" and its warehouse's "upgrade_page_viewed" are one event."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase

_RUN = re.compile(r"[\s\-_.]+")
_ADDRESS = re.compile(r"(page|screen):(.*)", re.IGNORECASE | re.DOTALL)
_ONE_I = str.maketrans("ıİ", "iI")
_DOTTED = re.compile("(?<=[iI])\u0307+")


def fold(name: str) -> str:
    """Return the form in which event names are compared: camelCase split, lower case, every run of blank, - _ . as one _.

    The name of a page or a screen is an address: it is only put into lower case. ``*`` and ``?`` of a pattern survive. The
    Turkish ı and İ are an i in both, since no tool knows in which language it puts a name into capitals.

    >>> fold("Upgrade Page Viewed"), fold("upgradePageViewed"), fold("NPSAnswered"), fold("feature.*")
    ('upgrade_page_viewed', 'upgrade_page_viewed', 'nps_answered', 'feature_*')
    >>> fold("WEB SEMİNERİNE KATILDI"), fold("Web Seminerine Katıldı")
    ('web_seminerine_katildi', 'web_seminerine_katildi')
    >>> fold("page:/Pricing-2024.html*")
    'page:/pricing-2024.html*'
    """
    # The dot of an İ that was put into lower case stands behind its i as a letter of its own.
    name = _DOTTED.sub("", unicodedata.normalize("NFC", name).translate(_ONE_I))
    name = unicodedata.normalize("NFC", name)
    address = _ADDRESS.fullmatch(name)
    if address:
        return unicodedata.normalize("NFC", name.lower())
    return unicodedata.normalize("NFC", _RUN.sub("_", _split_camel(name)).lower())


def _split_camel(name: str) -> str:
    """Put a _ where a word begins: before a capital after a small letter or digit, and before the last capital of a run.

    Capitals without a small form are no beginning: they stay as they are, and a name that was folded folds to itself.
    """
    pieces = []
    for i, letter in enumerate(name):
        if i and letter.isupper() and letter != letter.lower():
            before, after = name[i - 1], name[i + 1 : i + 2]
            if before.islower() or before.isdigit() or (before.isupper() and after.islower()):
                pieces.append("_")
        pieces.append(letter)
    return "".join(pieces)


def matches(pattern: str, name: str) -> bool:
    """Tell whether a folded name fits a folded pattern, in which only ``*`` and ``?`` are special.

    >>> matches("feature_*", "feature_export"), matches("feature_*", "feature"), matches("a[b]", "ab")
    (True, False, False)
    """
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def is_pattern(text: str) -> bool:
    """Tell whether a text stands for many names."""
    return "*" in text or "?" in text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a misspelt one most likely meant, if any is near.

    >>> nearest("behaviors", ["behaviours", "attributes"])
    'behaviours'
    """
    found = difflib.get_close_matches(word, sorted(known), n=1)
    return found[0] if found else None
