"""What init writes for each tool is accepted by check and train, from the command line on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.inspecting.proposal import propose
from tests.features.inspecting.presets.exports import WRITERS, call_tables, fill
from tests.features.inspecting.presets.world import history
from tests.journeys.conftest import trialwise
from tests.store_fixture import store_url

__all__ = ["store_url"]

pytestmark = pytest.mark.slow


def learnt(folder: Path, text: str) -> None:
    (folder / "workspace.yaml").write_text(text)
    file, home = folder / "workspace.yaml", folder / "home"
    trialwise("check", "-w", file, home=home)
    trained = json.loads(trialwise("train", "-w", file, "--trials", "1", "--json", home=home).stdout)
    assert trained["version"] == "1"
    assert trained["conversions"] >= 10
    assert trained["leads"] > 150
    assert trained["metrics"]["auc"]["value"] > 0.5


# The others are the same rows in another format, which test_exports.py shows to be the same history.
@pytest.mark.parametrize("export", [export for export in WRITERS if export not in ("posthog_parquet", "rudderstack_calls")])
def test_an_export_trains(tmp_path: Path, export: str) -> None:
    preset, write = WRITERS[export]
    learnt(tmp_path, propose(write(tmp_path, history()), preset=preset, folder=tmp_path, name="shop"))


def test_a_warehouse_trains(store_url: str, tmp_path: Path) -> None:
    fill(store_url, call_tables(history()))
    learnt(tmp_path, propose([], url=store_url, preset="segment", folder=tmp_path, name="shop"))
