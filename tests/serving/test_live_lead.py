"""A lead as of an instant: only what was known by then, the first value that says something, the start by its rule."""

from __future__ import annotations

from typing import Any

import pytest

from features.clock import DAY_US, HOUR_US, NEVER, format_us
from features.reading.moments import parse_moment
from features.storing.rows import Fact, Outcome, StoredEvent, StoredLead
from features.workspace import parse_workspace
from serving.live_lead import Standing
from serving.view import View
from tests.serving.conftest import WORKSPACE

START = parse_moment("2026-05-01T00:00:00Z")
LATER = START + 30 * DAY_US


def view_of(text: str = WORKSPACE) -> View:
    ws = parse_workspace(text, ".")
    return View(ws, ws.definition())


def trait(name: str, value: Any, known_at: int = START) -> Fact:
    return Fact("a", "trait", name, value, known_at, known_at)


def event(name: str, at: int, *, received_at: int | None = None, properties: str = "{}") -> StoredEvent:
    return StoredEvent(name, at, at if received_at is None else received_at, 1, properties)


def stood(lead: StoredLead, as_of: int = LATER, text: str = WORKSPACE) -> Standing | None:
    return view_of(text).standing(lead, as_of)


def sure(lead: StoredLead, as_of: int = LATER, text: str = WORKSPACE) -> Standing:
    found = stood(lead, as_of, text)
    assert found is not None
    return found


STARTED = trait("signed_up_at", format_us(START))


def lead(*facts: Fact, events: list[StoredEvent] | None = None, outcomes: list[Outcome] | None = None) -> StoredLead:
    return StoredLead("a", START, events or [], sorted(facts, key=lambda fact: fact.known_at), outcomes or [])


def test_the_start_is_the_first_accepted_trait_else_created_at_else_the_first_event() -> None:
    first_event = [event("login", START + HOUR_US), event("x", START + 2 * HOUR_US)]
    created = trait("createdAt", format_us(START - DAY_US))
    assert sure(lead(STARTED, created, events=first_event)).lead.started_at == START
    assert sure(lead(created, events=first_event)).lead.started_at == START - DAY_US
    assert sure(lead(events=first_event)).lead.started_at == START + HOUR_US
    wrong = [trait("signed_up_at", value, START - 1) for value in (None, 7, "soon", "2026-05-01T00:00:00")]
    assert sure(lead(*wrong, STARTED)).lead.started_at == START
    second = trait("signed_up_at", format_us(START + DAY_US), START + DAY_US)
    assert sure(lead(second, STARTED)).lead.started_at == START
    loaded = Fact("a", "fact", "started_at", START - HOUR_US, START - HOUR_US, START - HOUR_US)
    assert sure(lead(STARTED, loaded)).lead.started_at == START - HOUR_US


def test_nobody_is_a_lead_before_the_start() -> None:
    assert stood(lead(STARTED), START - 1) is None
    assert stood(lead(trait("signed_up_at", format_us(START), START + DAY_US)), START + HOUR_US) is None
    assert stood(lead()) is None


def test_a_trial_may_start_with_an_event() -> None:
    text = WORKSPACE.replace("started_at: signed_up_at", "start: trial_started").replace("source: leads.csv, id: lead_id, ", "")
    text = text.replace(", ended_at: cancelled_at, trial_ends_at: trial_end,\n          account: org", "")
    events = [event("login", START), event("Trial Started", START + HOUR_US), event("trial_started", START + DAY_US)]
    assert sure(lead(events=events), text=text).lead.started_at == START + HOUR_US
    assert stood(lead(events=events[:1]), text=text) is None


def test_only_what_was_known_is_seen() -> None:
    events = [event("login", START, received_at=START + 5 * DAY_US), event("login", START + DAY_US)]
    facts = [
        STARTED,
        trait("country", "DE", START + 3 * DAY_US),
        trait("trial_end", format_us(START + 9 * DAY_US), START + DAY_US),
    ]
    early, late = (sure(lead(*facts, events=events), START + days * DAY_US) for days in (2, 6))
    assert ([row.at for row in early.lead.events], early.lead.attributes.get("country")) == ([START + DAY_US], None)
    assert (len(late.lead.events), late.lead.attributes["country"]) == (2, ("DE", START + 3 * DAY_US))
    assert early.lead.trial_ends == [(START + 9 * DAY_US, START + DAY_US)]
    assert sure(lead(*facts), START).lead.trial_ends == []


def test_the_first_value_that_says_something_is_the_attribute() -> None:
    said = [("country", None), ("country", ""), ("country", "DE"), ("country", "TR"), ("title", {"x": 1})]
    said += [("company_size", "many"), ("company_size", "12"), ("company_size", 7)]
    values = [trait(name, value, START + i) for i, (name, value) in enumerate(said)]
    attributes = sure(lead(STARTED, *values)).lead.attributes
    assert (attributes["country"], attributes["company_size"]) == (("DE", START + 2), ("12", START + 6))
    assert attributes["title"] == ({"x": 1}, START + 4)


def test_words_that_mean_missing_say_nothing() -> None:
    text = WORKSPACE.replace("account: org}", "account: org, missing: [Select, 7]}")
    said = [("country", "Select"), ("country", "DE"), ("company_size", 7), ("company_size", "8"), ("title", 7.0)]
    stored = lead(STARTED, *(trait(name, value, START + i) for i, (name, value) in enumerate(said)), trait("trial_end", "Select"))
    stored.accounts += [("Select", START), ("acme", START + 1)]
    found = sure(stored, text=text)
    assert found.lead.attributes == {
        "signed_up_at": (format_us(START), START), "country": ("DE", START + 1), "company_size": ("8", START + 3),
    }  # fmt: skip
    assert (found.account, found.lead.trial_ends) == ("acme", [])


def test_a_payment_is_known_when_it_is_known() -> None:
    paid = [Outcome("1", "a", START + 2 * DAY_US, START + 4 * DAY_US), Outcome("2", "a", START + 3 * DAY_US, START + 3 * DAY_US)]
    found = [sure(lead(STARTED, outcomes=paid), START + days * DAY_US).converted_at for days in (2, 3, 4)]
    assert found == [None, START + 3 * DAY_US, START + 2 * DAY_US]
    only_paid = sure(lead(outcomes=paid))
    assert (only_paid.is_open, only_paid.lead.started_at) == (False, START + 2 * DAY_US)


def test_a_payment_may_be_an_event() -> None:
    text = WORKSPACE.replace(
        "conversions: {source: conversions.csv, lead: lead_id, at: paid_at}",
        "conversions: {events: [{event: subscribed, where: {plan: {eq: pro}}}]}",
    )
    events = [
        event("Subscribed", START + HOUR_US, properties='{"plan":"free"}'),
        event("Subscribed", START + DAY_US, properties='{"plan":"pro"}'),
    ]
    assert sure(lead(STARTED, events=events), text=text).converted_at == START + DAY_US
    assert sure(lead(STARTED, events=events[:1]), text=text).converted_at is None


def test_a_lead_that_ended_is_closed_from_then_on() -> None:
    ended = trait("cancelled_at", format_us(START + 5 * DAY_US), START + DAY_US)
    assert [sure(lead(STARTED, ended), START + days * DAY_US).ended for days in (4, 5, 6)] == [False, True, True]


def test_a_freemium_lead_is_closed_by_a_long_silence() -> None:
    free = WORKSPACE + "trial: {days: none, inactive_days: 10}\n"
    quiet = lead(STARTED, events=[event("login", START + 4 * DAY_US), event("login", START + 20 * DAY_US)])
    assert [sure(quiet, START + days * DAY_US, free).ended for days in (13, 14, 21)] == [False, True, True]
    assert not sure(quiet, START + 21 * DAY_US).ended


@pytest.mark.parametrize(
    ("email", "ignored"), [("bob@acme.com", True), ("BOB@ACME.COM", True), ("bob@other.com", False), (None, False)]
)
def test_test_accounts_are_ignored(email: str | None, ignored: bool) -> None:
    assert sure(lead(STARTED, trait("email", email))).ignored is ignored


def test_leads_that_where_does_not_ask_for_are_none() -> None:
    text = WORKSPACE.replace("id: lead_id, started_at", "id: lead_id, where: {module: BBB}, started_at")
    assert stood(lead(STARTED, trait("module", "AAA")), text=text) is None
    assert stood(lead(STARTED, trait("module", "BBB"), trait("module", "AAA", START + 1)), text=text) is not None
    assert stood(lead(STARTED), text=text) is not None


def test_by_the_day_an_event_counts_when_its_day_is_over() -> None:
    text = WORKSPACE + "resolution: {events: day, conversions: day}\ntimezone: Europe/Berlin\n"
    events = [event("login", START + 12 * HOUR_US)]
    midnight = parse_moment("2026-05-01T22:00:00Z")
    assert [len(sure(lead(STARTED, events=events), midnight + step, text).lead.events) for step in (-1, 0)] == [0, 1]


def test_an_empty_lead_has_no_end() -> None:
    found = sure(lead(STARTED))
    assert (found.lead.trial_ends, found.ended, found.account, found.is_open) == ([], False, None, True)
    assert found.lead.started_at < NEVER
