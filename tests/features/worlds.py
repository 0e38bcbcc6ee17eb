"""Definitions and stories for the tests: every behaviour, every family, several zones, and times where zones are nasty."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from hypothesis import strategies as st

from features.clock import NEVER, from_datetime
from features.history import EventRow
from features.matrix import LiveAccount, LiveLead, LiveMate
from features.workspace import parse_workspace
from tests.features.oracle import Happened, Story

BEHAVIOURS = """
  session:        {events: [app_opened, login], duration: secs}
  core_use:       {events: ["feature.*"], duration: secs, amount: money}
  milestone:      {events: [project_created, feature.b], reach: [1, 5], duration: other_secs}
  purchase_intent: {events: [upgrade_page_viewed, "page:/pricing*"]}
  add_on:         {events: [addon_bought], amount: money}
  support:        {events: ["ticket.*", {event: login, where: {plan: pro, score: {lt: 5}}}], duration: other_secs}
  education:      {events: ["webinar.?", docs_viewed]}
  community:      {events: ["forum.*", {event: login, where: {plan: {glob: "t*"}}}]}
  profile:        {events: ["profile.*"], traits: [name, company, photo]}
  positive_feedback: {events: [thumbs_up, {event: nps_answered, where: {score: {ge: 9}}}]}
  negative_feedback: {events: [thumbs_down, {event: nps_answered, where: {score: {le: 6}}}]}
  collaboration:  {events: [invite_sent, teammate_joined]}
  advocacy:       {events: [shared, {event: nps_answered, where: {score: [9, 10]}}]}
  friction:       {events: ["error.*"]}
  marketing:      {events: ["campaign.*", webinar_invite_opened]}
  sales:          {events: [demo_booked, call_completed]}
  onboarding:     {events: [tour_step, app_opened], phrase: took the tour}
"""
NAMES = (
    "app_opened", "login", "feature_a", "feature_b", "feature_c", "project_created", "page:/pricing/eu", "addon_bought",
    "ticket_new", "webinar_1", "forum_post", "profile_photo", "thumbs_up", "nps_answered", "invite_sent", "shared", "error_500",
    "campaign_open", "demo_booked", "tour_step", "unmapped_thing",
)  # fmt: skip
MAPPED = [line.split(":")[0].strip() for line in BEHAVIOURS.strip().splitlines()]
ZONES = ("UTC", "America/St_Johns", "Asia/Kathmandu", "Europe/Istanbul", "America/Sao_Paulo")
VOCABULARY = {
    "core_use": ("feature_a", "feature_b", "feature_never"),
    "any": ("app_opened", "login", "shared"),
    "session": ("login",),
    "own_names_unused_7d": ("login", "shared", "zzz"),
}


def _own_lines(by_day: bool) -> str:
    """Every family of every behaviour, of any, and of a list of events, as the user's own lines."""
    plain = ["count", "active_days", "distinct_names", "names_unused", "weekend_share", "ratio_to_session", "ratio_to_any"]
    single = ["recency_h", "time_to_first_h", "reached_3", "streak_current_d", "streak_longest_d"]
    if not by_day:
        plain += ["night_share", "business_share", "any_sessions", "any_active_minutes"]
    lines = []
    for name in ("any", *MAPPED, "own"):
        families = [(family, window) for family in plain for window in ("1d", "7d", "all")] + [
            (family, "all") for family in single
        ]
        families += [("trend", "1d"), ("trend", "12h"), ("trend", "3d")]
        if name in ("session", "core_use", "milestone", "support", "own"):
            families += [(f"duration_{what}", window) for what in ("sum_s", "mean_s") for window in ("7d", "all")]
        if name in ("core_use", "add_on", "own"):
            families += [(f"amount_{what}", window) for what in ("sum", "mean") for window in ("7d", "all")]
        if name == "profile":
            families.append(("profile_filled", "all"))
        what = name if name != "own" else "[login, 'feature.*', {event: nps_answered, where: {score: {gt: 3}}}]"
        player = ", behaviour: core_use" if name == "own" else ""
        for family, window in families:
            column = f"{name}_{family}_{window}" if name == "own" else f"x_{name}_{family}_{window}"
            lines.append(f"  {column}: {{{family}: {what}, window: {window}{player}}}")
    return "\n".join(lines)


def _lines_over_mates(by_day: bool) -> str:
    """Every family over account mates, of some behaviours, of any, and of a list of events."""
    lines = []
    for line in _own_lines(by_day).splitlines():
        name, what = line.strip().split(": {", 1)
        if re.match("own_|x_(any|core_use|support|session)_", name):
            lines.append(f"  mates_{name}: {{account_{what}")
            if what.startswith("count:"):
                lines.append(f"  mates_{name.replace('_count_', '_people_')}: {{account_people{what.removeprefix('count')}")
    return "\n" + "\n".join(lines)


@lru_cache
def definition(zone: str = "UTC", by_day: bool = False, every_family: bool = True, trial: str = "14", accounts: bool = False):
    text = f"""
name: acme
timezone: {zone}
data:
  leads: {{source: leads.csv, id: id, started_at: at{", account: org" if accounts else ""}}}
  events: {{source: events.csv, lead: l, name: event, at: t, properties: [score, plan, secs, other_secs, money]}}
  conversions: {{source: c.csv, lead: l, at: t}}
resolution: {{events: {"day" if by_day else "second"}}}
trial: {{days: {trial}}}
attributes: {{country: category, company_size: number}}
behaviours: {BEHAVIOURS}
"""
    if every_family:
        text += "features:\n" + _own_lines(by_day) + (_lines_over_mates(by_day) if accounts else "")
    workspace = parse_workspace(text, Path())
    return workspace.definition(vocabulary=VOCABULARY, categories={"country": ("DE", "TR")})


# -- stories ------------------------------------------------------------------------------------------

NASTY = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        "2006-10-29T02:31:00",  # St. John's turns its clock back over midnight
        "2006-04-02T03:31:00",
        "2018-02-18T02:00:00",  # Sao Paulo turns back at midnight
        "2017-10-15T03:00:00",  # and its midnight does not exist
        "2016-03-27T01:00:00",
        "2024-02-28T18:15:00",  # midnight in Kathmandu
    )
)
STEPS = st.one_of(
    st.sampled_from(
        [timedelta(0), timedelta(minutes=30), timedelta(minutes=29, seconds=59), timedelta(hours=1), timedelta(days=1)]
    ),
    st.integers(0, 3 * 86_400_000_000).map(lambda us: timedelta(microseconds=us)),
)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "score": st.one_of(st.none(), st.integers(0, 10)),
        "plan": st.sampled_from([None, "pro", "team", "trial"]),
        "secs": st.one_of(st.none(), st.decimals(0, 5000, places=4).map(float), st.sampled_from([0.0005, 0.0015, 1e300])),
        "other_secs": st.integers(0, 100).map(float),
        "money": st.sampled_from([None, 0.005, 0.015, 2.675, 1.005, -3.335, 12.0]),
    },
)


@st.composite
def stories(draw, by_day: bool = False, zone: str = "UTC"):
    """A story around a nasty time, and an instant from which to look at it."""
    from zoneinfo import ZoneInfo

    centre = draw(st.sampled_from(NASTY))
    started = centre + draw(st.sampled_from([timedelta(days=-16), timedelta(days=-3), timedelta(0), timedelta(hours=-2)]))
    as_of = centre + draw(st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(minutes=31), timedelta(days=5)]))
    as_of = max(as_of, started)
    edges = [as_of, as_of - timedelta(days=1), as_of - timedelta(days=7), as_of - timedelta(days=3), started, centre]
    micro = timedelta(microseconds=1)
    events = []
    for _ in range(draw(st.integers(0, 14))):
        at = draw(
            st.one_of(
                st.sampled_from([*edges, *(edge + micro for edge in edges), *(edge - micro for edge in edges)]),
                STEPS.map(lambda step: centre - step),
                STEPS.map(lambda step: as_of - step),
                STEPS.map(lambda step: centre + step),
            )
        )
        if by_day:
            local = at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
            at = datetime(local.year, local.month, local.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        late = draw(st.sampled_from([timedelta(0)] * 4 + [timedelta(hours=3), timedelta(days=2)]))
        name = draw(st.sampled_from(NAMES))
        events.append(Happened(name, at, at + late, draw(st.sampled_from([1, 1, 2, 7])), draw(PROPERTIES)))
    end = draw(st.sampled_from([None, None, as_of + timedelta(hours=5), as_of - timedelta(hours=5)]))
    traits = draw(st.sampled_from([frozenset(), frozenset({"name"}), frozenset({"photo", "company", "name"})]))
    return Story(started, events, end, traits), as_of


@st.composite
def households(draw, by_day: bool = False, zone: str = "UTC", most: int = 5):
    """A few leads, most of them of one account, that joined it at any time; and an instant from which to look at each."""
    told = draw(st.lists(stories(by_day, zone), min_size=2, max_size=most))
    people, looks = {}, []
    for number, (story, as_of) in enumerate(told):
        account = draw(st.sampled_from(["one", "one", "one", "two", None]))
        joined = draw(st.sampled_from([story.started, story.started, as_of, as_of + timedelta(microseconds=1), NASTY[0]]))
        people[f"lead{number}"] = replace(story, account=account, joined=None if account is None else joined)
        looks.append(as_of)
    return people, looks


def us(moment: datetime) -> int:
    return from_datetime(moment)


def live(story: Story, lead_id: str = "a", people: dict | None = None, as_of: int = NEVER) -> LiveLead:
    """The story as the server has it stored; with `people`, beside its account mates."""
    began = us(story.started)
    account = None
    if people is not None and story.account is not None and us(story.joined) <= as_of:
        others = [(one, other) for one, other in people.items() if one != lead_id and other.account == story.account]
        account = LiveAccount(LiveMate(one, us(other.joined), rows_of(other)) for one, other in others)
    return LiveLead(
        lead_id,
        began,
        [(us(story.trial_end), began)] if story.trial_end else [],
        dict.fromkeys(sorted(story.traits), ("yes", began)),
        rows_of(story),
        account,
    )


def rows_of(story: Story) -> list[EventRow]:
    return [EventRow(one.name, us(one.at), us(one.known), one.count, one.properties) for one in story.events]


def tables(stories_: list) -> SimpleNamespace:
    """Stories as the tables that files are read into."""
    n = len(stories_)
    names = sorted({one.name for story in stories_ for one in story.events})
    flat = [(index, one) for index, story in enumerate(stories_) for one in story.events]
    flat.sort(key=lambda pair: (pair[0], us(pair[1].at), us(pair[1].known), pair[1].name))
    floats = {"score", "secs", "other_secs", "money"}
    properties = {}
    for prop in ("score", "plan", "secs", "other_secs", "money"):
        values = [one.properties.get(prop) for _, one in flat]
        if prop in floats:
            properties[prop] = np.array([np.nan if value is None else float(value) for value in values])
        else:
            properties[prop] = np.array(values, dtype=object)
    leads = SimpleNamespace(
        ids=[f"lead{index:0{len(str(n - 1))}}" for index in range(n)],
        started_at=np.array([us(story.started) for story in stories_], dtype=np.int64),
        trial_ends_at=np.array([us(story.trial_end) if story.trial_end else NEVER for story in stories_], dtype=np.int64),
        attributes={"country": np.array([None] * n, dtype=object), "company_size": np.full(n, np.nan)},
        traits={
            trait: np.array(["x" if trait in story.traits else None for story in stories_], dtype=object)
            for trait in ("name", "company", "photo")
        },
        ignored=np.zeros(n, dtype=bool),
        account=np.array([story.account for story in stories_], dtype=object),
        account_known=np.array([NEVER if story.account is None else us(story.joined) for story in stories_], dtype=np.int64),
        known={},
        ends_told={},
    )
    events = SimpleNamespace(
        lead=np.array([index for index, _ in flat], dtype=np.int32),
        name=np.array([names.index(one.name) for _, one in flat], dtype=np.int32),
        names=names,
        at=np.array([us(one.at) for _, one in flat], dtype=np.int64),
        known=np.array([us(one.known) for _, one in flat], dtype=np.int64),
        count=np.array([one.count for _, one in flat], dtype=np.int64),
        properties=properties,
    )
    return SimpleNamespace(leads=leads, events=events)
