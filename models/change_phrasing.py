"""The words about changes: how far a score moved and by what, and what a what-if says and does not say, in three languages.

The words are data, one YAML file a language in ``change_words/``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "change_words"

SMALLEST = 0.0005
"""Half a tenth of a percentage point: what is less is not written as a number."""
NOTHING = 1e-12
"""What is less is rounding, and no difference at all."""


@cache
def _words(language: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8")))


def part_sentence(language: str, part: str, points: float) -> str:
    """Say how far one part moved the probability; `part` is behaviour, time or model, of a what-if activity or step.

    >>> part_sentence("en", "time", -0.0213)
    'Had nothing happened since then, the passing of time would have lowered the probability by 2.1 percentage points'
    """
    return str(_words(language)[part][_direction(points)].format(n=_difference(language, points)))


def one_model(language: str) -> str:
    """Say that there is no part of the model, since one model looked at both times."""
    return str(_words(language)["one_model"])


def no_activity(language: str) -> str:
    """Say that there is no part of being active, since nothing was imagined that the lead does."""
    return str(_words(language)["no_activity"])


def closed(language: str) -> str:
    """Say why there is nothing to compare."""
    return str(_words(language)["closed"])


def from_to(language: str, what: str, before: float, after: float) -> str:
    """Say two probabilities and their difference; `what` is whole or what_if.

    >>> from_to("en", "whole", 0.12, 0.31)
    'The probability rose by 19.0 percentage points, from 12.0 % to 31.0 %'
    """
    points = after - before
    said = {"before": _percent(language, before), "after": _percent(language, after), "n": _difference(language, points)}
    return str(_words(language)[what][_direction(points)].format(**said))


def base_sentence(language: str, before: float, after: float) -> str:
    """Say that two models start from other averages."""
    return str(_words(language)["base"].format(before=_percent(language, before), after=_percent(language, after)))


def association(language: str) -> str:
    """Say that a what-if promises nothing."""
    return str(_words(language)["association"]).strip()


def _direction(points: float) -> str:
    return "same" if abs(points) < NOTHING else "up" if points > 0 else "down"


def _difference(language: str, points: float) -> str:
    """Return a difference of probabilities in percentage points, without its sign."""
    words = _words(language)
    if abs(points) < SMALLEST:
        return str(words["small"])
    return str(words["difference"].format(n=f"{abs(points) * 100:.1f}".replace(".", words["decimal"])))


def _percent(language: str, probability: float) -> str:
    words = _words(language)
    return str(words["percent"].format(n=f"{probability * 100:.1f}".replace(".", words["decimal"])))
