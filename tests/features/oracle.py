"""The slow oracle: every family from its definition, with datetimes, zones, fractions and plain loops; nothing of the kernel.

It reads the raw story of a lead (aware datetimes, raw property values) and answers one feature at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from zoneinfo import ZoneInfo

NAN = float("nan")


@dataclass(frozen=True)
class Happened:
    """One event as it happened; in a world of days, `at` is the end of its day."""

    name: str
    at: datetime
    known: datetime
    count: int = 1
    properties: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    started: datetime
    events: list
    trial_end: datetime | None = None
    traits: frozenset = frozenset()
    account: str | None = None
    joined: datetime | None = None
    """When the account became known."""


class World:
    """The parts of a definition that the oracle needs, read by itself."""

    def __init__(self, definition):
        self.definition = definition
        self.zone = ZoneInfo(definition.timezone)
        self.by_day = definition.resolution.events == "day"
        self.gap = timedelta(minutes=definition.gap_minutes)

    # -- time ------------------------------------------------------------------------------------------

    def wall(self, at: datetime) -> datetime:
        if self.by_day:
            at -= timedelta(microseconds=1)
        return at.astimezone(self.zone)

    def day(self, at: datetime) -> date:
        """The last local date that has begun: the wall clock's, unless a clock turned back over midnight shows an old one."""
        instant = at - timedelta(microseconds=1) if self.by_day else at
        day = instant.astimezone(self.zone).date()
        while True:
            following = day + timedelta(days=1)
            if datetime(following.year, following.month, following.day, tzinfo=self.zone).timestamp() > instant.timestamp():
                return day
            day = following

    # -- which events ------------------------------------------------------------------------------------------

    def patterns(self, key: str):
        if key.startswith("feature:"):
            return self.definition.features[key.removeprefix("feature:")].patterns
        return self.definition.behaviours[key].events

    def takes(self, key: str, event: Happened) -> bool:
        if key == "any":
            return True
        return any(
            fnmatchcase(event.name, pattern.event)
            and all(
                self.condition(event.properties.get(prop), operator, wanted)
                for prop, asked in pattern.where.items()
                for operator, wanted in asked.items()
            )
            for pattern in self.patterns(key)
        )

    def condition(self, value, operator, wanted) -> bool:
        """Numbers and plain texts only: what the drawn stories contain."""
        if value is None:
            return False
        if operator == "eq":
            return value == wanted
        if operator == "in":
            return value in wanted
        if operator == "glob":
            return isinstance(value, str) and fnmatchcase(value, wanted)
        if isinstance(value, str):
            return False
        return {"ge": value >= wanted, "gt": value > wanted, "le": value <= wanted, "lt": value < wanted}[operator]

    def seen(self, story: Story, key: str, as_of: datetime, window: timedelta | None):
        """The events of a selector that lie in the window and were known, oldest first."""
        return sorted(
            (
                event
                for event in story.events
                if event.at <= as_of
                and event.known <= as_of
                and (window is None or event.at > as_of - window)
                and self.takes(key, event)
            ),
            key=lambda event: event.at,
        )

    # -- account mates ------------------------------------------------------------------------------------------

    def mates(self, me: str, people: dict, as_of: datetime):
        """The stories of the mates that count, or None without an account: of more than 200 the most recently active."""
        account = people[me].account
        if account is None or people[me].joined > as_of:
            return None
        active = []
        for lead_id, story in people.items():
            seen = [event.at for event in story.events if event.at <= as_of and event.known <= as_of]
            if lead_id != me and story.account == account and story.joined <= as_of and seen:
                active.append((max(seen), lead_id))
        active.sort(key=lambda pair: pair[1])
        active.sort(key=lambda pair: pair[0], reverse=True)
        return [people[lead_id] for _, lead_id in active[:200]]

    def over_mates(self, feature, me: str, people: dict, as_of: datetime) -> float:
        mates = self.mates(me, people, as_of)
        if mates is None:
            return NAN
        if feature.family == "people":
            window = None if feature.window == "all" else length(feature.window)
            return float(sum(bool(self.seen(mate, feature.selector, as_of, window)) for mate in mates))
        return self.value(feature, Story(people[me].started, [event for mate in mates for event in mate.events]), as_of)

    # -- the families ------------------------------------------------------------------------------------------

    def value(self, feature, story: Story, as_of: datetime) -> float:
        if feature.family == "trial_age_d":
            return float(Fraction(max(0, micro(as_of - story.started)), DAY))
        if feature.family == "trial_left_d":
            trial = self.definition.trial_days
            end = story.trial_end or (None if trial is None else story.started + timedelta(days=trial))
            return NAN if end is None else float(Fraction(max(0, micro(end - as_of)), DAY))
        window = None if feature.window in (None, "all") else length(feature.window)
        return self.family(feature.family, feature, story, as_of, window)

    def family(self, family: str, feature, story: Story, as_of: datetime, window) -> float:
        key = feature.selector
        events = self.seen(story, key, as_of, window)
        times = sum(event.count for event in events)
        age = as_of - story.started
        if family == "count":
            return float(times)
        if family == "active_days":
            return float(len({self.day(event.at) for event in events}))
        if family == "distinct_names":
            return float(len({event.name for event in events}))
        if family == "names_unused":
            if window is not None and age < window:
                return NAN
            usual = set(self.definition.vocabulary.get(key.removeprefix("feature:"), ()))
            return float(len(usual - {event.name for event in events})) if usual else NAN
        if family.startswith(("duration_", "amount_")):
            return self.measured(family, feature, events)
        if family == "recency_h":
            return float(Fraction(micro(as_of - events[-1].at), HOUR)) if events else NAN
        if family == "time_to_first_h":
            return float(Fraction(max(0, micro(events[0].at - story.started)), HOUR)) if events else NAN
        if family.startswith("reached_"):
            return float(times >= int(family.removeprefix("reached_")))
        if family == "trend":
            if age < 2 * window:
                return NAN
            return share(times, sum(event.count for event in self.seen(story, key, as_of, 2 * window)))
        if family.startswith("streak_"):
            return float(self.streak(family, {self.day(event.at) for event in events}, self.day(as_of)))
        if family == "night_share":
            return share(sum(event.count for event in events if not 6 <= self.wall(event.at).hour < 22), times)
        if family == "weekend_share":
            return share(sum(event.count for event in events if self.wall(event.at).weekday() >= 5), times)
        if family == "business_share":
            hours = [event for event in events if self.wall(event.at).weekday() < 5 and 9 <= self.wall(event.at).hour < 18]
            return share(sum(event.count for event in hours), times)
        if family.startswith("ratio_to_"):
            below = self.seen(story, family.removeprefix("ratio_to_"), as_of, window)
            return share(times, sum(event.count for event in below))
        if family == "any_sessions":
            return float(len(self.runs(events)))
        if family == "any_active_minutes":
            return float(Fraction(sum(micro(run[-1].at - run[0].at) for run in self.runs(events)), MINUTE))
        if family == "profile_filled":
            traits = self.definition.behaviours[key].traits
            return float(Fraction(len(story.traits & set(traits)), len(traits)))
        raise AssertionError(family)

    def measured(self, family: str, feature, events) -> float:
        key = feature.selector
        own = key.startswith("feature:")
        player = self.definition.behaviours[self.definition.features[key.removeprefix("feature:")].behaviour if own else key]
        prop, digits = (player.duration, 3) if family.startswith("duration") else (player.amount, 2)
        values = [whole(event.properties.get(prop), digits) for event in events]
        values = [value for value in values if value is not None]
        if "_sum" in family:
            return float(Fraction(sum(values), 10**digits))
        return float(Fraction(sum(values), 10**digits * len(values))) if values else NAN

    def streak(self, family: str, days: set, today: date) -> int:
        runs, run = [], []
        for day in sorted(days):
            if run and day - run[-1] != timedelta(days=1):
                runs.append(run)
                run = []
            run.append(day)
        runs.append(run)
        if family == "streak_longest_d":
            return max(len(run) for run in runs)
        return len(runs[-1]) if runs[-1] and today - runs[-1][-1] <= timedelta(days=1) else 0

    def runs(self, events):
        runs = []
        for event in events:
            if runs and event.at - runs[-1][-1].at < self.gap:
                runs[-1].append(event)
            else:
                runs.append([event])
        return runs


MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000


def micro(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def length(window: str) -> timedelta:
    return timedelta(days=int(window[:-1])) if window.endswith("d") else timedelta(hours=int(window[:-1]))


def share(part: int, whole_: int) -> float:
    return float(Fraction(part, whole_)) if whole_ else NAN


def whole(value, digits: int):
    if value is None or abs(value) * 10**digits > 10**12:  # no event lasts or costs that much
        return None
    return int((Decimal(str(value)) * 10**digits).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
