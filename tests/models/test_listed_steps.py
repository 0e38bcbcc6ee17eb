"""What to do next beside each lead of a list: what the server would put first, in the words of the list's language."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.history import EventRow
from features.matrix import compute_one
from features.table_leads import live_lead
from features.workspace import Workspace, load_workspace
from features.workspaces.selling import PlaySpec
from models.champion import Champion
from models.listed_steps import next_plays
from models.playbook import _library
from models.population import Asked, Population, find_population
from models.registry import ChampionRef
from models.worklist import list_rows
from tests.serving.conftest import make_scorer
from tests.serving.crm.conftest import LEADS, write_world

OWN = {
    "use": PlaySpec(text={"en": "Show a feature", "tr": "Bir özellik gösterin"}, moves=("core_use",), times=20),
    "buy": PlaySpec(text="Send the prices", moves=("purchase_intent",)),
}


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    write_world(tmp_path)
    return load_workspace(tmp_path / "acme.yaml")


@pytest.fixture
def champion(ws: Workspace) -> Champion:
    return Champion(ChampionRef("acme", "1", "0" * 64, "run", ""), make_scorer(ws, 1))


def only(ws: Workspace, plays: dict[str, PlaySpec], **more: object) -> Workspace:
    off = dict.fromkeys(_library(), PlaySpec(enabled=False))
    return ws.model_copy(update={"plays": {**off, **plays}, **more})


def chosen(ws: Workspace, champion: Champion) -> tuple[Population, list[str | None]]:
    who = find_population(ws, Asked())
    rows = list_rows(ws, champion, who, "tr")
    return who, [row["next_step"] for row in rows]


def test_it_is_what_the_model_expects_most_of(ws: Workspace, champion: Champion) -> None:
    ws = only(ws, OWN)
    who, steps = chosen(ws, champion)
    features, scorer = champion.scorer.feature_set, champion.scorer
    assert len(steps) == LEADS
    for place, as_of, step in zip(who.lead.tolist(), who.as_of.tolist(), steps, strict=True):
        lead = live_lead(who.tables, place, as_of, with_mates=False)
        events = {"Bir özellik gösterin": [("feature.x", 20)], "Send the prices": [("upgrade", 1)]}
        expected = {"now": 0.0}
        for what, ((name, count),) in events.items():
            scores = []
            for done in (name, "nobody knows this"):  # as much of something that means no behaviour is no reason for a play
                more = [*lead.events, EventRow(done, as_of, as_of, count, {})]
                row = compute_one(features, features.plan, replace(lead, events=more), as_of)
                scores.append(float(scorer.probability(scorer.select(row.features.names, row.values))[0]))
            expected[what] = scores[0] - scores[1]
        used = float(np.sum([event.name.startswith("feature") for event in lead.events]))
        if used:  # a step that was taken only just is not missing
            del expected["Bir özellik gösterin"]
        best = max(expected, key=lambda what: expected[what])
        assert step == (None if best == "now" else best)


def test_a_play_that_is_held_out_is_not_proposed(ws: Workspace, champion: Champion) -> None:
    assert any(chosen(only(ws, OWN), champion)[1])
    assert not any(chosen(only(ws, OWN, hold_out=1.0), champion)[1])


def test_without_plays_there_is_nothing_to_do(ws: Workspace, champion: Champion) -> None:
    who = find_population(ws, Asked())
    records = [{"stage": "lead", "probability": 0.1}] * len(who.lead)
    assert list(next_plays(only(ws, {}), champion.scorer, who, records)) == [None] * LEADS
