"""Ids that turn out to be a lead: what they did and paid is the lead's from then on, and a start that was known never moves."""

from __future__ import annotations

import pytest

from features.clock import DAY_US, HOUR_US, format_us
from features.reading.moments import parse_moment
from features.storing.rows import Fact, Merged, Outcome, StoredLead
from tests.serving.conftest import WORKSPACE
from tests.serving.test_live_lead import START, event, stood, sure, view_of

FROM_EVENTS = "name: x\ndata:\n  events: {source: e.csv, lead: a, name: b, at: c}\nbehaviours:\n  session: {events: [login]}\n"


def lead(lead_id: str, *sources: tuple[StoredLead, int], **more: object) -> StoredLead:
    """Return a lead that started at START, with whoever turned out to be it."""
    found = StoredLead(lead_id, START, **more)
    for source, day in sources:
        merged = Merged(START + day * DAY_US, START + day * DAY_US)
        source.merged = merged
        found.sources.append((source, merged))
    return found


def started(lead_id: str, days: float = 0) -> list[Fact]:
    at = START + round(days * DAY_US)
    return [Fact(lead_id, "trait", "signed_up_at", format_us(at), at, at)]


def test_events_are_the_leads_from_the_merge_on() -> None:
    anon = lead("anon", events=[event("login", START + HOUR_US), event("demo", START + 5 * DAY_US)])
    user = lead("user", (anon, 3), facts=started("user"), events=[event("login", START + 2 * DAY_US)])
    known = {days: sorted((row.at, row.known) for row in sure(user, START + days * DAY_US).lead.events) for days in (2, 3, 5)}
    own, brought = (START + 2 * DAY_US, START + 2 * DAY_US), (START + HOUR_US, START + 3 * DAY_US)
    assert known == {2: [own], 3: [brought, own], 5: [brought, own, (START + 5 * DAY_US, START + 5 * DAY_US)]}


def test_before_the_merge_an_id_is_its_own_lead_and_then_it_is_none() -> None:
    anon = lead("anon", events=[event("login", START + HOUR_US)])
    lead("user", (anon, 3))
    assert sure(anon, START + 3 * DAY_US - 1).lead.started_at == START + HOUR_US
    assert stood(anon, START + 3 * DAY_US) is None


def test_chains_are_followed_and_each_step_waits_for_the_latest() -> None:
    first = lead("first", events=[event("login", START)])
    second = lead("second", (first, 6), events=[event("login", START)])
    third = lead("third", (second, 4), facts=started("third"))
    known = [[row.known for row in sure(third, START + days * DAY_US).lead.events] for days in (3, 4, 6)]
    assert known == [[], [START + 4 * DAY_US], [START + 4 * DAY_US, START + 6 * DAY_US]]
    assert len(sure(first, START + 5 * DAY_US).lead.events) == 1
    assert stood(second, START + 5 * DAY_US) is None


def test_payments_are_the_leads_and_what_was_said_is_not() -> None:
    paid = [Outcome("1", "anon", START + DAY_US, START + 2 * DAY_US)]
    facts = [Fact("anon", "trait", name, value, START, START) for name, value in (("country", "DE"), ("email", "a@acme.com"))]
    ended = Fact("anon", "fact", "ended_at", START + DAY_US, START, START)
    anon = lead("anon", facts=[*started("anon"), *facts, ended], outcomes=paid)
    user = lead("user", (anon, 3), facts=started("user", days=1))
    before, after = (sure(user, START + days * DAY_US) for days in (2, 3))
    assert (before.converted_at, before.is_open) == (None, True)
    assert (after.converted_at, after.ended, after.ignored) == (START + DAY_US, False, False)
    assert (after.lead.started_at, "country" in after.lead.attributes) == (START + DAY_US, False)


def test_a_payment_by_event_is_the_leads_with_whatever_it_asks_for() -> None:
    text = FROM_EVENTS + "  sales: {events: [demo]}\n"
    text = text.replace("c}\n", "c}\n  conversions: {events: [{event: subscribed, where: {plan: {eq: pro}}}]}\n", 1)
    anon = lead("anon", events=[event("subscribed", START, properties='{"plan":"pro"}')])
    user = lead("user", (anon, 3), events=[event("login", START), event("subscribed", START, properties='{"plan":"free"}')])
    assert [sure(user, START + days * DAY_US, text).converted_at for days in (2, 3)] == [None, START]


def test_where_events_start_a_lead_a_merge_never_moves_a_start_back() -> None:
    anon = lead("anon", events=[event("login", START)])
    user = lead("user", (anon, 3), events=[event("login", START + DAY_US)])
    starts = [sure(user, START + days * DAY_US, FROM_EVENTS).lead.started_at for days in (1, 2, 3, 9)]
    assert starts == [START + DAY_US] * 4
    other = lead("anon", events=[event("login", START), event("login", START + 5 * DAY_US)])
    nobody = lead("user", (other, 3))
    assert stood(nobody, START + 2 * DAY_US, FROM_EVENTS) is None
    assert sure(nobody, START + 9 * DAY_US, FROM_EVENTS).lead.started_at == START + 3 * DAY_US
    text = FROM_EVENTS.replace("data:\n", "data:\n  leads: {start: trial_started}\n")
    trial = lead("anon", events=[event("Trial Started", START)])
    named = lead("user", (trial, 3), events=[event("login", START), event("trial_started", START + 7 * DAY_US)])
    assert sure(named, START + 9 * DAY_US, text).lead.started_at == START + 3 * DAY_US


def test_a_silence_is_broken_by_what_the_id_did() -> None:
    free = WORKSPACE + "trial: {days: none, inactive_days: 10}\n"
    anon = lead("anon", events=[event("login", START + 8 * DAY_US)])
    quiet = lead("user", (anon, 9), facts=started("user"))
    assert [sure(quiet, START + days * DAY_US, free).ended for days in (9, 17, 18)] == [False, False, True]


def test_by_the_day_a_merge_counts_when_its_day_is_over() -> None:
    text = WORKSPACE + "resolution: {events: day, conversions: day}\ntimezone: Europe/Berlin\n"
    anon = lead("anon", events=[event("login", START - DAY_US)])
    user = lead("user", (anon, 1), facts=started("user"))
    midnight = parse_moment("2026-05-02T22:00:00Z")  # the end of the day of the merge
    assert [len(sure(user, midnight + step, text).lead.events) for step in (-1, 0)] == [0, 1]
    assert [stood(anon, midnight + step, text) is None for step in (-1, 0)] == [False, True]


def test_what_where_leaves_out_is_nobodys() -> None:
    text = WORKSPACE.replace("id: lead_id, started_at", "id: lead_id, where: {module: BBB}, started_at")
    other = Fact("anon", "trait", "module", "AAA", START, START)
    anon = lead("anon", facts=[other], events=[event("login", START)], accounts=[("org", START)])
    user = lead("user", (anon, 1), facts=started("user"))
    found = sure(user, START + 2 * DAY_US, text)
    assert (list(found.lead.events), found.account) == ([], None)


@pytest.mark.parametrize(
    ("own", "brought", "days", "account"),
    [
        (None, 1, 2, None),
        (None, 1, 3, "brought"),
        (None, 4, 3, None),
        (2, 1, 5, "own"),
        (3, 1, 5, "own"),
        (4, 1, 5, "brought"),
    ],
)
def test_the_first_known_account_is_the_one_used(own: int | None, brought: int, days: int, account: str | None) -> None:
    anon = lead("anon", accounts=[("Select", START), ("brought", START + brought * DAY_US), ("later", START + 9 * DAY_US)])
    accounts = [] if own is None else [("own", START + own * DAY_US)]
    user = lead("user", (anon, 3), facts=started("user"), accounts=accounts)
    text = WORKSPACE.replace("account: org}", "account: org, missing: [Select]}")
    as_of = START + days * DAY_US
    assert sure(user, as_of, text).account == account
    mate = view_of(text).reader.mate(user, account or "own", as_of)
    assert (mate is None) == (account is None)
    if mate is not None:
        assert mate.joined == START + max(brought, 3) * DAY_US if account == "brought" else START + (own or 0) * DAY_US


def test_nothing_is_brought_to_a_lead_before_it_started() -> None:
    anon = lead("anon", accounts=[("brought", START)])
    user = lead("user", (anon, 1), facts=started("user", days=4), accounts=[("own", START + 4 * DAY_US)])
    found = sure(user, START + 5 * DAY_US)
    assert (found.account, found.lead.started_at) == ("own", START + 4 * DAY_US)
    alone = lead("user", (lead("anon", accounts=[("brought", START)]), 1), facts=started("user", days=4))
    mate = view_of().reader.mate(alone, "brought", START + 5 * DAY_US)
    assert mate is not None
    assert mate.joined == START + 4 * DAY_US


def test_a_mate_is_whoever_belongs_whatever_became_of_it() -> None:
    reader, as_of = view_of().reader, START + 5 * DAY_US
    gone = [Fact("a", "fact", "ended_at", START, START, START), Fact("a", "fact", "ignored", True, START, START)]
    paid = [Outcome("1", "a", START, START)]
    events = [event("login", START), event("login", START, received_at=START + 9 * DAY_US)]
    mate = reader.mate(lead("a", facts=gone, outcomes=paid, accounts=[("org", START)], events=events), "org", as_of)
    assert mate is not None
    assert (mate.lead_id, mate.joined, len(mate.events)) == ("a", START, 1)
    member = lead("b", accounts=[("org", START + DAY_US), ("second", START + 2 * DAY_US)])
    assert [reader.mate(member, "org", START + days * DAY_US) is None for days in (0, 1)] == [True, False]
    assert reader.mate(member, "second", as_of) is None
    lead("whole", (member, 3))
    assert reader.mate(member, "org", as_of) is None
