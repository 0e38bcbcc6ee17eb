"""The families of features: for each of them the quotient, the limits, the words and the missing rule.

Every family looks either at the lead's own events or at those of its account mates, taken together as one history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from features.clock import HOUR_US, MINUTE_US, NEVER
from features.feature import ONE, Cell, Quotient, window_us, window_words
from features.kernel import MOST_MATES
from features.layout import FILLED
from features.vocabulary import MOST_NAMES

MOST = 1e9

_DAYS = 50_000.0
_HOURS = 24 * _DAYS

NEVER_MISSING = "never"
NO_EVENT = "while there is no such event"
NO_ACCOUNT = "without an account"
TOO_YOUNG = ("", "before the trial is that old", "before the trial is two windows old")
"""Why there is no value yet, by how many windows old the trial must be."""

LEAD, MATE = "the lead", "a colleague in the same account"
MATES = "colleagues in the same account"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a family: whose events, in which window, in whose words."""

    key: str
    window: str
    did: str
    """What the lead did, in the past tense: ``looked at the prices``."""
    usual: int = 0
    traits: int = 0
    below: str = ""
    below_did: str = ""
    level: int = 0
    has_duration: bool = False
    has_amount: bool = False

    def cell(self, track: str, *, times: int = 1) -> Cell:
        """Return a cell of the selector, for the window or one so many times as long."""
        length = window_us(self.window)
        return Cell(track, self.key, NEVER if length == NEVER else times * length)

    @property
    def when(self) -> str:
        """The window in words."""
        return window_words(self.window)


@dataclass(frozen=True, slots=True)
class Family:
    """How one family is computed and told."""

    unit: str
    quotient: Callable[[Request], Quotient]
    meaning: str
    """What it is, in words; {who} did it: the lead, or a colleague."""
    missing: str = ""
    """When the value is missing, beside a trial that is too young and a lead without an account."""
    windowed: bool = True
    ages: int = 0
    """How many windows old the trial must be before the feature exists."""
    mates: str = ""
    """The meaning over account mates, where {who} does not say it well."""
    only: str = ""
    """`lead` or `mates`, where a family means nothing for the other."""


def _plain(track: str, high: float, *, per: int = 1, low: float = 0.0) -> Callable[[Request], Quotient]:
    """A number of the events themselves, in units of `per`."""
    return lambda ask: Quotient((1, ask.cell(track)), (per, ONE), (0, ONE), low, high)


def _over(track: str, below: str, high: float, *, per: int = 1, low: float = 0.0) -> Callable[[Request], Quotient]:
    """One number of the events over another: missing where the other is nought."""
    return lambda ask: Quotient((1, ask.cell(track)), (per, ask.cell(below)), (0, ONE), low, high)


def _trend(ask: Request) -> Quotient:
    return Quotient((1, ask.cell("count")), (1, ask.cell("count", times=2)), (0, ONE), 0.0, 1.0)


def _unused(ask: Request) -> Quotient:
    # Where nothing is usual nothing can be left out: the divisor is 0, and the value missing.
    return Quotient((ask.usual, ONE), (min(1, ask.usual), ONE), (-1, ask.cell("usual")), 0.0, float(ask.usual or MOST_NAMES))


def _reached(ask: Request) -> Quotient:
    # count - (level - 1), kept within [0, 1], is 1 from the level up.
    return Quotient((1, ask.cell("count")), (1, ONE), (1 - ask.level, ONE), 0.0, 1.0)


def _ratio(ask: Request) -> Quotient:
    below = Cell("count", ask.below, ask.cell("count").window)
    return Quotient((1, ask.cell("count")), (1, below), (0, ONE), 0.0, MOST)


def _filled(ask: Request) -> Quotient:
    return Quotient((1, Cell(FILLED, ask.key)), (max(1, ask.traits), ONE), (0, ONE), 0.0, 1.0)


FAMILIES: dict[str, Family] = {
    "count": Family("times", _plain("count", MOST), "{Did} {when} (times)", mates=f"Times that {MATES} {{did}} {{when}}"),
    "people": Family(
        "people", _plain("people", float(MOST_MATES)), "", only="mates", mates=f"{MATES.capitalize()} who {{did}} {{when}}"
    ),
    "active_days": Family("days", _plain("days", _DAYS), "Days {when} on which {who} {did}"),
    "distinct_names": Family(
        "events",
        _plain("names", MOST),
        "Different events {when} in which {who} {did}",
        mates=f"Different events {{when}} in which {MATES} {{did}}",
    ),
    "names_unused": Family(
        "events",
        _unused,
        "Usual events that did not happen {when}, of those in which leads {did}",
        "while no event is usual yet",
        ages=1,
        mates=f"Usual events that did not happen among {MATES} {{when}}, of those in which leads {{did}}",
    ),
    "duration_sum_s": Family("seconds", _plain("duration", MOST, per=1000), "Time spent {when} when {who} {did}, in seconds"),
    "duration_mean_s": Family(
        "seconds",
        _over("duration", "durations", MOST, per=1000),
        "Mean time {when} when {who} {did}, in seconds",
        "while no such event says how long it was",
    ),
    "amount_sum": Family("money", _plain("amount", MOST, per=100, low=-MOST), "Sum of the amounts {when} when {who} {did}"),
    "amount_mean": Family(
        "money",
        _over("amount", "amounts", MOST, per=100, low=-MOST),
        "Mean amount {when} when {who} {did}",
        "while no such event says how much it was",
    ),
    "recency_h": Family(
        "hours", _over("last", "has", _HOURS, per=HOUR_US), "Hours since {who} last {did}", NO_EVENT, windowed=False
    ),
    "time_to_first_h": Family(
        "hours",
        _over("first", "has", _HOURS, per=HOUR_US),
        "Hours from the start until {who} first {did}",
        NO_EVENT,
        windowed=False,
        mates=f"Hours from the lead's start until {MATE} first {{did}}",
    ),
    "reached": Family(
        "yes or no",
        _reached,
        "{Did} at least {times} (1) or not (0)",
        windowed=False,
        mates=f"{MATES.capitalize()} together {{did}} at least {{times}} (1) or not (0)",
    ),
    "trend": Family(
        "share",
        _trend,
        "Share {when} among the times {who} {did} in a span twice as long",
        "while there is no such event in them",
        ages=2,
    ),
    "streak_current_d": Family(
        "days", _plain("current", _DAYS), "Days in a row up to today or yesterday on which {who} {did}", windowed=False
    ),
    "streak_longest_d": Family("days", _plain("longest", _DAYS), "Most days in a row on which {who} {did}", windowed=False),
    "night_share": Family(
        "share", _over("night", "count", 1.0), "Share of the times {who} {did} {when} that fell at night (22-6 h)", NO_EVENT
    ),
    "weekend_share": Family(
        "share", _over("weekend", "count", 1.0), "Share of the times {who} {did} {when} that fell on a weekend", NO_EVENT
    ),
    "business_share": Family(
        "share",
        _over("business", "count", 1.0),
        "Share of the times {who} {did} {when} that fell in business hours (Monday to Friday, 9-18 h)",
        NO_EVENT,
    ),
    "ratio_to": Family(
        "ratio",
        _ratio,
        "Times {who} {did} {when} for each time that {who} {below_did}",
        "while there is no event of the second kind",
        mates=f"Times {MATES} {{did}} {{when}} for each time that they {{below_did}}",
    ),
    "any_sessions": Family(
        "sessions",
        _plain("sessions", MOST),
        "Visits {when} in which {who} {did}, parted by pauses",
        mates=f"Visits {{when}} in which {MATES} {{did}}, parted by pauses of all of them",
    ),
    "any_active_minutes": Family(
        "minutes",
        _plain("active", MOST, per=MINUTE_US),
        "Minutes between events of one visit {when} in which {who} {did}",
        mates=f"Minutes between events of one visit {{when}} in which {MATES} {{did}}, all of them together",
    ),
    "profile_filled": Family("share", _filled, "Share of the traits of the profile that are known", windowed=False, only="lead"),
}
