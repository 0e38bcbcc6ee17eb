"""Features of the user's own: one line each, a family over some events or a behaviour within a window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from features.clock import DAY_US, HOUR_US
from features.names import fold, matches
from features.workspaces.behaviours import ANY, VOCABULARY, Behaviour, EventPatterns
from features.workspaces.section import PlainName, Section, is_plain_name, refused, unknown

FAMILIES = (
    "count",
    "active_days",
    "distinct_names",
    "names_unused",
    "duration_sum_s",
    "duration_mean_s",
    "amount_sum",
    "amount_mean",
    "recency_h",
    "time_to_first_h",
    "trend",
    "streak_current_d",
    "streak_longest_d",
    "night_share",
    "weekend_share",
    "business_share",
    "profile_filled",
    "any_sessions",
    "any_active_minutes",
)
"""Families that stand as one word; ``reached_<n>`` and ``ratio_to_<behaviour>`` name their parameter. Each but the profile's may
begin with ``account_``, and ``account_people`` counts the mates themselves."""

_MATES = "account_"
_NO_SUCH_MATES = frozenset({"account_profile_filled", "account_trial_age_d", "account_trial_left_d"})

NEED_HOURS = frozenset({"night_share", "business_share", "any_sessions", "any_active_minutes"})
"""Families that mean nothing when events are known only by their day."""

_REACHED = re.compile(r"reached_[1-9][0-9]{0,5}")
_WINDOW = re.compile(r"([1-9][0-9]{0,3})([dh])")


def window_us(window: str) -> int | None:
    """Return a window's length in microseconds, None for ``all``.

    >>> window_us("12h"), window_us("7d"), window_us("all")
    (43200000000, 604800000000, None)
    """
    found = _WINDOW.fullmatch(window)
    if not found:
        return None
    return int(found[1]) * (DAY_US if found[2] == "d" else HOUR_US)


def plain_family(family: str) -> str:
    """Return a family without its ``account_``."""
    return family.removeprefix(_MATES)


def over_mates(family: str) -> bool:
    """Tell whether a family looks at the lead's account mates.

    >>> over_mates("account_people"), over_mates("count")
    (True, False)
    """
    return family.startswith(_MATES)


def ratio_to(family: str) -> str | None:
    """Return the behaviour below the line of a ratio family, None for other families."""
    family = plain_family(family)
    return family.removeprefix("ratio_to_") if family.startswith("ratio_to_") else None


def is_family(word: str) -> bool:
    """Tell whether a word names a family of features.

    >>> is_family("count"), is_family("account_reached_5"), is_family("ratio_to_support"), is_family("cuont")
    (True, True, True, False)
    """
    plain = plain_family(word)
    if word in _NO_SUCH_MATES:
        return False
    return word == "account_people" or plain in FAMILIES or bool(_REACHED.fullmatch(plain)) or bool(ratio_to(word))


class OwnFeature(Section):
    """A family over event patterns, or over a behaviour; in the file ``{count: [feature.export], window: 7d}``."""

    family: str
    patterns: EventPatterns = ()
    """The events, when they are listed."""
    of: PlainName | None = None
    """The behaviour whose events they are, when a behaviour is named instead."""
    window: str = "all"
    behaviour: PlainName | None = None
    """The player that its points go to; never None in a workspace or a definition."""

    @model_validator(mode="before")
    @classmethod
    def _from_line(cls, data: Any, info: ValidationInfo) -> Any:
        """Bring the line of the workspace file into the full form, the only one that a definition knows."""
        if not isinstance(data, dict) or info.context is None:
            return data
        settings = {key: data[key] for key in ("window", "behaviour") if key in data}
        families = [key for key in data if key not in settings]
        known = (*FAMILIES, "reached_<n>", "ratio_to_<behaviour>", "account_<family>", "account_people", "window", "behaviour")
        for key in families:
            if key in _NO_SUCH_MATES or key == "people":
                plain = "account_people" if key == "people" else plain_family(key)
                raise refused(
                    "a family that can be told of the lead's account mates, or account_people for how many they are",
                    f"did you mean '{plain}'?",
                    given=f"'{key}'",
                    at=(key,),
                )
            if not is_family(key):
                raise unknown("key", key, known, at=(key,))
        if len(families) != 1:
            raise refused(
                "exactly one family",
                "write {count: [event], window: 7d}",
                given=", ".join(families) or "a feature without a family",
            )
        what = data[families[0]]
        if isinstance(what, str) and what and not is_plain_name(what):
            raise refused(
                "a list of events or the name of a behaviour", _as_list(what), given=f"the text '{what}'", at=(families[0],)
            )
        if isinstance(what, str):
            return {"family": families[0], "of": what, **settings}
        if not isinstance(what, tuple | list) or not what:
            raise refused("a list of events or the name of a behaviour", "write [event_name] or core_use", at=(families[0],))
        return {"family": families[0], "patterns": what, **settings}

    @field_validator("window", mode="before")
    @classmethod
    def _window(cls, window: Any) -> Any:
        # A bare number is taken for days, which is what nearly every window is told in.
        days = str(window)
        if window != "all" and (not isinstance(window, str) or window_us(window) is None):
            number = window_us(f"{days}d") is not None
            raise refused("a window such as 7d, 12h or all", f"write {days}d" if number else "write one of these")
        return window

    @model_validator(mode="after")
    def _complete(self) -> OwnFeature:
        if not is_family(self.family) or bool(self.patterns) == bool(self.of):
            raise refused("one family over either events or a behaviour", "write {count: [event], window: 7d}")
        return self


def resolve_player(name: str, feature: OwnFeature, behaviours: Mapping[str, Behaviour]) -> OwnFeature:
    """Check the behaviours that a feature names, and find the player when it is plain from the mapping."""
    if feature.of is not None and feature.of != ANY and feature.of not in behaviours:
        raise _no_behaviour(feature.of, behaviours, (name, feature.family))
    below = ratio_to(feature.family)
    if below is not None and below != ANY and below not in behaviours:
        raise unknown("behaviour", below, (*behaviours, ANY), at=(name, feature.family))
    _refuse_behaviours_as_events(name, feature, behaviours)
    if feature.behaviour is not None:
        if feature.behaviour not in (*behaviours, *VOCABULARY, ANY):
            raise unknown("behaviour", feature.behaviour, dict.fromkeys((*behaviours, *VOCABULARY, ANY)), at=(name, "behaviour"))
        return feature
    if feature.of is not None:
        return feature.model_copy(update={"behaviour": feature.of})
    return feature.model_copy(update={"behaviour": _player_of_events(name, feature, behaviours)})


def _as_list(event: str) -> str:
    shown = event if event[0].isalnum() else f'"{event}"'  # to YAML * and the like mean something at the beginning
    return f"put events in a list: [{shown}]"


def _no_behaviour(word: str, behaviours: Mapping[str, Behaviour], at: tuple[str, ...]) -> PydanticCustomError:
    """Return the refusal of a word where a behaviour stands: most often it is an event, or a behaviour that maps nothing yet."""
    if _has_event(behaviours, fold(word)):
        return refused("a list of events or the name of a behaviour", _as_list(word), given=f"the event '{word}'", at=at)
    otherwise = "map its events under behaviours" if word in VOCABULARY else _as_list(word)
    return unknown("behaviour", word, (*behaviours, ANY), at=at, otherwise=otherwise)


def _refuse_behaviours_as_events(name: str, feature: OwnFeature, behaviours: Mapping[str, Behaviour]) -> None:
    """Refuse a list that names a behaviour: there is hardly an event of that name, and its count would be nought for ever.

    An event that is called like a behaviour belongs to some behaviour, and is welcome in lists once it is mapped there.
    """
    for pattern in feature.patterns:
        word = pattern.event
        if not pattern.where and (word == ANY or word in behaviours) and not _has_event(behaviours, word):
            raise refused(
                "event names",
                f"write {feature.family}: {word}, or list its events",
                given=f"the behaviour '{word}' in a list of events",
                at=(name, feature.family),
            )


def _has_event(behaviours: Mapping[str, Behaviour], event: str) -> bool:
    return any(matches(known.event, event) for behaviour in behaviours.values() for known in behaviour.events)


def _player_of_events(name: str, feature: OwnFeature, behaviours: Mapping[str, Behaviour]) -> str:
    """Return the behaviour that has all the events of a feature; `any` where no behaviour has any of them."""
    mine = [pattern.event for pattern in feature.patterns]
    has_all, has_some = [], []
    for player, behaviour in behaviours.items():
        theirs = [pattern.event for pattern in behaviour.events]
        if all(any(matches(known, own) for known in theirs) for own in mine):
            has_all.append(player)
        elif any(matches(known, own) or matches(own, known) for known in theirs for own in mine):
            has_some.append(player)
    if len(has_all) == 1:
        return has_all[0]
    if over_mates(feature.family) or not (has_all or has_some):
        return ANY  # the points of features over mates go to the account, whoever has the events
    of_none = [own for own in mine if not _has_event(behaviours, own)]
    some = " and ".join(has_all or has_some)
    raise refused(
        "events that exactly one behaviour has, or the behaviour that they count for",
        f"add behaviour: {some if len(has_some) == 1 and not has_all else 'NAME'} to the feature",
        given=f"a list in which '{of_none[0]}' is not covered by the events of any one behaviour"
        if of_none
        else f"events of {some}{'' if has_all else ', but not all of one'}",
        at=(name,),
    )
