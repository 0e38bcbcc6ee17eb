"""What MLflow is told of a training."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

from features.tables import read_tables
from features.workspace import load_workspace
from tests.training.small_world import SmallWorld
from training.record import source_digests


def test_every_file_is_named_with_its_digest(tmp_path: Path) -> None:
    ws = load_workspace(SmallWorld(leads=30).write(tmp_path))
    found = source_digests(read_tables(ws))
    assert set(found) == {"data.leads.0.leads.csv", "data.events.0.events.csv", "data.conversions.0.conversions.csv"}
    assert found["data.leads.0.leads.csv"] == sha256((tmp_path / "leads.csv").read_bytes()).hexdigest()


def test_what_is_no_file_has_no_digest() -> None:
    report = SimpleNamespace(origins=[SimpleNamespace(name="warehouse")])
    assert source_digests(SimpleNamespace(report={"events": report})) == {}
