"""What if in notebooks: the kernel's own numbers, split in two, and refusals in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.errors import InputError
from features.history import EventRow
from features.matrix import compute_one
from features.table_leads import live_lead
from features.workspace import load_workspace
from models.champion import Champion
from models.live_place import FEWEST, place_among
from models.opened import OpenWorkspace
from models.population import Asked, find_population
from models.registry import ChampionRef
from tests.serving.conftest import make_scorer
from tests.serving.crm.conftest import LEADS, write_world


def opened(folder: Path, leads: int = LEADS) -> OpenWorkspace:
    write_world(folder, leads)
    ws = load_workspace(folder / "acme.yaml")
    champion = Champion(ChampionRef("acme", "1", "0" * 64, "run", ""), make_scorer(ws, 1))
    return OpenWorkspace(ws, champion, find_population(ws, Asked()))


@pytest.fixture
def ws(tmp_path: Path) -> OpenWorkspace:
    return opened(tmp_path)


def test_it_is_the_score_of_a_lead_that_did_it(ws: OpenWorkspace) -> None:
    one = ws.leads.ids[0]
    table = ws.what_if(one, ["Feature X", {"event": "upgrade", "count": 2}])
    scorer, at = ws.champion.scorer, ws.leads.at
    assert at is not None
    lead = live_lead(ws.leads.tables, int(ws.leads.lead[0]), at, with_mates=False)
    more = [*lead.events, EventRow("feature_x", at, at, 1, {}), EventRow("upgrade", at, at, 2, {})]
    really = compute_one(scorer.feature_set, scorer.feature_set.plan, replace(lead, events=more), at)
    imagined = float(scorer.probability(scorer.select(really.features.names, really.values))[0])
    told = table.attrs
    assert told["imagined"] == imagined
    assert told["without"] == ws.scores()["probability"][0]
    assert abs(told["activity"] + told["step"] - (told["imagined"] - told["without"])) < 1e-9
    sums = table.groupby("part")["points"].sum()
    assert sums["all"] == pytest.approx(imagined - told["without"], abs=1e-9)
    assert sums["step"] == pytest.approx(told["step"], abs=1e-9)
    assert told["association"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"events": ["nobody knows this"]}, "unmapped_event"),
        ({"events": [{"name": "upgrade"}]}, "an event cannot be read"),
        ({"trial_ends_at": "soon"}, "trial_ends_at is no time"),
        ({"trial_ends_at": "2020-01-01"}, "end_before_as_of"),
        ({"attributes": {"shoe_size": 43}}, "unknown_attribute"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(ws: OpenWorkspace, asked: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        ws.what_if(ws.leads.ids[0], **asked)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no such open lead"):
        ws.what_if("nobody", ["upgrade"])
    undated = replace(ws, leads=replace(ws.leads, at=None))
    with pytest.raises(InputError, match="what_if needs dates"):
        undated.what_if(ws.leads.ids[0], ["upgrade"])


def test_both_percentiles_stand_beside_each_other(ws: OpenWorkspace, tmp_path: Path) -> None:
    assert ws.scores()["percentile_live"].isna().all()  # too few leads
    more = opened(tmp_path, FEWEST + 2)
    scores = more.scores()
    rising = np.sort(scores["probability"].to_numpy())
    assert scores["percentile_live"].tolist() == [place_among(rising, p) for p in scores["probability"]]
    assert list(scores)[:5] == ["lead_id", "as_of", "probability", "percentile", "percentile_live"]
    best = more.list(3)
    assert best["percentile_live"].tolist() == [place_among(rising, p) for p in best["probability"]]
