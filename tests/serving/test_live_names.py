"""Names in another spelling: traits and properties are found as events are, and the very spelling goes before another."""

from __future__ import annotations

from typing import Any

import pytest

from features.clock import DAY_US, format_us
from features.storing.rows import Fact, StoredLead
from features.storing.sent_names import Names
from tests.serving.client import TestClient
from tests.serving.conftest import WORKSPACE
from tests.serving.test_live_lead import LATER, START, event, lead, sure, trait


@pytest.mark.parametrize("sent", ["company_size", "companySize", "CompanySize", "Company Size", "company-size", "COMPANY.SIZE"])
def test_a_name_is_found_in_every_spelling(sent: str) -> None:
    assert Names(["company_size", "plan"]).find(sent) == "company_size"
    assert Names(["companySize"]).find(sent) == "companySize"
    assert Names(["plan"]).find(sent) is None


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({"aB": 1, "a_b": 2}, {"a_b": 2}),
        ({"a_b": 2, "aB": 1}, {"a_b": 2}),
        ({"aB": 1, "A b": 3}, {"a_b": 1}),
        ({"c": 1}, {}),
    ],
)
def test_the_very_spelling_goes_before_another(sent: dict[str, Any], found: dict[str, Any]) -> None:
    assert Names(["a_b"]).of(sent) == found


def test_two_columns_that_differ_by_their_spelling_stay_two() -> None:
    assert Names(["a_b", "aB"]).of({"aB": 1, "a_b": 2}) == {"aB": 1, "a_b": 2}


def test_nothing_is_read_of_an_event_of_which_nobody_asks_anything() -> None:
    events = [event("demo", START, properties="no JSON"), event("login", START, properties='{"minutes": 2, "plan": "x"}')]
    assert [row.properties for row in sure(lead(trait("signed_up_at", format_us(START)), events=events)).lead.events] == [
        {}, {"minutes": 2, "plan": "x"},
    ]  # fmt: skip


def test_traits_and_properties_of_a_lead() -> None:
    facts = [trait("signedUpAt", format_us(START)), trait("companySize", 7), trait("Country", "DE"), trait("company_size", 8)]
    stored = lead(
        *facts, trait("trialEnd", format_us(START + DAY_US)), events=[event("upgrade", START, properties='{"Plan":"pro"}')]
    )
    found = sure(stored).lead
    assert found.started_at == START
    assert {name: value for name, (value, _) in found.attributes.items() if name != "signed_up_at"} == {
        "company_size": 7, "country": "DE", "trial_end": format_us(START + DAY_US),
    }  # fmt: skip
    assert found.trial_ends == [(START + DAY_US, START)]
    assert found.events[0].properties == {"plan": "pro"}


def test_when_somebody_signed_up_may_be_spelt_as_the_warehouse_does() -> None:
    created = Fact("a", "trait", "created_at", format_us(START), START, START)
    assert sure(StoredLead("a", START, [event("login", START + DAY_US)], [created]), LATER).lead.started_at == START
    text = WORKSPACE.replace("signed_up_at", "created_at")
    assert sure(lead(trait("createdAt", format_us(START))), text=text).lead.started_at == START


def test_a_posted_lead_is_read_the_same(client: TestClient) -> None:
    whole = {"lead_id": "a", "started_at": format_us(START), "attributes": {"company_size": 900, "country": "DE"}}
    whole["events"] = [{"event": "upgrade", "timestamp": format_us(START), "properties": {"plan": "pro"}}]
    other = whole | {"attributes": {"companySize": 900, "Country": "DE"}}
    other["events"] = [{"event": "Upgrade", "timestamp": format_us(START), "properties": {"Plan": "pro"}}]
    body = {"leads": [whole, other, whole | {"attributes": {}, "events": []}], "as_of": format_us(LATER)}
    first, second, bare = (score["probability"] for score in client.post("/v1/score", json=body).json()["scores"])
    assert first == second != bare
