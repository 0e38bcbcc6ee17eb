"""The whole product of behaviours and families as lines of a workspace: of the lead and of its account, over several windows."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from features.workspace import parse_workspace
from features.workspaces.own_features import FAMILIES, NEED_HOURS
from tests.features.worlds import BEHAVIOURS, MAPPED, VOCABULARY

WINDOWS = ("7d", "all", "5h")
UNWINDOWED = ("recency_h", "time_to_first_h", "streak_current_d", "streak_longest_d", "reached_1", "reached_3", "profile_filled")
MEASURED = {
    "duration": ("session", "core_use", "milestone", "support", "list", "event"),
    "amount": ("core_use", "add_on", "list", "event"),
}
LISTS = {
    "list": ("[login, 'feature.*', {event: nps_answered, where: {score: {gt: 3}}}]", ", behaviour: core_use"),
    "event": ("[feature_a]", ", behaviour: core_use"),
}
"""Several events, and a single one, as one feature lists them."""
KEYS = ("any", *MAPPED, *LISTS)


def families_of(key: str, by_day: bool) -> list[str]:
    """Every family that the events of a key can have."""
    found = [*FAMILIES, "reached_1", "reached_3", "ratio_to_session", "ratio_to_any"]
    return [
        family
        for family in found
        if not (by_day and family in NEED_HOURS)
        and not any(family.startswith(kind) and key not in keys for kind, keys in MEASURED.items())
        and not (family == "profile_filled" and key != "profile")
    ]


def lines(by_day: bool, keys: tuple[str, ...] = KEYS) -> dict[str, str]:
    """Every line by the name of its column."""
    found = {}
    for key in keys:
        what, player = LISTS.get(key, (key, ""))
        for family in [*families_of(key, by_day), "people"]:
            for window in ("all",) if family in UNWINDOWED else WINDOWS:
                if (family, window) == ("trend", "all"):
                    continue
                if family != "people":
                    found[f"p_{key}_{family}_{window}"] = f"{{{family}: {what}, window: {window}{player}}}"
                if family != "profile_filled":
                    found[f"a_{key}_{family}_{window}"] = f"{{account_{family}: {what}, window: {window}{player}}}"
    return found


def product(zone: str, by_day: bool, keys: tuple[str, ...] = KEYS):
    """A definition with every line of some keys; the file is read once for all zones."""
    return _in_utc(by_day, keys).model_copy(update={"timezone": zone})


@lru_cache
def _in_utc(by_day: bool, keys: tuple[str, ...]):
    text = f"""
name: acme
data:
  leads: {{source: leads.csv, id: id, started_at: at, account: org}}
  events: {{source: events.csv, lead: l, name: event, at: t, properties: [score, plan, secs, other_secs, money]}}
  conversions: {{source: c.csv, lead: l, at: t}}
resolution: {{events: {"day" if by_day else "second"}}}
attributes: {{country: category, company_size: number}}
behaviours: {BEHAVIOURS}
features:
""" + "\n".join(f"  {name}: {line}" for name, line in lines(by_day, keys).items())
    usual = {f"{form}_list_names_unused_{window}": ("login", "feature_a", "zzz") for form in "pa" for window in WINDOWS}
    return parse_workspace(text, Path()).definition(vocabulary={**VOCABULARY, **usual}, categories={"country": ("DE", "TR")})
