"""What a folder must show before anything is scored with it; a server that holds no proved model is not ready (check 12)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.workspace import Workspace, parse_workspace
from models import artifact
from models.errors import ModelError
from models.registry import ChampionRef
from serving.proving import differing_keys, prove
from tests.models.test_artifact import edit
from tests.serving.conftest import WORKSPACE, make_scorer
from tests.serving.one_server import served


def ref_of(folder: Path) -> ChampionRef:
    return ChampionRef("acme", "1", artifact.folder_digest(folder), "run")


def test_a_model_as_it_was_written_is_proved(workspace: Workspace, models: dict[str, Path]) -> None:
    loaded = prove(ref_of(models["1"]), models["1"], workspace)
    assert loaded.differs == ()
    assert loaded.view.definition == loaded.scorer.definition


def no_calibrator(value: Any) -> None:
    value.clear()


def off(value: Any) -> None:
    value["probability"][7] += 2e-9


def just_within(value: Any) -> None:
    value["probability"][7] += 5e-10


@pytest.mark.parametrize(("name", "change"), [("calibration.json", no_calibrator), ("golden.json", off)])
def test_what_does_not_prove_itself_makes_no_server_ready(
    workspace: Workspace, models: dict[str, Path], tmp_path: Path, name: str, change: Callable[[Any], None]
) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(models["1"], bad)
    edit(bad, name, change)
    with pytest.raises(ModelError):
        prove(ref_of(bad), bad, workspace)
    with served(workspace, {}, tmp_path) as client:
        source = client.app.state.services.live._models.source
        source.models, source.version = {"1": bad}, "1"
        assert client.app.state.services.live.poll()
        assert client.get("/livez").status_code == 200
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["model"]) == (503, "no model")
        answer = client.post("/v1/score", json={"leads": [{"lead_id": "a", "started_at": "2026-01-01T00:00:00Z"}]})
        assert (answer.status_code, answer.json()["code"]) == (503, "no_model")
        assert answer.headers["Retry-After"]
        told = client.get("/v1/model").json()
        assert (told["serving"], told["version"]) == (False, None)
        assert told["problem"]


def test_a_probe_may_differ_as_another_machine_does(workspace: Workspace, models: dict[str, Path], tmp_path: Path) -> None:
    near = tmp_path / "near"
    shutil.copytree(models["1"], near)
    edit(near, "golden.json", just_within)
    assert prove(ref_of(near), near, workspace)


def test_a_probability_that_is_none_is_refused(
    workspace: Workspace, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*_: object) -> SimpleNamespace:
        return SimpleNamespace(probability=np.array([np.nan]))

    monkeypatch.setattr("models.scorer.Scorer.explain", without)
    with pytest.raises(ModelError, match="gives no probability"):
        prove(ref_of(models["1"]), models["1"], workspace)


def test_the_keys_that_differ_are_named(workspace: Workspace) -> None:
    definition = make_scorer(workspace, 1).definition
    assert differing_keys(workspace, definition) == ()
    other = parse_workspace(WORKSPACE + "timezone: Europe/Berlin\nsessions: {gap_minutes: 10}\n", ".")
    assert differing_keys(other, definition) == ("gap_minutes", "timezone")


def test_what_the_server_says_of_its_model(workspace: Workspace, models: dict[str, Path], tmp_path: Path) -> None:
    with served(workspace, models, tmp_path) as client:
        told = client.get("/v1/model").json()
    meta = json.loads((models["1"] / "meta.json").read_text())
    assert (told["alias"], told["version"], told["run_id"], told["verdict"]) == ("champion", "1", "run", "publish")
    assert told["digest"] == artifact.folder_digest(models["1"])
    assert told["data_digest"] == meta["facts"]["rows_sha256"] == f"{1:064x}"
    assert told["shadow"] is None
