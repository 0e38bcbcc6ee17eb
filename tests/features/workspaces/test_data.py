"""Where the tables are."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from features.workspaces.data import (
    ContactsSpec,
    ConversionsSpec,
    DataSpec,
    EventsSpec,
    FileSource,
    LeadsSpec,
    SqlSource,
    StoreSource,
)

LEADS = {"source": "leads.csv", "started_at": "s"}
EVENTS = {"source": "events.csv"}


def refusal(model: Any, value: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    return dict(caught.value.errors()[0].get("ctx", {}))


@pytest.mark.parametrize(
    ("source", "kinds"),
    [
        ("a.csv", (FileSource,)),
        ("store", (StoreSource,)),
        ({"url": "sqlite:///x", "query": "select 1"}, (SqlSource,)),
        (("a.csv", "b/*.parquet", "store"), (FileSource, FileSource, StoreSource)),
    ],
)
def test_sources(source: Any, kinds: tuple[type, ...]) -> None:
    assert tuple(type(one) for one in EventsSpec.model_validate({"source": source}).source) == kinds


@pytest.mark.parametrize("source", [(), "", 5, None, {"url": "x"}, {"query": "x"}, (("a",),)])
def test_sources_refused(source: Any) -> None:
    with pytest.raises(ValidationError):
        EventsSpec.model_validate({"source": source})


def test_a_source_names_its_unknown_key_and_hides_its_address() -> None:
    assert refusal(EventsSpec, {"source": {"path": "x"}})["expected"] == "one of url, query"
    assert "hunter2" not in repr(EventsSpec.model_validate({"source": {"url": "pg://u:hunter2@h", "query": "q"}}))


def test_defaults() -> None:
    events = EventsSpec.model_validate(EVENTS)
    assert (events.lead, events.name, events.at, events.id, events.properties) == ("lead_id", "event", "timestamp", None, ())
    assert DataSpec.model_validate({"identities": {"source": "m", "from": "anon"}, "leads": LEADS}).identities is not None
    assert ContactsSpec.model_validate({"source": "c"}).at == "at"


@pytest.mark.parametrize(
    ("data", "undated"),
    [
        ({"leads": LEADS}, False),
        ({"events": EVENTS}, False),
        ({"leads": {"source": "x", "converted": "paid"}}, True),
        ({"leads": {"source": "x", "converted": "p", "started_at": "s"}, "conversions": {"source": "c"}}, False),
        ({"leads": {"source": "x", "converted": "p"}, "events": EVENTS, "conversions": {"source": "c"}}, False),
        ({"leads": {"start": "Trial Started"}, "events": EVENTS, "conversions": {"events": ("paid",)}}, False),
        ({"leads": LEADS, "conversions": {"source": "c.csv"}}, False),
    ],
)
def test_tables_that_fit_together(data: dict[str, Any], undated: bool) -> None:
    assert DataSpec.model_validate(data).undated is undated


@pytest.mark.parametrize(
    ("data", "at", "expected"),
    [
        ({}, (), "a table of leads, of events, or both"),
        ({"leads": {"start": "a"}}, (), "a table of leads, of events, or both"),
        ({"leads": {"source": "x", "start": "a"}}, ("leads", "start"), "a table of events beside start"),
        ({"leads": LEADS, "conversions": {"events": "paid"}}, ("conversions", "events"), "a table of events beside the events"),
        ({"leads": {"source": "x"}}, ("leads",), "started_at, or converted alone for a table without dates"),
        (
            {"leads": {"source": "x", "converted": "y"}, "conversions": {"source": "c"}},
            ("leads",),
            "started_at, or converted alone for a table without dates",
        ),
        (
            {"leads": {"source": "x", "converted": "paid", "started_at": "s"}},
            ("leads", "converted"),
            "conversions beside dates: what is learnt from has to say when a lead paid",
        ),
        (
            {"leads": {"source": "x", "converted": "paid"}, "events": EVENTS},
            ("leads", "converted"),
            "conversions beside dates: what is learnt from has to say when a lead paid",
        ),
        (
            {"leads": {"source": "x", "converted": "y"}, "identities": {"source": "m"}},
            ("identities",),
            "leads with dates beside identities",
        ),
    ],
)
def test_tables_that_do_not(data: dict[str, Any], at: tuple[str, ...], expected: str) -> None:
    context = refusal(DataSpec, data)
    assert (context["at"], context["expected"]) == (at, expected)


@pytest.mark.parametrize(
    ("model", "value", "expected"),
    [
        (LeadsSpec, {"id": "x"}, "a source, or the event that starts a trial"),
        (LeadsSpec, {"source": "x", "started_at": "a", "start": "b"}, "started_at or start, not both"),
        (ConversionsSpec, {}, "either a source or the events that mean a payment"),
        (ConversionsSpec, {"source": "x", "events": "y"}, "either a source or the events that mean a payment"),
        (EventsSpec, {"source": "x", "zone": "Mars"}, "the IANA name of a time zone, such as Europe/Istanbul"),
        (EventsSpec, {"source": "x", "zone": "../etc/passwd"}, "the IANA name of a time zone, such as Europe/Istanbul"),
        (EventsSpec, {"source": "x", "zone": "Europe"}, "the IANA name of a time zone, such as Europe/Istanbul"),
    ],
)
def test_tables_refused(model: Any, value: Any, expected: str) -> None:
    assert refusal(model, value)["expected"] == expected


def test_leads_with_conditions() -> None:
    leads = LeadsSpec.model_validate({"source": "x", "where": {"module": "BBB"}, "missing": ("Select", 0, "")})
    assert leads.where == {"module": {"eq": "BBB"}}
    assert leads.missing == ("Select", 0, "")
    assert LeadsSpec.model_validate({"source": "x", "missing": "Select"}).missing == ("Select",)
