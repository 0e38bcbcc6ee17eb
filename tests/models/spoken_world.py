"""A workspace with every family of every behaviour over the lead and its team, words of its own, and events by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from features.catalog import feature_set
from features.feature import FeatureSet
from features.workspace import Workspace, parse_workspace
from features.workspaces.behaviours import VOCABULARY
from features.workspaces.own_features import FAMILIES
from models.phrasing import Phrasing

UNWINDOWED = ("recency_h", "time_to_first_h", "streak_current_d", "streak_longest_d", "profile_filled")
OWN = """
  exports: {events: [report_exported], duration: duration_s, amount: amount, reach: [1, 5],
            phrase: {en: exported a report, de: hat einen Bericht exportiert, tr: rapor dışa aktardı}}
  uploads: {events: [file_uploaded], duration: duration_s, phrase: uploaded a file}
"""
LINES = """
  event_report_exported_count_7d: {count: [report_exported], window: 7d, behaviour: exports}
  event_report_exported_recency_h: {recency_h: [report_exported], behaviour: exports}
  event_report_exported_reached_3: {reached_3: [report_exported], behaviour: exports}
  event_report_exported_duration_sum_s_7d: {duration_sum_s: [report_exported], window: 7d, behaviour: exports}
  some_events: {count: [some_event, other_event], window: 30d, behaviour: core_use}
  many_events: {count: ["feature.*", b_c, d, e, "page:/pricing*"], window: 12h, behaviour: core_use}
  asked_events: {count: [{event: nps_answered, where: {score: {ge: 9}, plan: [pro, team_plan]}}], window: 1d, behaviour: core_use}
  paid_events: {active_days: [{event: nps_answered, where: {paid: true, score: {lt: 2.5}}}], window: 7d, behaviour: core_use}
  page_events: {count: ["page:/pricing*"], window: 7d, behaviour: core_use}
  mixed_events: {count: [b_c, "page:/plans", "screen:home"], window: 7d, behaviour: core_use}
  mates_events: {account_people: [some_event, other_event], window: 7d}
  mates_events_count: {account_count: [some_event], window: 7d}
  told_count: {count: [demo], window: 7d, behaviour: sales}
  told_recency: {recency_h: [demo], behaviour: sales}
"""
PHRASES = """
  home_country: {en: home country, de: Heimatland, tr: memleket}
  told_count: {en: booked a demo, de: buchte eine Vorführung, tr: tanıtım istedi}
  told_recency: {en: booked a demo, de: meldete sich zu einer Vorführung an, tr: tanıtım istedi}
"""


def possible(name: str, family: str) -> bool:
    """Tell whether a behaviour of the workspace has what a family needs."""
    if name == "any":
        return not family.startswith(("duration", "amount", "profile"))
    return name in VOCABULARY or family != "profile_filled"


def windows(name: str, family: str, alone: bool) -> tuple[str, ...]:
    """Return the windows of a family: all kinds of them for one behaviour, since they are told alike for the others."""
    if alone:
        return ("all",)
    every = ("1d", "12h", *(["all"] if family in ("count", "night_share") else []))
    return ("7d", *(every if name == "session" else ()))


def lines(names: tuple[str, ...] = (*VOCABULARY, "exports", "any")) -> Iterator[str]:
    """Yield a line for each family of each behaviour, over the lead and over its team."""
    for name in names:
        for family in (*FAMILIES, "reached_1", "reached_3", "ratio_to_session", "ratio_to_core_use", "people"):
            alone = family in UNWINDOWED or family.startswith("reached")
            for window in windows(name, family, alone):
                if possible(name, family) and family != "people":
                    yield f"  own_{name}_{family}_{window}: {{{family}: {name}, window: {window}}}"
            window = "all" if alone else "7d"
            if possible(name, family) and family != "profile_filled":
                yield f"  mates_{name}_{family}: {{account_{family}: {name}, window: {window}}}"


@cache
def spoken_world(*, language: str = "en", resolution: str = "second") -> Workspace:
    """Return the workspace; by the day only its default catalogue."""
    behaviours = "\n".join(
        f"  {name}: {{events: [{name}_event], duration: duration_s, amount: amount, reach: [1, 5], traits: [full_name]}}"
        for name in VOCABULARY
    )
    added = "\n".join(lines()) + LINES if resolution == "second" else "  told_recency: {recency_h: [demo], behaviour: sales}"
    text = f"""
name: acme
language: {language}
data:
  leads: {{source: leads.csv, id: lead_id, started_at: at, account: org}}
  events: {{source: events.csv, lead: lead_id, name: event, at: at, properties: [duration_s, amount]}}
  conversions: {{source: conversions.csv, lead: lead_id, at: at}}
resolution: {{events: {resolution}}}
behaviours:
{behaviours}
{OWN}
features:
{added}
attributes: {{home_country: category, country: category, company_size: number, companyBudget: number, founding_year: number}}
phrases:
{PHRASES}
"""
    return parse_workspace(text, Path())


@cache
def told_in(language: str, resolution: str = "second") -> tuple[FeatureSet, Phrasing]:
    """Return the features of the workspace and its words in a language."""
    ws = spoken_world(resolution=resolution)
    definition = ws.definition(
        vocabulary={"any": ("a", "b", "c")}, categories={"home_country": ("DE", "TR"), "country": ("DE", "TR")}, bounds={}
    )
    return feature_set(definition), Phrasing.of(ws, language)
