"""Events by when they happen: what begins at the conversion, stops at it or knows it is a leak; what is only strong is not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from features.clock import DAY_US, HOUR_US, NEVER
from features.reading.table_report import Finding
from features.tables import Tables
from features.workspace import Workspace
from training.audit_events import event_leaks, used_by
from training.audit_leads import judged_leads
from training.leaks import Garden, clean_world


@cache
def clean() -> tuple[Workspace, Tables]:
    return clean_world(1)


@pytest.fixture
def garden() -> Garden:
    return Garden(*clean(), np.random.default_rng(0))


def found(ws: Workspace, tables: Tables) -> dict[str, Finding]:
    now = tables.newest
    return {one.column: one for one in event_leaks(ws, tables, judged_leads(ws, tables, now), now)}


def paid_at(garden: Garden) -> tuple[np.ndarray, np.ndarray]:
    lead = np.flatnonzero(garden.paid)
    return lead, garden.tables.leads.converted_at[lead]


def test_nothing_is_wrong_with_a_clean_world() -> None:
    ws, tables = clean()
    assert {"upgrade_page_viewed", "cart_seen", "first_goal"} <= set(tables.events.names)
    assert found(ws, tables) == {}


@pytest.mark.parametrize("lag_us", [-60_000_000, 0, 90_000_000])
def test_the_payment_itself(garden: Garden, lag_us: int) -> None:
    lead, at = paid_at(garden)
    garden.events("card_charged", lead, at + lag_us)
    finding = found(garden.ws, garden.tables)["card_charged"]
    assert finding.level == "leak"
    assert f"begins at the conversion: {len(lead)} of the {len(lead)} leads" in finding.evidence
    assert "mapped by of_card_charged" in finding.evidence


def test_what_only_customers_do(garden: Garden) -> None:
    lead, at = paid_at(garden)
    lead, at = lead.repeat(3), (at[:, None] + np.array([5, 8, 11]) * DAY_US).ravel()
    garden.events("seat_added", lead, at)
    assert "follows the conversion by 5.0 days" in found(garden.ws, garden.tables)["seat_added"].evidence


def test_a_name_that_nothing_maps_only_warns(garden: Garden) -> None:
    lead, at = paid_at(garden)
    garden.events("card_charged", lead, at)
    unmapped = garden.ws.model_copy(update={"behaviours": clean()[0].behaviours})
    assert found(unmapped, garden.tables)["card_charged"].level == "warn"
    events = unmapped.data.model_copy(
        update={"conversions": unmapped.data.conversions.model_validate({"events": ("card_charged",)})}  # type: ignore[union-attr]  # it has conversions
    )
    payment = unmapped.model_copy(update={"data": events})
    assert found(payment, garden.tables) == {}  # the workspace file says that it is the conversion
    mapped = payment.model_copy(update={"behaviours": garden.ws.behaviours})
    assert found(mapped, garden.tables)["card_charged"].level == "leak"


def test_dated_back(garden: Garden) -> None:
    lead, at = paid_at(garden)
    garden.events("card_charged", lead, np.maximum(at - 30 * HOUR_US, garden.tables.leads.started_at[lead] + 1))
    evidence = found(garden.ws, garden.tables)["card_charged"].evidence
    assert "knows the conversion beforehand" in evidence
    assert "convert later, at large" in evidence


def test_intent_that_others_have_too_is_honest(garden: Garden) -> None:
    lead, at = paid_at(garden)
    others = np.flatnonzero(~garden.paid)[:200]
    early = garden.tables.leads.started_at[others] + 3 * DAY_US
    garden.events("plan_opened", np.concatenate([lead, others]), np.concatenate([at - HOUR_US, early]))
    assert found(garden.ws, garden.tables) == {}


def daily(garden: Garden, until: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an event on every second day of each lead's first 60 days, until an instant of each."""
    leads = garden.tables.leads
    day = leads.started_at[:, None] + np.arange(0, 60, 2) * DAY_US + HOUR_US
    lead, age = np.nonzero(day < np.minimum(until, leads.ended_at)[:, None])
    return lead, day[lead, age]


def test_what_stops_and_what_goes_on(garden: Garden) -> None:
    never = np.full(len(garden.paid), NEVER)
    garden.events("goes_on", *daily(garden, never))
    garden.events("stops", *daily(garden, garden.tables.leads.converted_at))
    result = found(garden.ws, garden.tables)
    assert set(result) == {"stops"}
    assert "stops at the conversion: 0 of " in result["stops"].evidence
    assert "would be expected from others of the same age" in result["stops"].evidence


def test_steps_towards_a_purchase_may_end_with_it(garden: Garden) -> None:
    garden.events("offer_seen", *daily(garden, garden.tables.leads.converted_at))
    behaviours = dict(garden.ws.behaviours)
    behaviours["purchase_intent"] = behaviours.pop("of_offer_seen")
    assert found(garden.ws.model_copy(update={"behaviours": behaviours}), garden.tables) == {}


def test_too_few_conversions_prove_nothing(garden: Garden) -> None:
    lead, at = paid_at(garden)
    garden.events("card_charged", lead, at)
    leads = garden.tables.leads
    few = np.where(np.cumsum(garden.paid) <= 15, leads.converted_at, NEVER)
    tables = replace(garden.tables, leads=replace(leads, converted_at=few))
    assert found(garden.ws, tables) == {}


def test_who_uses_a_name() -> None:
    ws = clean()[0]
    assert used_by(ws, "feature_export") == ("core_use", "exports_7d")
    assert used_by(ws, "heartbeat") == ()
