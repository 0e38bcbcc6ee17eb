"""What a feature is: data that one kernel computes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from features.clock import NEVER
from features.workspaces import own_features

if TYPE_CHECKING:
    from features.definition import Definition
    from features.history import Plan
    from features.layout import Program

TRIAL_AGE = "trial_age"
ACCOUNT = "account"
"""Players that are no behaviour: the trial itself, and the colleagues of the lead."""

_WORDS = {"h": "hour", "d": "day"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One integer of the kernel: a track of a selector in a window, or one of the numbers given with each look."""

    track: str
    selector: str = ""
    window: int = NEVER


ONE = Cell("one")
AGE = Cell("age")
LEFT = Cell("left")
HAS_END = Cell("has_end")


@dataclass(frozen=True, slots=True)
class Quotient:
    """(k1 * above + k2 * also) / (k3 * below), all of them integers, rounded once and kept within [low, high]."""

    above: tuple[int, Cell]
    below: tuple[int, Cell]
    also: tuple[int, Cell]
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: its name, what it means in plain words, to whom its reasons belong, and how it is computed."""

    name: str
    meaning: str
    player: str
    """The behaviour, `any`, `account`, `trial_age` or attribute to which explanations give its share."""
    family: str
    selector: str | None
    """Whose events: a behaviour, `any`, or `feature:<name>` for what one feature lists; none for attributes and the trial."""
    window: str | None
    """`7d`, `12h`, `all`; none where the family has no window."""
    unit: str
    lower: float
    upper: float
    missing: str
    """When the value is missing, in words."""
    kind: Literal["number", "category"] = "number"
    quotient: Quotient | None = None
    """None for attributes, which are not computed."""
    min_age_us: int = 0
    """Missing while the trial is younger: what was not yet possible is neither nought nor never."""
    over: Literal["lead", "mates"] = "lead"
    """Whose events: the lead's own, or those of its account mates as one pooled history."""


@dataclass(frozen=True)
class FeatureSet:
    """The features of a definition in the order of the catalogue: behaviours, the lead as a whole, own features, attributes."""

    definition: Definition
    features: tuple[Feature, ...]
    plan: Plan = field(repr=False, compare=False)
    """What events mean under the definition."""
    program: Program = field(repr=False, compare=False)
    """The features over the lead's own events as the integer arrays that the kernel takes."""
    mates_program: Program = field(repr=False, compare=False)
    """The features over the events of account mates, likewise."""
    places: dict[str, int] = field(repr=False, compare=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def players(self) -> tuple[str, ...]:
        """Every player once, in the order of the catalogue."""
        return tuple(dict.fromkeys(feature.player for feature in self.features))

    @cached_property
    def counted(self) -> dict[str, int]:
        """The players of whose events all are counted, each with the place of that count."""
        found = {player: self.places.get(f"{player}_count_all") for player in self.players}
        return {player: place for player, place in found.items() if place is not None}

    @cached_property
    def over_mates(self) -> bool:
        """Whether some feature looks at account mates."""
        return any(feature.over == "mates" for feature in self.features)

    def index(self, name: str) -> int:
        """Return the place of a column."""
        return self.places[name]

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, name: str) -> Feature:
        return self.features[self.places[name]]


def window_us(window: str) -> int:
    """Return the length of a window.

    >>> window_us("7d") == 7 * 86_400_000_000, window_us("all") == NEVER
    (True, True)
    """
    length = own_features.window_us(window)
    return NEVER if length is None else length


def window_words(window: str) -> str:
    """Return a window in words.

    >>> window_words("7d"), window_words("1h"), window_words("all")
    ('in the last 7 days', 'in the last hour', 'so far')
    """
    if window == "all":
        return "so far"
    number, word = int(window[:-1]), _WORDS[window[-1]]
    return f"in the last {word}" if number == 1 else f"in the last {number} {word}s"
