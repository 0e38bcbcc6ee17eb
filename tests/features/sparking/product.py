"""A product whose data have what can go wrong: late, doubled, refused and unknown rows, in several files of many types."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

FIRST = datetime(2025, 3, 20, tzinfo=UTC)
NAMES = ("Login", "featureExport", "feature.import", "invite sent", "nps_answered", "error_500", "unmapped", "page:/pricing")

LEADS = """
  leads: {source: leads.parquet, id: lead_id, started_at: started_at, ended_at: ended_at, trial_ends_at: trial_end,
          account: org, where: {kind: trial}}
""".lstrip("\n")
WORKSPACE = """
name: product
timezone: Europe/Istanbul
data:
LEADS  events: {source: [events-*.parquet, more.jsonl.gz], lead: who, name: what, at: at, id: id, received_at: got, count: n,
           properties: [plan]}
  conversions: {source: paid.parquet, lead: who, at: at}
  identities: {source: merges.parquet, from: old, to: new, at: at}
resolution: {events: RESOLUTION}
trial: {days: 14}
behaviours:
  session: {events: [login], duration: secs}
  core_use: {events: ["feature.*"]}
  collaboration: {events: [invite_sent]}
  positive_feedback: {events: [{event: nps_answered, where: {score: {ge: 9}}}]}
  friction: {events: ["error.*"]}
  purchase_intent: {events: ["page:/pricing*"]}
  profile: {events: [login], traits: [phone]}
features: {tried_pro: {count: [{event: "feature.*", where: {plan: pro}}], window: 7d, behaviour: core_use}}
attributes: {country: category, "company size": number}
contact: {email: mail}
ignore: {email: ["*@us.test"]}
"""


def write_product(
    folder: Path, *, leads: int = 150, by_day: bool = False, seed: int = 3, edit: dict[str, str] | None = None
) -> Path:
    """Write the tables and the workspace file, with some texts of it replaced."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    people, paid, merges = _leads(rng, leads)
    stray = ["nobody", "anon-x", *(row["old"] for row in merges)]
    events = _events(rng, people, stray)
    _write(folder / "leads.parquet", people)
    _write(folder / "paid.parquet", [*paid, {"who": "nobody", "at": FIRST}])
    _write(folder / "merges.parquet", merges)
    third = len(events) // 3
    _write(folder / "events-1.parquet", events[:third], row_group_size=40)
    # A number in one file is a text in the other, and one file has neither counts nor times of receipt.
    other = [{**row, "score": None if row["score"] is None else str(row["score"])} for row in events[third : 2 * third]]
    _write(folder / "events-2.parquet", [{key: value for key, value in row.items() if key not in ("got", "n")} for row in other])
    _write_lines(folder / "more.jsonl.gz", events[2 * third :])
    text = WORKSPACE.replace("LEADS", LEADS).replace("RESOLUTION", "day" if by_day else "second")
    for old, new in (edit or {}).items():
        if old not in text:
            raise ValueError(old)
        text = text.replace(old, new)
    (folder / "product.yaml").write_text(text)
    return folder / "product.yaml"


def _leads(rng: random.Random, many: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    people, paid, merges = [], [], []
    for number in range(many):
        started = FIRST + timedelta(hours=rng.random() * 24 * 60)
        lead_id = f"{rng.choice('abçZ')}-{number:04d}"
        ended = started + timedelta(days=rng.random() * 40) if rng.random() < 0.2 else None
        people.append(
            {
                "lead_id": lead_id, "started_at": started, "ended_at": ended,
                "trial_end": started + timedelta(days=rng.randint(3, 30)) if rng.random() < 0.3 else None,
                "org": f"org-{rng.randint(0, many // 4)}" if rng.random() < 0.7 else None,
                "kind": "trial" if rng.random() < 0.95 else "internal",
                "country": rng.choice(["de", "tr", "us", None, f"rare-{number}"]),
                "company size": rng.choice([None, rng.randint(1, 900)]),
                "phone": rng.choice([None, "1"]),
                "mail": f"{lead_id}@{'us' if rng.random() < 0.04 else 'them'}.test",
            }
        )  # fmt: skip
        if rng.random() < 0.3:
            paid.append({"who": lead_id, "at": started + timedelta(days=rng.random() * 30)})
        if rng.random() < 0.2:
            merges.append({"old": f"anon-{number}", "new": lead_id, "at": started + timedelta(days=rng.random() * 9)})
            if rng.random() < 0.3:
                merges.append(
                    {"old": f"older-{number}", "new": f"anon-{number}", "at": started + timedelta(days=rng.random() * 9)}
                )
    merges.append({"old": people[3]["lead_id"], "new": people[7]["lead_id"], "at": people[7]["started_at"] + timedelta(days=2)})
    rng.shuffle(people)
    return people, paid, merges


def _events(rng: random.Random, people: list[dict[str, Any]], stray: list[str]) -> list[dict[str, Any]]:
    events = []
    for row in people:
        for _ in range(rng.randint(0, 25)):
            at = row["started_at"] + timedelta(seconds=round(86_400 * (30 * rng.random() ** 2 - 1), rng.choice([0, 6])))
            late = timedelta(hours=rng.choice([0, 0, 0, 1, 50]))
            who = row["lead_id"] if rng.random() < 0.9 else rng.choice(stray)
            events.append(
                {
                    "who": who, "what": rng.choice(NAMES), "at": at, "got": at + late, "id": f"m{len(events)}",
                    "n": rng.choice([None, 1, 1, 3]), "score": rng.choice([None, 8, 9, 10]),
                    "secs": rng.choice([None, 30.0, 0.0015]), "plan": rng.choice([None, "pro", "team"]),
                }
            )  # fmt: skip
    for _ in range(40):  # a delivery that came again, later or with another content, also for another lead
        again = dict(rng.choice(events))
        if rng.random() < 0.5:
            again["got"] += timedelta(hours=rng.choice([-1, 3]))
        if rng.random() < 0.5:
            again["who"] = rng.choice(people)["lead_id"]
        if rng.random() < 0.5:
            again["score"] = rng.choice([9, 10])
        events.append(again)
    for flaw in ({"who": None}, {"n": 0}, {"at": datetime(1970, 1, 1, tzinfo=UTC)}, {"what": " "}, {"who": "a\0b"}) * 2:
        events.append({**rng.choice(events), "id": f"bad{len(events)}", **flaw})
    events += [{**rng.choice(events[:50]), "id": None} for _ in range(10)]
    rng.shuffle(events)
    return events


def _write(path: Path, rows: list[dict[str, Any]], **options: Any) -> None:
    parquet.write_table(pa.Table.from_pylist(rows), path, **options)


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    import gzip
    import json

    def shown(value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps({key: shown(value) for key, value in row.items()}) + "\n" for row in rows)
