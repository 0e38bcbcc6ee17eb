"""``trialwise report``: the page of a registered version, fetched and written."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import InputError, OutsideError
from models import registry
from tests.training import trained_home as shared
from tests.training.small_world import silent
from training.report.verb import run_report

trained_home = shared.trained_home


@pytest.fixture(scope="module")
def small(trained_home: shared.TrainedHome, tmp_path_factory: pytest.TempPathFactory) -> shared.TrainedHome:
    return trained_home.copy(tmp_path_factory.mktemp("report"))


@pytest.fixture(autouse=True)
def workspace(small: shared.TrainedHome, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRIALWISE_HOME", str(small.home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return small.workspace


def test_the_champions_report_is_written(workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "report.html"
    said: list[str] = []
    assert run_report(workspace, out, say=said.append) == {"name": "small", "version": "1", "out": str(out)}
    assert "Will they pay? small" in out.read_text(encoding="utf-8")
    assert "version 1" in said[0]


def test_any_version_can_be_asked_for(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_report(workspace, version="1", say=silent)["out"] == "small-report-1.html"
    with pytest.raises(InputError, match="no such version") as refused:
        run_report(workspace, version="9", say=silent)
    assert refused.value.expected == "1"


def test_a_place_that_cannot_be_written_is_the_outside(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError):
        run_report(workspace, tmp_path / "file" / "report.html", say=silent)


@pytest.mark.usefixtures("workspace")
def test_the_run_keeps_report_card_and_figures() -> None:
    ref = registry.champion("small")
    assert ref is not None
    assert (registry.text(ref, "model_card.md") or "").startswith("# Model card: small")
    assert registry.text(ref, "nothing.html") is None
    metrics = registry.trainings("small")[ref.run_id].metrics
    for name in ("brier_skill", "calibration_slope", "calibration_intercept", "rate_at_capacity", "funnel/PQL"):
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]
