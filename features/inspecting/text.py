"""Writing YAML that people read: a value, and beside it what the guess rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"(?:(?:\.\./)+|/)?[A-Za-z_$][A-Za-z0-9_/.$-]*(?: [A-Za-z0-9_$][A-Za-z0-9_/.$-]*)*")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n", "none", "store"))
_COMMENT_AT = 44


def quoted(text: str) -> str:
    """Write a text so that YAML reads the same text back, in quotes only when it must be.

    >>> quoted("lead_id"), quoted("Lead Source"), quoted("no"), quoted("feature_*")
    ('lead_id', 'Lead Source', '"no"', '"feature_*"')
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    # A column may be called ${X}: with a plain $ it would be taken from the environment.
    return '"' + "".join(_escaped(letter) for letter in text).replace("${", "\\U00000024{") + '"'


def _escaped(letter: str) -> str:
    return letter if letter.isprintable() and letter not in '"\\' else f"\\U{ord(letter):08x}"


def listed(texts: Iterable[str]) -> str:
    """Write texts as a YAML list in one line.

    >>> listed(["a", "b c"])
    '[a, b c]'
    """
    return f"[{', '.join(quoted(text) for text in texts)}]"


def counted(events: int) -> str:
    """Write a number of events.

    >>> counted(1), counted(2000)
    ('1 event', '2,000 events')
    """
    return f"{events:,} event{'' if events == 1 else 's'}"


def line(text: str, comment: str = "") -> str:
    """Write a line with its comment in a column of its own; whatever a comment quotes stays on the line."""
    if not comment:
        return text
    comment = " ".join("".join(letter if letter.isprintable() else " " for letter in comment).split())
    return f"{text:<{_COMMENT_AT}} # {comment[:160]}" if text.strip() else f"{text}# {comment[:160]}"
