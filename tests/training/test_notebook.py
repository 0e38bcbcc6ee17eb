"""The notebook runner: its parameters, and its refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import InputError
from training.notebook import run_notebook, set_parameters
from training.simulator import simulate


def test_only_named_parameters_are_replaced() -> None:
    cells = [
        {"metadata": {"tags": ["parameters"]}, "source": 'WORKSPACE = "old.yaml"  # the file\nLEAD = None\nTOP = 3'},
        {"metadata": {}, "source": 'WORKSPACE = "stays"'},
    ]
    set_parameters({"cells": cells}, {"WORKSPACE": "/data/new.yaml", "LEAD": None})
    assert cells[0]["source"] == "WORKSPACE = '/data/new.yaml'\nLEAD = None\nTOP = 3"
    assert cells[1]["source"] == 'WORKSPACE = "stays"'


def test_an_unknown_notebook_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="what_drives_conversion"):
        run_notebook("what_drive_conversions", tmp_path / "w.yaml", tmp_path / "page.html")


def test_a_missing_workspace_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        run_notebook("what_drives_conversion", tmp_path / "nowhere.yaml", tmp_path / "page.html")


def test_without_a_champion_there_is_nothing_to_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "var"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    workspace = simulate(1, leads=30, days=60).write(tmp_path / "data")
    with pytest.raises(InputError, match="run trialwise train"):
        run_notebook("what_drives_conversion", workspace, tmp_path / "page.html")
