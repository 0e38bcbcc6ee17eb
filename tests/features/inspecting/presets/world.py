"""One small product, whose history every tool exports in its own shape: visitors, who sign up, use it, and pay or not."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
PAGES = ("/pricing", "/docs/start", "/docs/api", "/docs/faq", "/")


@dataclass(frozen=True)
class Act:
    """Something that somebody did."""

    number: int
    user: str | None
    """None while the visitor has not signed up."""
    visitor: str
    kind: str
    """track, page, screen or identify."""
    name: str
    at: datetime
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def received(self) -> datetime:
        """A message travels two seconds."""
        return self.at + timedelta(seconds=2)


def history(leads: int = 260, seed: int = 3) -> list[Act]:
    """Return what happened, in order of time; who uses the product more pays more often."""
    chance = random.Random(seed)
    acts: list[tuple[datetime, str | None, str, str, str, dict[str, Any]]] = []
    for i in range(leads):
        user, visitor = f"user-{i:03}", f"visitor-{i:03}"
        start = BEGIN + timedelta(hours=8 * i, minutes=chance.randrange(200))
        keen = chance.random()
        acts.append((start - timedelta(minutes=30), None, visitor, "page", "/pricing", {}))
        acts.append(
            (start, user, visitor, "identify", "", {"email": f"u{i}@acme{i % 40}.test", "plan": chance.choice(["free", "team"])})
        )
        acts.append((start + timedelta(seconds=5), user, visitor, "track", "Signed Up", {}))
        for _ in range(2 + int(20 * keen * chance.random())):
            at = start + timedelta(hours=chance.random() * 24 * 12)
            kind = chance.choice(["track", "track", "page", "screen"])
            name = {
                "track": chance.choice(["Feature Used", "Report Created", "Logged In", "Zorp"]),
                "page": chance.choice(PAGES),
            }.get(kind, "Home")
            acts.append((at, user, visitor, kind, name, {"seats": chance.randrange(9)} if kind == "track" else {}))
        if chance.random() < 0.05 + 0.6 * keen:
            at = start + timedelta(days=12 + 10 * chance.random())
            acts.append((at, user, visitor, "track", "Subscription Started", {"seats": 3}))
    acts.sort(key=lambda act: (act[0], act[2], act[4]))
    return [
        Act(i, user, visitor, kind, name, at, properties) for i, (at, user, visitor, kind, name, properties) in enumerate(acts)
    ]


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def naive(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")
