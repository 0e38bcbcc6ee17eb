"""A small product in CSV files: what a lead does in its first days says something about whether it will pay."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

FIRST = datetime(2025, 1, 1, tzinfo=UTC)

WORKSPACE = """
version: 1
name: small
data:
  leads: {source: leads.csv, id: lead_id, started_at: started_at, ended_at: ended_at, account: account}
  events: {source: events.csv, lead: lead_id, name: event, at: at}
  conversions: {source: conversions.csv, lead: lead_id, at: at}
trial: {days: 14}
label: {horizon_days: 14}
snapshots: {ages_days: [1, 3, 7]}
behaviours:
  core_use: {events: ["feature.*"]}
  session: {events: [login]}
attributes: {country: category, size: number}
contact: {email: email}
ignore: {email: ["*@small.test"]}
"""


@dataclass(frozen=True)
class SmallWorld:
    """How many leads over how many days, and how strongly use tells who pays (0: not at all)."""

    leads: int = 700
    days: int = 240
    signal: float = 2.0
    seed: int = 0
    last_known: datetime | None = None

    def write(self, folder: Path) -> Path:
        """Write the three tables and the workspace file; rows known after ``last_known`` are left out."""
        rng = random.Random(self.seed)
        leads: list[list[object]] = []
        events: list[list[object]] = []
        paid: list[list[object]] = []
        for number in range(self.leads):
            started = FIRST + timedelta(days=rng.random() * self.days)
            keen = rng.gauss(0, 1)
            lead_id = f"lead-{number:05d}"
            country = rng.choice(["de", "tr", "us"])
            email = f"{lead_id}@{'small.test' if number % 97 == 0 else 'acme.test'}"
            for _ in range(rng.randint(1, 4) + max(0, round(6 * keen))):
                at = started + timedelta(days=14 * rng.random() ** 2)
                events.append([lead_id, rng.choice(["login", "feature.export", "feature.import"]), at.isoformat()])
            chance = 1 / (1 + 2.718281828 ** (1.1 - self.signal * (keen + 0.5 * (country == "tr"))))
            when = started + timedelta(days=2 + rng.random() * 12)
            ended = started + timedelta(days=5 + rng.random() * 20) if rng.random() < 0.1 else None
            if rng.random() < chance:
                paid.append([lead_id, when.isoformat()])
                ended = None
            account = f"account-{number // 2}" if number % 3 else ""
            over = ended.isoformat() if ended else ""
            leads.append([lead_id, started.isoformat(), over, account, country, rng.randint(1, 500), email])
        rng.shuffle(leads)
        until = self.last_known.isoformat() if self.last_known else "9999"
        kept = [[*row[:2], "" if str(row[2]) > until else row[2], *row[3:]] for row in leads if str(row[1]) <= until]
        folder.mkdir(parents=True, exist_ok=True)
        columns = ["lead_id", "started_at", "ended_at", "account", "country", "size", "email"]
        _write(folder / "leads.csv", columns, kept)
        _write(folder / "events.csv", ["lead_id", "event", "at"], [row for row in events if str(row[2]) <= until])
        _write(folder / "conversions.csv", ["lead_id", "at"], [row for row in paid if str(row[1]) <= until])
        workspace = folder / "small.yaml"
        workspace.write_text(WORKSPACE)
        return workspace


def _write(path: Path, columns: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


def silent(line: str) -> None:
    """Say nothing."""
