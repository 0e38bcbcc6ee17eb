"""One drawn history of a product in Segment's two forms: the calls as Segment forwards them, and the tables of its warehouse."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, DateTime, Double, MetaData, Table, Text, create_engine

START = datetime(2026, 3, 21, 6, tzinfo=UTC)
DAYS = 16
TIMES = ("original_timestamp", "sent_at", "received_at", "timestamp")
OF_KIND = {
    "track": "tracks",
    "page": "pages",
    "screen": "screens",
    "identify": "identifies",
    "group": "groups",
    "alias": "aliases",
}
EVENTS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "Session Ended": lambda dice: {"minutes": dice.randrange(1, 400) / 8},
    "Upgrade Clicked": lambda dice: {"plan": dice.choice(("pro", "free"))},
    "featureExported": lambda _: {},
    "Feature Shared": lambda _: {},
    "Subscription Started": lambda _: {},
}
"""What is tracked, as the product's code writes it, with its properties."""

Call = dict[str, Any]


@dataclass
class History:
    """Calls in the order in which they happened."""

    calls: list[Call] = field(default_factory=list)
    signed_up: dict[str, datetime] = field(default_factory=dict)

    def tell(
        self, kind: str, at: datetime, *, late: timedelta = timedelta(seconds=2), off: timedelta = timedelta(), **said: Any
    ) -> None:
        """Add a call of a device that was offline for a while, and whose clock may be wrong; Segment puts `timestamp` right."""
        self.calls.append(
            {
                "type": kind, "messageId": f"ajs-{len(self.calls)}", **said, "originalTimestamp": iso(at + off),
                "sentAt": iso(at + late + off), "receivedAt": iso(at + late), "timestamp": iso(at),
            }
        )  # fmt: skip

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows that Segment writes: a table for each kind of call, one for each event, and the users as they are."""
        found: dict[str, list[dict[str, Any]]] = {table: [] for table in (*OF_KIND.values(), "users", *map(snake, EVENTS))}
        users: dict[str, dict[str, Any]] = {}
        for call in sorted(self.calls, key=lambda one: one["receivedAt"]):
            said = call.get("traits", {}) | call.get("properties", {})
            said = {snake(name): moment(value) if name == "createdAt" else value for name, value in flat(said)}
            row = {
                name: call.get(key) for name, key in (("id", "messageId"), ("user_id", "userId"), ("anonymous_id", "anonymousId"))
            }
            row |= {name: moment(call[camel(name)]) for name in TIMES}
            row |= {"context_library_name": "analytics.js", "context_ip": "192.0.2.1", "uuid_ts": row["received_at"]}
            if call["type"] == "track":
                row |= {"event": snake(call["event"]), "event_text": call["event"]}
                found[snake(call["event"])].append(row | said)
                said = {}
            for name, key in (("name", "name"), ("group_id", "groupId"), ("previous_id", "previousId")):
                row |= {name: call[key]} if key in call else {}
            found[OF_KIND[call["type"]]].append(row | said)
            if call["type"] == "identify":
                users[call["userId"]] = (
                    users.get(call["userId"], {}) | {"id": call["userId"], "received_at": row["received_at"]} | said
                )
        found["users"] = list(users.values())
        return found

    def fill(self, url: str) -> None:
        """Write the tables into a database."""
        engine, meta = create_engine(url), MetaData()
        types = {"minutes": Double(), **dict.fromkeys((*TIMES, "uuid_ts", "created_at"), DateTime(timezone=True))}
        with engine.begin() as connection:
            for name, rows in self.tables().items():
                names = dict.fromkeys(column for row in rows for column in row)
                table = Table(name, meta, *(Column(column, types.get(column, Text())) for column in names))
                table.create(connection)
                connection.execute(table.insert(), [dict.fromkeys(names) | row for row in rows])
        engine.dispose()


def draw(seed: int, users: int = 24) -> History:
    """Draw users who look around before they sign up, have several devices, work in companies, and are heard of late."""
    dice, history = random.Random(seed), History()

    def after(at: datetime, days: float) -> datetime:
        return at + timedelta(milliseconds=round(dice.random() * days * 86_400_000))

    for i in range(users):
        user, visitor = f"u{i}", f"visitor-{i}"
        born = after(START, DAYS / 2)
        for _ in range(dice.randrange(4)):
            path = dice.choice(("/", "/pricing", "/docs/first"))
            properties = {"path": path, "url": f"https://acme.example{path}", "title": "Acme"}
            history.tell(
                "page", born - timedelta(hours=dice.random() * 30), anonymousId=visitor, name="Site", properties=properties
            )
        history.signed_up[user] = born
        traits = {
            "createdAt": iso(born),
            "country": dice.choice(("DE", "TR")),
            "companySize": str(dice.randrange(1, 90)),
            "email": f"{user}@x.example",
            "address": {"city": ("Bonn", "Ulm", "Trier")[i % 3], "geo": {"postalCode": str(53100 + i % 7)}},
        }
        history.tell("identify", born, late=timedelta(), userId=user, anonymousId=visitor, traits=traits)
        if i % 4:
            company = f"company {i % 3}"
            history.tell(
                "group", born, late=timedelta(), userId=user, anonymousId=visitor, groupId=company, traits={"name": company}
            )
        for _ in range(dice.randrange(25)):
            _act(history, dice, after(born, DAYS / 2), dice.choice(({"userId": user}, {"userId": user, "anonymousId": visitor})))
        if i % 3 == 0:  # a phone, on which they log in later
            for _ in range(dice.randrange(1, 6)):
                _act(history, dice, after(born, 2), {"anonymousId": f"phone-{i}"})
            history.tell("identify", after(born, 4), userId=user, anonymousId=f"phone-{i}", traits={"country": "XX"})
        if i % 5 == 0:  # an account of the old product
            for _ in range(dice.randrange(1, 6)):
                _act(history, dice, after(born, 3), {"userId": f"old-{i}"})
            history.tell("alias", after(born, 5), previousId=f"old-{i}", userId=user)
    history.calls.sort(key=lambda call: call["timestamp"])
    return history


def _act(history: History, dice: random.Random, at: datetime, who: dict[str, str]) -> None:
    late = timedelta(days=dice.choice((0, 0, 0, 0, 0.5, 3)), seconds=dice.randrange(1, 9))
    off = timedelta(hours=dice.choice((0, 0, 0, -26, 3)))
    if dice.random() < 0.2:
        history.tell("screen", at, late=late, off=off, name=dice.choice(("Home", "Settings")), properties={}, **who)
        return
    names = [*EVENTS]
    event = dice.choices(names, [5, 2, 3, 3, 0.2])[0]
    history.tell("track", at, late=late, off=off, event=event, properties=EVENTS[event](dice), **who)


def iso(at: datetime) -> str:
    """Write a time as Segment does, in milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read it back."""
    return datetime.fromisoformat(text)


def snake(name: str) -> str:
    """Return a name as the warehouse writes it.

    >>> snake("Upgrade Clicked"), snake("createdAt")
    ('upgrade_clicked', 'created_at')
    """
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)).lower()


def flat(said: dict[str, Any], outer: str = "") -> Iterator[tuple[str, Any]]:
    """Take objects apart as the warehouse does.

    >>> list(flat({"address": {"city": "Bonn"}, "plan": "pro"}))
    [('address_city', 'Bonn'), ('plan', 'pro')]
    """
    for name, value in said.items():
        if isinstance(value, dict):
            yield from flat(value, f"{outer}{name}_")
        else:
            yield outer + name, value


def camel(name: str) -> str:
    """Return a name as the calls write it."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
