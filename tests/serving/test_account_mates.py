"""Account mates: those most recently active as of the instant, by the rule that files follow, however they joined the account."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from features.clock import DAY_US, HOUR_US
from features.history import Plan, Row, sorted_history
from features.reading.moments import day_end
from features.store import EventStore
from features.storing.rows import Fact, Message, StoredLead, digest_of
from serving import account_mates
from serving.account_mates import read_mates
from serving.view import View
from tests import store_fixture
from tests.serving.conftest import WORKSPACE
from tests.serving.test_live_lead import START, view_of

store_url = store_fixture.made_store_url
BY_DAY = WORKSPACE + "resolution: {events: day, conversions: day}\ntimezone: Europe/Berlin\n"


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def said(kind: str, lead_id: str, hours: float, late: float = 0, **more: str) -> Message:
    at = START + round(hours * HOUR_US)
    digest = digest_of(kind, lead_id, at, late, more)
    return Message(digest, kind, lead_id, "login", at, at + round(late * HOUR_US), digest, **more)


def mates(store: EventStore, view: View, hours: float, account: str = "org") -> list[tuple[str, int]]:
    [(_, found)] = read_mates(store, view.reader, view.definition, [account], START + round(hours * HOUR_US))
    return [(mate.lead_id, len(mate.events)) for mate in found]


def test_members_come_the_most_recently_active_first(store: EventStore) -> None:
    store.add([said("group", one, 1, account_id="org") for one in "abcd"] + [said("group", "x", 1, account_id="other")])
    store.add([said("track", "a", 2), said("track", "b", 5), said("track", "b", 3), said("track", "c", 5), said("track", "x", 6)])
    assert mates(store, view_of(), 6) == [("b", 2), ("c", 1), ("a", 1)]
    assert mates(store, view_of(), 4) == [("b", 1), ("a", 1)]
    assert mates(store, view_of(), 0.5) == []
    assert mates(store, view_of(), 6, "nobody's") == []


def test_whoever_belonged_to_another_account_before_takes_no_place(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_mates, "MOST_READ", 2)
    for i, one in enumerate("abcdef"):
        before = [said("group", one, 1, account_id="other")] if one in "bcde" else []
        store.add([*before, said("group", one, 2, account_id="org"), said("track", one, 10 - i)])
    assert mates(store, view_of(), 20) == [("a", 1), ("f", 1)]
    store.add_leads([], [Fact("a", "trait", "module", "AAA", START, START)], [])
    text = WORKSPACE.replace("id: lead_id, started_at", "id: lead_id, where: {module: BBB}, started_at")
    assert mates(store, view_of(text), 20) == [("f", 1)]


def test_by_the_day_all_who_were_active_on_one_day_are_alike(store: EventStore) -> None:
    store.add([said("group", one, 0, account_id="org") for one in "abc"])
    store.add([said("track", "a", 1), said("track", "b", 20), said("track", "c", 30)])
    assert mates(store, view_of(BY_DAY), 21.9) == []
    assert mates(store, view_of(BY_DAY), 22) == [("a", 1), ("b", 1)]
    assert mates(store, view_of(BY_DAY), 46) == [("c", 1), ("a", 1), ("b", 1)]


def test_an_account_is_pooled_once_for_all_its_leads_that_are_looked_at(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add([said("group", one, hours, account_id="org") for hours, one in enumerate("abc")])
    store.add([said("group", "x", 1, account_id="other"), said("track", "y", 2)])
    store.add([said("track", one, 5 + 3 * hours) for hours, one in enumerate("abxacca")])
    view, as_of = view_of(), START + 30 * HOUR_US
    standings = [view.standing(lead, as_of) for lead in store.leads([*"axbcy"]).values()]
    known = [standing for standing in standings if standing is not None]
    alone = [view.matrix([standing], as_of, store) for standing in known]
    pooled: list[int] = []

    def counted(plan: Plan, rows: Sequence[Row]) -> object:
        pooled.append(len(rows))
        return sorted_history(plan, rows)

    monkeypatch.setattr("features.mates.sorted_history", counted)
    together = view.matrix(known, as_of, store)
    assert sorted(pooled) == [1, 6]
    assert np.array_equal(together.values, np.vstack([one.values for one in alone]), equal_nan=True)
    people = dict(zip([standing.lead.lead_id for standing in known], together.column("account_any_people_all"), strict=True))
    assert [people[one] for one in "abcx"] == [2.0, 2.0, 2.0, 0.0]
    assert np.isnan(people["y"])


def test_small_accounts_are_read_together(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_mates, "MOST_READ", 5)
    sizes = {"one": 2, "two": 3, "three": 1, "large": 12, "last": 1}
    for name, size in sizes.items():
        store.add([said("group", f"{name} {i}", 1, account_id=name) for i in range(size)])
        store.add([said("track", f"{name} {i}", 2 + i) for i in range(size)])
    asked: list[int] = []
    leads = store.leads

    def counted(lead_ids: Sequence[str]) -> dict[str, StoredLead]:
        asked.append(len(lead_ids))
        return leads(lead_ids)

    monkeypatch.setattr(store, "leads", counted)
    view = view_of()
    found = {name: len(mates) for name, mates in read_mates(store, view.reader, view.definition, [*sizes], START + DAY_US)}
    assert found == {name: min(size, 5) for name, size in sizes.items()}
    assert asked == [5, 1, 5, 1]


def test_whom_the_caller_has_read_is_not_read_again(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(
        [said("group", one, 1, account_id=account) for one, account in zip("abcx", ("org", "org", "org", "other"), strict=True)]
    )
    store.add([said("track", one, 2) for one in "abcx"])
    view, as_of = view_of(), START + DAY_US
    standings = [view.standing(lead, as_of) for lead in store.leads([*"abx"]).values()]
    known = [standing for standing in standings if standing is not None]
    wanted = np.vstack([view.matrix([standing], as_of, store).values for standing in known])
    asked: list[str] = []
    leads = store.leads

    def counted(lead_ids: Sequence[str]) -> dict[str, StoredLead]:
        asked.extend(lead_ids)
        return leads(lead_ids)

    monkeypatch.setattr(store, "leads", counted)
    assert np.array_equal(view.matrix(known, as_of, store).values, wanted, equal_nan=True)
    assert asked == ["c"]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("text", [WORKSPACE, BY_DAY], ids=["second", "day"])
def test_any_history_gives_what_going_through_all_of_it_gives(
    store: EventStore, monkeypatch: pytest.MonkeyPatch, seed: int, text: str
) -> None:
    most = 4
    monkeypatch.setattr(account_mates, "MOST_READ", most)
    draw, view = random.Random(seed), view_of(text)
    names = [f"lead {i}" for i in range(14)]
    events = {(draw.choice(names), draw.randrange(60), draw.choice((0, 0, 5, 40))) for _ in range(70)}
    joins = {(draw.choice(names), draw.choice(("org", "org", "other"))): draw.randrange(40) for _ in range(14)}
    merges = {a: (names[draw.randrange(names.index(a))], draw.randrange(60)) for a in draw.sample(names[1:], 6)}
    store.add([said("track", one, at, late) for one, at, late in events])
    store.add([said("group", one, at, account_id=account) for (one, account), at in joins.items()])
    store.add([said("alias", to, at, merged_from=one) for one, (to, at) in merges.items()])

    def counts_from(hours: int) -> int:
        at = START + hours * HOUR_US
        return int(day_end(np.array([at]), "Europe/Berlin")[0]) if text is BY_DAY else at

    for now in (START + 20 * HOUR_US, START + 2 * DAY_US, START + 9 * DAY_US):

        def chain(one: str, now: int = now) -> tuple[str, int]:
            since = 0
            while one in merges and counts_from(merges[one][1]) <= now:
                since = max(since, counts_from(merges[one][1]))
                one = merges[one][0]
            return one, since

        belongs: dict[str, tuple[int, bool, str, str]] = {}
        for (one, named), at in joins.items():
            end, since = chain(one)
            known = (max(START + at * HOUR_US, since), one != end, one, named)
            if known[0] <= now:
                belongs[end] = min(known, belongs.get(end, known), key=lambda found: found[:3])
        active: dict[str, list[int]] = {}
        for one, hours, late in events:
            end, _ = chain(one)
            if end in belongs and max(counts_from(hours), START + (hours + late) * HOUR_US) <= now:
                active.setdefault(end, []).append(counts_from(hours))
        read = dict(read_mates(store, view.reader, view.definition, ["org", "nobody's", "other"], now))
        for account, found in read.items():
            ranked = sorted((-max(times), one) for one, times in active.items() if belongs[one][3] == account)[:most]
            assert [(mate.lead_id, mate.joined, sorted(at for _, at, *_ in mate.events)) for mate in found] == [
                (one, belongs[one][0], sorted(active[one])) for _, one in ranked
            ]
        assert list(read) == ["org", "nobody's", "other"]
