"""The families of features: for each of them the quotient, the limits, the words and the missing rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.clock import DAY_US, HOUR_US, MINUTE_US, NEVER
from features.definition import Definition
from features.errors import InputError
from features.feature import AGE, HAS_END, LEFT, ONE, TRIAL_AGE, Cell, Feature, Quotient, window_us, window_words
from features.layout import FILLED
from features.selectors import OWN
from features.workspaces.behaviours import ANY
from features.workspaces.own_features import NEED_HOURS

MOST = 1e9
_DAYS = 50_000.0
_HOURS = 24 * _DAYS

NEVER_MISSING = "never"
NO_EVENT = "while there is no such event"


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
    missing: str = NEVER_MISSING
    windowed: bool = True
    ages: int = 0
    """How many windows old the trial must be before the feature exists."""


def _plain(track: str, high: float, *, per: int = 1, low: float = 0.0) -> Callable[[Request], Quotient]:
    """A number of the events themselves, in units of `per`."""
    return lambda ask: Quotient((1, ask.cell(track)), (per, ONE), (0, ONE), low, high)


def _over(track: str, below: str, high: float, *, per: int = 1, low: float = 0.0) -> Callable[[Request], Quotient]:
    """One number of the events over another: missing where the other is nought."""
    return lambda ask: Quotient((1, ask.cell(track)), (per, ask.cell(below)), (0, ONE), low, high)


def _trend(ask: Request) -> Quotient:
    return Quotient((1, ask.cell("count")), (1, ask.cell("count", times=2)), (0, ONE), 0.0, 1.0)


def _unused(ask: Request) -> Quotient:
    return Quotient((ask.usual, ONE), (1, ONE), (-1, ask.cell("usual")), 0.0, max(1.0, float(ask.usual)))


def _reached(ask: Request) -> Quotient:
    # count - (level - 1), kept within [0, 1], is 1 from the level up.
    return Quotient((1, ask.cell("count")), (1, ONE), (1 - ask.level, ONE), 0.0, 1.0)


def _ratio(ask: Request) -> Quotient:
    below = Cell("count", ask.below, ask.cell("count").window)
    return Quotient((1, ask.cell("count")), (1, below), (0, ONE), 0.0, MOST)


def _filled(ask: Request) -> Quotient:
    return Quotient((1, Cell(FILLED, ask.key)), (max(1, ask.traits), ONE), (0, ONE), 0.0, 1.0)


FAMILIES: dict[str, Family] = {
    "count": Family("times", _plain("count", MOST), "{Did} {when} (times)"),
    "active_days": Family("days", _plain("days", _DAYS), "Days {when} on which the lead {did}"),
    "distinct_names": Family("events", _plain("names", MOST), "Different events {when} in which the lead {did}"),
    "names_unused": Family(
        "events",
        _unused,
        "Usual events that did not happen {when}, of those in which leads {did}",
        "before the trial is that old",
        ages=1,
    ),
    "duration_sum_s": Family("seconds", _plain("duration", MOST, per=1000), "Time spent {when} when the lead {did}, in seconds"),
    "duration_mean_s": Family(
        "seconds", _over("duration", "durations", MOST, per=1000), "Mean time {when} when the lead {did}, in seconds", NO_EVENT
    ),
    "amount_sum": Family("money", _plain("amount", MOST, per=100, low=-MOST), "Sum of the amounts {when} when the lead {did}"),
    "amount_mean": Family(
        "money", _over("amount", "amounts", MOST, per=100, low=-MOST), "Mean amount {when} when the lead {did}", NO_EVENT
    ),
    "recency_h": Family(
        "hours", _over("last", "has", _HOURS, per=HOUR_US), "Hours since the lead last {did}", NO_EVENT, windowed=False
    ),
    "time_to_first_h": Family(
        "hours",
        _over("first", "has", _HOURS, per=HOUR_US),
        "Hours from the start until the lead first {did}",
        NO_EVENT,
        windowed=False,
    ),
    "reached": Family("yes or no", _reached, "{Did} at least {times} (1) or not (0)", windowed=False),
    "trend": Family(
        "share",
        _trend,
        "Share {when} among the times the lead {did} in a span twice as long",
        "before the trial is two windows old, and while there is no such event in them",
        ages=2,
    ),
    "streak_current_d": Family(
        "days", _plain("current", _DAYS), "Days in a row up to today or yesterday on which the lead {did}", windowed=False
    ),
    "streak_longest_d": Family("days", _plain("longest", _DAYS), "Most days in a row on which the lead {did}", windowed=False),
    "night_share": Family(
        "share", _over("night", "count", 1.0), "Share of the times the lead {did} {when} that fell at night (22-6 h)", NO_EVENT
    ),
    "weekend_share": Family(
        "share", _over("weekend", "count", 1.0), "Share of the times the lead {did} {when} that fell on a weekend", NO_EVENT
    ),
    "business_share": Family(
        "share",
        _over("business", "count", 1.0),
        "Share of the times the lead {did} {when} that fell in business hours (Monday to Friday, 9-18 h)",
        NO_EVENT,
    ),
    "ratio_to": Family(
        "ratio",
        _ratio,
        "Times the lead {did} {when} for each time that the lead {below_did}",
        "while there is no event of the second kind",
    ),
    "any_sessions": Family("sessions", _plain("sessions", MOST), "Visits {when} in which the lead {did}, parted by pauses"),
    "any_active_minutes": Family(
        "minutes", _plain("active", MOST, per=MINUTE_US), "Minutes between events of one visit {when} in which the lead {did}"
    ),
    "profile_filled": Family("share", _filled, "Share of the traits of the profile that are known", windowed=False),
}

_PARAMETER = re.compile(r"(reached)_([1-9][0-9]*)|(ratio_to)_(.+)")


def family_feature(
    definition: Definition, words: Mapping[str, str], name: str, family: str, key: str, window: str, player: str, did: str
) -> Feature:
    """Build one feature of a family over the events of a selector."""
    found = _PARAMETER.fullmatch(family)
    family_name = (found[1] or found[3]) if found else family
    if family_name not in FAMILIES:
        raise _refuse(name, f"the family {family}", "a family that this version computes", "choose another family")
    one = FAMILIES[family_name]
    behaviour = definition.behaviours.get(player if key.startswith(OWN) else key)
    below = found[4] if found and found[4] else ""
    own_name = key.removeprefix(OWN)
    ask = Request(
        key=key,
        window=window if one.windowed else "all",
        did=did,
        usual=len(definition.vocabulary.get(own_name, ())),
        traits=len(behaviour.traits) if behaviour else 0,
        below=below,
        below_did=words.get(below, below.replace("_", " ")),
        level=int(found[2]) if found and found[2] else 0,
        has_duration=bool(behaviour and behaviour.duration),
        has_amount=bool(behaviour and behaviour.amount),
    )
    _check(definition, name, family_name, one, ask, window)
    quotient = one.quotient(ask)
    low, high = definition.bounds.get(name, (quotient.low, quotient.high))
    return Feature(
        name=name,
        meaning=one.meaning.format(
            Did=did[0].upper() + did[1:],
            did=did,
            when=ask.when,
            times="once" if ask.level == 1 else f"{ask.level} times",
            below_did=ask.below_did,
        ),
        player=player,
        family=family,
        selector=key,
        window=window if one.windowed else None,
        unit=one.unit,
        lower=low,
        upper=high,
        missing=one.missing if not (one.ages and window == "all") else NEVER_MISSING,
        quotient=quotient,
        min_age_us=0 if not one.ages or window == "all" else one.ages * window_us(window),
    )


def _check(definition: Definition, name: str, family: str, one: Family, ask: Request, window: str) -> None:
    if definition.resolution.events == "day" and family in NEED_HOURS:
        raise _refuse(name, f"{family} with resolution.events: day", "a family that needs no hours", "delete the line")
    if not one.windowed and window != "all":
        raise _refuse(name, f"{family} with window {window}", "no window for this family", "delete the window")
    if family == "trend" and window == "all":
        raise _refuse(name, "trend over all time", "a window to compare with the one before it", "write for example window: 7d")
    if family.startswith("duration") and not ask.has_duration:
        raise _refuse(name, f"{family} of events without a duration", "a behaviour with duration: PROPERTY", "map the duration")
    if family.startswith("amount") and not ask.has_amount:
        raise _refuse(name, f"{family} of events without an amount", "a behaviour with amount: PROPERTY", "map the amount")
    if family == "profile_filled" and (not ask.traits or ask.key.startswith(OWN)):
        raise _refuse(name, "profile_filled without traits", "a behaviour with traits: [name, ...]", "list the traits")
    if family == "ratio_to" and ask.below != ANY and ask.below not in definition.behaviours:
        raise _refuse(name, f"a ratio to {ask.below}", "a behaviour of the workspace", "map its events")


def _refuse(name: str, given: str, expected: str, do: str) -> InputError:
    return InputError(f"feature '{name}' cannot be computed", given=given, expected=expected, do=do)


def trial_features(definition: Definition) -> list[Feature]:
    """Return the age of the trial and, where a trial has an end, the time left."""
    age = Quotient((1, AGE), (DAY_US, ONE), (0, ONE), 0.0, _DAYS)
    left = Quotient((1, LEFT), (DAY_US, HAS_END), (0, ONE), 0.0, _DAYS)
    found = [("trial_age_d", "Days since the trial began", age, NEVER_MISSING)]
    if definition.trial_days is not None:
        found.append(("trial_left_d", "Days until the trial ends, 0 after its end", left, NEVER_MISSING))
    features = []
    for name, meaning, quotient, missing in found:
        low, high = definition.bounds.get(name, (quotient.low, quotient.high))
        features.append(Feature(name, meaning, TRIAL_AGE, name, None, None, "days", low, high, missing, quotient=quotient))
    return features


def attribute_feature(definition: Definition, name: str, kind: str) -> Feature:
    """Return the column of an attribute: itself, known at sign-up."""
    low, high = definition.bounds.get(name, (-1e15, 1e15))
    if kind == "category":
        low, high = 0.0, float(max(1, len(definition.categories.get(name, ()))))
    return Feature(
        name=name,
        meaning=f"{name} of the lead, as first known",
        player=name,
        family="attribute",
        selector=None,
        window=None,
        unit="",
        lower=low,
        upper=high,
        missing="while it is not known",
        kind="category" if kind == "category" else "number",
    )
