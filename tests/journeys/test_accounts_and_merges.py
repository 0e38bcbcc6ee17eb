"""Law 1 for companies and merged visitors: the server answers, to the bit, what the files give, however it heard of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from features.catalog import feature_set
from features.matrix import compute
from features.reading.moments import parse_moment
from features.store import EventStore
from features.storing.loading import load_history
from features.tables import read_tables
from features.workspace import load_workspace
from serving.view import View
from tests.journeys.conftest import trialwise
from tests.journeys.people import START, WORKSPACE, People, draw, when
from tests.journeys.server import running

DAYS = (8.2, 14, 23.75)
BY_DAY = WORKSPACE + "resolution: {events: day, conversions: day}\n"

Row = dict[str, float | str | None]


def instants() -> list[str]:
    return [(START + timedelta(days=days)).isoformat() for days in DAYS]


def of_files(workspace: Path, as_of: str) -> dict[str, Row]:
    """Return the features of every lead of the files as of an instant, from the files cut at that instant."""
    ws = load_workspace(workspace)
    at = parse_moment(as_of)
    tables, features = read_tables(ws, cut=at), feature_set(ws.definition())
    begun = np.flatnonzero(tables.leads.started_at <= at)
    matrix = compute(features, tables, begun, np.full(len(begun), at))
    return {tables.leads.ids[lead]: matrix.row(row) for row, lead in enumerate(begun.tolist())}


def of_server(client: httpx.Client, people: People, as_of: str) -> dict[str, Row]:
    """Return what the server answers for everybody who had signed up by then."""
    found = {}
    for lead_id in (lead["lead_id"] for lead in people.leads if parse_moment(when(lead["signed_up_at"])) <= parse_moment(as_of)):
        answer = client.get(f"/v1/leads/{lead_id}/features", params={"as_of": as_of})
        if answer.status_code == 404:
            assert answer.json()["code"] == "lead_not_found"
        else:
            found[lead_id] = answer.json()["features"]
    return found


@pytest.fixture(scope="module", params=["second", "day"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, People]:
    people = draw(7)
    folder = tmp_path_factory.mktemp("people") / request.param
    people.write(folder, WORKSPACE if request.param == "second" else BY_DAY)
    return folder / "workspace.yaml", people


@pytest.fixture(scope="module", params=["loaded", "sent"])
def server(
    request: pytest.FixtureRequest, world: tuple[Path, People], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A server that has the history from the files, or call by call."""
    workspace, people = world
    home = tmp_path_factory.mktemp(request.param)
    if request.param == "loaded":
        trialwise("load", "-w", workspace, home=home)
    key = json.loads(trialwise("keys", "create", "--scope", "admin", "--json", home=home).stdout)["key"]
    with running(workspace, home, key=key, ready=False) as client:
        if request.param == "sent":
            people.send(client)
        yield client


@pytest.mark.slow
def test_every_feature_of_every_lead_at_three_instants(server: httpx.Client, world: tuple[Path, People]) -> None:
    workspace, people = world
    values: list[Any] = []
    for as_of in instants():
        batch, live = of_files(workspace, as_of), of_server(server, people, as_of)
        assert live.keys() == batch.keys()
        assert len(live) > 20
        for lead_id, row in batch.items():
            different = {name: (live[lead_id][name], value) for name, value in row.items() if live[lead_id][name] != value}
            assert not different, (lead_id, as_of)
        values += [row["account_any_count_7d"] for row in batch.values()]
    # The world holds what it is for: companies with and without anybody active in them, and leads of none.
    assert {None, 0.0} < set(values)
    assert max(value for value in values if value is not None) > 50


@pytest.mark.slow
def test_of_more_than_two_hundred_mates_the_same_are_chosen(tmp_path: Path) -> None:
    people = draw(3, users=850, visitors=8, days=6)
    people.write(tmp_path / "many", BY_DAY)
    ws = load_workspace(tmp_path / "many" / "workspace.yaml")
    url = f"sqlite:///{tmp_path / 'store.db'}"
    load_history(tmp_path / "many" / "workspace.yaml", url=url)
    view, store = View(ws, ws.definition()), EventStore(url)
    for days in (4, 9):
        as_of = (START + timedelta(days=days)).isoformat()
        batch, at = of_files(tmp_path / "many" / "workspace.yaml", as_of), parse_moment(as_of)
        standings = [view.standing(one, at) for one in store.leads(sorted(batch)[::12]).values()]
        known = [one for one in standings if one is not None]
        matrix = view.matrix(known, at, store)
        assert len(known) > 50
        assert [matrix.row(row) for row in range(len(matrix))] == [batch[one.lead.lead_id] for one in known]
    assert sum(one.account == "large" for one in known) > 15
    assert np.nanmax(matrix.column("account_any_people_all")) == 200
    store.close()
