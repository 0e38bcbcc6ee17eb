"""Law 1 for what PostHog's clients send: visitors, people and companies, told in no order, are what the files give."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.conftest import trialwise
from tests.journeys.people import WORKSPACE, People, draw, when
from tests.journeys.server import running
from tests.journeys.test_accounts_and_merges import instants, of_files, of_server


def prompt(people: People) -> People:
    """PostHog has no word for how often something happened, nor for when a fact arrived."""
    for event in people.events:
        event |= {"n": 1, "received_at": event["at"]}
    return people


def signed_up(lead: dict[str, Any]) -> dict[str, Any]:
    at = when(lead["signed_up_at"])
    said = {name: lead[name] for name in ("country", "company_size") if lead[name] is not None}
    groups = {"$groups": {"project": "p", "company": lead["org"]}} if lead["org"] else {}
    once = {"signed_up_at": at, "trial_end": when(lead["trial_end"])}
    properties = {"$set": said, "$set_once": once} | groups
    return {"event": "$identify", "distinct_id": lead["lead_id"], "properties": properties, "timestamp": at}


def did(event: dict[str, Any]) -> dict[str, Any]:
    properties = {name: event[name] for name in ("plan", "minutes") if event[name] is not None}
    name = event["event"]
    if name.startswith("page:"):
        properties |= {"$current_url": f"https://acme.com{name.removeprefix('page:')}?ref=x"}
        name = "$pageview"
    call = {"event": name, "properties": properties, "uuid": event["message_id"], "timestamp": when(event["at"])}
    return call | {"distinct_id": event["lead_id"]}


def merged(who: str, whom: str, at: int, *, alias: bool) -> dict[str, Any]:
    call = {"distinct_id": whom, "timestamp": when(at), "uuid": f"{who} is {whom} at {at}"}
    if alias:
        return call | {"event": "$create_alias", "properties": {"alias": who}}
    return call | {"event": "$identify", "properties": {"$anon_distinct_id": who}}


def send(people: People, client: httpx.Client) -> None:
    """Tell it all in no order, as somebody moves in with a history."""
    events = [signed_up(lead) for lead in people.leads] + [did(event) for event in people.events]
    events += [merged(*merge, alias=place % 3 == 0) for place, merge in enumerate(people.merges)]
    random.Random(1).shuffle(events)
    for start in range(0, len(events), 400):
        body = {"batch": events[start : start + 400], "historical_migration": True}
        answer = client.post("/batch/", json=body).json()
        assert answer["success"], answer["refused"][:3]
    paid = [{"lead_id": lead, "at": when(at), "received_at": when(at)} for lead, at in people.payments]
    assert client.post("/v1/conversions", json={"conversions": paid}).json()["success"]


@pytest.mark.slow
def test_every_feature_of_every_lead_at_three_instants(tmp_path: Path) -> None:
    people = prompt(draw(7))
    people.write(tmp_path / "people", WORKSPACE)
    workspace, home = tmp_path / "people" / "workspace.yaml", tmp_path / "home"
    home.mkdir()
    key = json.loads(trialwise("keys", "create", "--scope", "admin", "--json", home=home).stdout)["key"]
    with running(workspace, home, key=key, ready=False) as client:
        send(people, client)
        for as_of in instants():
            batch, live = of_files(workspace, as_of), of_server(client, people, as_of)
            assert live.keys() == batch.keys()
            assert len(live) > 20
            for lead_id, row in batch.items():
                different = {name: (live[lead_id][name], value) for name, value in row.items() if live[lead_id][name] != value}
                assert not different, (lead_id, as_of)
