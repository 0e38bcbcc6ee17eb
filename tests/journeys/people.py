"""A drawn history of visitors, users and their companies, as files of tables and as the same calls of Segment's API."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

START = datetime(2026, 3, 20, tzinfo=UTC)
NAMES = ("login", "Feature.Export", "feature-import", "upgrade", "page:/pricing", "teammate_invited", "Something Else")

WORKSPACE = """
name: people
timezone: Europe/Berlin
data:
  leads: {source: leads.csv, id: lead_id, started_at: signed_up_at, trial_ends_at: trial_end, account: org}
  events: {source: events.csv, lead: lead_id, name: event, at: at, id: message_id, received_at: received_at, count: n,
           properties: [plan, minutes]}
  conversions: {source: conversions.csv, lead: lead_id, at: paid_at}
  identities: {source: merges.csv, from: who, to: whom, at: at}
behaviours:
  session: {events: [login], duration: minutes}
  core_use: {events: ["feature.*"]}
  purchase_intent: {events: [{event: upgrade, where: {plan: {eq: pro}}}, "page:/pricing*"]}
  collaboration: {events: [teammate_invited]}
features:
  invites_3d: {account_count: [teammate_invited], window: 3d}
  inviters: {account_people: [teammate_invited], window: all}
  time_together: {account_duration_sum_s: [login], window: 7d, behaviour: session}
  sessions_together: {account_streak_longest_d: [login]}
  first_export: {account_time_to_first_h: [feature.export]}
  pages: {account_distinct_names: ["page:*", "feature*"], window: 30d}
  pro: {account_ratio_to_session: [{event: upgrade, where: {plan: {eq: pro}}}], window: 14d}
attributes: {country: category, company_size: number}
"""


@dataclass(frozen=True)
class People:
    """What happened, in seconds after START."""

    leads: list[dict[str, Any]]
    events: list[dict[str, Any]]
    merges: list[tuple[str, str, int]]
    payments: list[tuple[str, int]]

    def write(self, folder: Path, workspace: str) -> None:
        """Write the files, rows in no order."""
        folder.mkdir()
        (folder / "workspace.yaml").write_text(workspace, encoding="utf-8")
        leads = (
            {**lead, "signed_up_at": when(lead["signed_up_at"]), "trial_end": when(lead["trial_end"])} for lead in self.leads
        )
        table(folder / "leads.csv", ("lead_id", "signed_up_at", "trial_end", "org", "country", "company_size"), leads)
        events = ({**event, "at": when(event["at"]), "received_at": when(event["received_at"])} for event in self.events)
        table(folder / "events.csv", ("message_id", "lead_id", "event", "at", "received_at", "n", "plan", "minutes"), events)
        merges = ({"who": who, "whom": whom, "at": when(at)} for who, whom, at in self.merges)
        table(folder / "merges.csv", ("who", "whom", "at"), merges)
        payments = ({"lead_id": lead, "paid_at": when(at)} for lead, at in self.payments)
        table(folder / "conversions.csv", ("lead_id", "paid_at"), payments)

    def send(self, client: httpx.Client) -> None:
        """Tell a server the same by its doors, in no order, with a key that may say when each call was received."""
        calls = [self._signed_up(lead) for lead in self.leads]
        calls += [_did(event) for event in self.events]
        calls += [_merged(*merge, alias=place % 3 == 0) for place, merge in enumerate(self.merges)]
        random.Random(1).shuffle(calls)
        for start in range(0, len(calls), 400):
            answer = client.post("/v1/batch", json={"batch": calls[start : start + 400]}).json()
            assert answer["success"], answer["refused"][:3]
        paid = [{"lead_id": lead, "at": when(at), "received_at": when(at)} for lead, at in self.payments]
        assert client.post("/v1/conversions", json={"conversions": paid}).json()["success"]

    def _signed_up(self, lead: dict[str, Any]) -> dict[str, Any]:
        at = when(lead["signed_up_at"])
        traits = {name: lead[name] for name in ("country", "company_size") if lead[name] is not None}
        call = {"type": "identify", "userId": lead["lead_id"], "timestamp": at, "receivedAt": at}
        call["traits"] = traits | {"signed_up_at": at, "trial_end": when(lead["trial_end"])}
        return call | ({"context": {"groupId": lead["org"]}} if lead["org"] else {})


def _did(event: dict[str, Any]) -> dict[str, Any]:
    who = "anonymousId" if event["lead_id"].startswith("visitor") else "userId"
    properties = {name: event[name] for name in ("plan", "minutes") if event[name] is not None}
    call = {who: event["lead_id"], "messageId": event["message_id"], "count": event["n"], "properties": properties}
    call |= {"timestamp": when(event["at"]), "receivedAt": when(event["received_at"])}
    name = event["event"]
    if name.startswith("page:"):
        return call | {"type": "page", "name": "x", "properties": properties | {"path": name.removeprefix("page:")}}
    return call | {"type": "track", "event": name}


def _merged(who: str, whom: str, at: int, *, alias: bool) -> dict[str, Any]:
    call = {"timestamp": when(at), "receivedAt": when(at), "messageId": f"{who} is {whom} at {at}"}
    if alias or not who.startswith("visitor"):
        return call | {"type": "alias", "previousId": who, "userId": whom}
    return call | {"type": "identify", "anonymousId": who, "userId": whom, "traits": {}}


def draw(seed: int, *, users: int = 60, visitors: int = 30, days: int = 20) -> People:
    """Draw a history: users in companies, visitors who turn out to be users or other visitors, and users who are the same."""
    dice, span = random.Random(seed), days * 86_400
    leads = [
        {
            "lead_id": f"user {i}",
            "signed_up_at": (at := dice.randrange(span // 2)),
            "trial_end": at + 14 * 86_400,
            "org": dice.choice((None, "north", "south", f"alone {i}", "large", "large", "large")),
            "country": dice.choice((None, "DE", "TR")),
            "company_size": dice.choice((None, 5, 7.5)),
        }
        for i in range(users)
    ]
    names = [f"user {i}" for i in range(users)] + [f"visitor {i}" for i in range(visitors)]
    born = {lead["lead_id"]: int(lead["signed_up_at"]) for lead in leads}

    def merged(who: str, others: list[str]) -> tuple[str, str, int]:
        """Who turns out to be a user does so when, or after, that user signed up."""
        whom = dice.choice(others)
        return who, whom, max(dice.randrange(span), born.get(who, 0), born.get(whom, 0))

    merges = []
    for i in range(visitors - 4):  # the last ones remain unknown
        others = [f"visitor {j}" for j in range(i + 1, visitors - 4)] if i % 3 == 0 else []
        merges.append(merged(f"visitor {i}", others or names[:users]))
    merges += [merged(f"user {i}", names[users // 2 : users]) for i in range(0, users // 3, 3)]
    # Too late: they are somebody already.
    merges += [(who, f"user {dice.randrange(users)}", at + 100) for who, _, at in merges[:5]]
    events = []
    for who in names:
        for _ in range(dice.choice((0, 3, 12, 30))):
            at = dice.randrange(span)
            late = dice.choice((0, 0, 0, 0, 30, 90_000, 400_000))
            events.append({
                "message_id": f"m{len(events)}", "lead_id": who, "event": dice.choice(NAMES), "at": at, "received_at": at + late,
                "n": dice.choice((1, 1, 3)), "plan": dice.choice((None, "pro", "free")),
                "minutes": dice.choice((None, 0.1, 12.25)),
            })  # fmt: skip
    dice.shuffle(events)
    payments = [
        (lead["lead_id"], lead["signed_up_at"] + dice.randrange(86_400, span // 2)) for lead in leads if dice.random() < 0.2
    ]
    return People(leads, events, merges, payments)


def when(seconds: int) -> str:
    """Write a time of the history."""
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def table(path: Path, columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(columns))
        writer.writeheader()
        writer.writerows(rows)
