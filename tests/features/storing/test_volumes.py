"""Volumes: what happened on which day, and who was looked at, from both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from features.clock import DAY_US
from features.store import EventStore
from features.storing.rows import Message, Outcome
from tests import store_fixture

store_url = store_fixture.store_url
DAY = 20_000


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def message(number: int, lead: str, name: str, day: float, *, kind: str = "track", count: int = 1, **more: str) -> Message:
    at = round(day * DAY_US)
    return Message(f"m{number}", kind, lead, name, at, at, f"d{number}", count=count, merged_from=more.get("merged_from"))


def test_events_are_added_up_by_name_and_day(store: EventStore) -> None:
    store.add(
        [
            message(1, "a", "login", DAY + 0.1),
            message(2, "b", "login", DAY + 0.9, count=5),
            message(3, "a", "login", DAY + 1.0),
            message(4, "a", "export", DAY + 1.5),
            message(5, "a", "too old", DAY - 1.0),
            message(6, "a", "", DAY + 1.5, kind="identify"),
        ]
    )
    newest = store.volumes.newest_row()
    found = sorted(store.volumes.events(0, newest, DAY * DAY_US))
    assert found == [("export", DAY + 1, 1, 1), ("login", DAY, 2, 6), ("login", DAY + 1, 1, 1)]
    assert store.volumes.events(newest, newest + 10, 0) == []
    first = sorted(store.volumes.events(0, newest - 4, DAY * DAY_US))
    assert sum(row[2] for row in first) + sum(row[2] for row in store.volumes.events(newest - 4, newest, DAY * DAY_US)) == 4


def test_leads_are_counted_by_when_they_came_and_when_they_paid(store: EventStore) -> None:
    assert (store.volumes.newest_row(), store.volumes.leads(0)) == (0, [])
    store.add(
        [
            message(1, "a", "login", DAY + 0.1),
            message(2, "b", "login", DAY + 0.2),
            message(3, "visitor", "login", DAY + 0.2),
            message(4, "b", "", DAY + 0.3, kind="alias", merged_from="visitor"),
            message(5, "early", "login", DAY - 30),
        ]
    )
    paid = [(DAY + 4) * DAY_US, (DAY + 3) * DAY_US]
    store.add_outcomes([Outcome(f"o{at}", "b", at, at, "live") for at in paid])
    assert sorted(store.volumes.leads(DAY * DAY_US), key=str) == [(DAY, DAY + 3, 1), (DAY, None, 1)]
