"""From the first day: a scorecard is registered, marked as not learnt, and gives way as soon as something can be learnt."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from features.errors import StoppedError
from models import registry
from models.artifact import load
from models.batch import write_scores
from models.laws import check_scorer
from models.population import Asked
from tests.training.small_world import FIRST, SmallWorld, silent
from training.verbs import run_train


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_without_a_conversion_the_scorecard_answers_and_says_so(tmp_path: Path) -> None:
    file = SmallWorld(last_known=FIRST + timedelta(days=9)).write(tmp_path / "small")
    file.write_text(file.read_text() + "scorecard: {base_rate: 0.2}\nideal_customer: {country: tr, size: {ge: 250}}\n")
    said: list[str] = []
    result = run_train(file, trials=0, say=said.append)
    assert (result["learner"], result["verdict"], result["metrics"]) == ("scorecard", "weak", {})
    assert result["promoted"]
    assert any("a scorecard of points by hand, not learnt" in line for line in said)

    ref = registry.champion("small")
    assert ref is not None
    scorer = load(registry.download(ref, tmp_path / "model"))
    rows = np.zeros((20, len(scorer.columns))) + np.arange(20)[:, None]
    check_scorer(scorer, rows)
    assert scorer.reference.verdict == "weak"

    out = tmp_path / "scores.csv"
    write_scores(file, out, asked=Asked(), reasons="2", lang=None, say=silent)
    with out.open(newline="") as lines:
        scores = list(csv.DictReader(lines))
    probabilities = [float(row["probability"]) for row in scores]
    assert 0.1 < np.mean(probabilities) < 0.3
    assert len(set(probabilities)) > 3
    assert len({row["grade"] for row in scores}) > 1

    again = run_train(file, trials=0, say=silent)
    assert not again["promoted"]
    assert "replace no champion" in again["gate"]["reason"]


@pytest.mark.slow  # it trains three times; the other days of a young product are tested with every commit
def test_a_learnt_model_follows_and_no_scorecard_replaces_it(tmp_path: Path) -> None:
    early = SmallWorld(last_known=FIRST + timedelta(days=9)).write(tmp_path / "small")
    text = early.read_text()
    run_train(early, trials=0, say=silent)
    late = SmallWorld().write(tmp_path / "small")
    assert late.read_text() == text
    learnt = run_train(late, trials=0, say=silent)
    assert learnt["learner"] != "scorecard"
    assert learnt["promoted"]
    SmallWorld(last_known=FIRST + timedelta(days=9)).write(tmp_path / "small")
    assert not run_train(early, trials=0, say=silent)["promoted"]


def test_equal_inputs_give_equal_folders(tmp_path: Path) -> None:
    file = SmallWorld(last_known=FIRST + timedelta(days=9)).write(tmp_path / "small")
    folders = []
    for number in range(2):
        run_train(file, trials=0, promote="force", say=silent)
        ref = registry.champion("small")
        assert ref is not None
        folder = registry.download(ref, tmp_path / f"model{number}")
        folders.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert folders[0] == folders[1]


def test_without_points_or_leads_there_is_nothing_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "table"
    folder.mkdir()
    with (folder / "leads.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([["id", "size", "paid"], *[[f"l{number}", number, "0"] for number in range(30)]])
    file = folder / "table.yaml"
    file.write_text("name: table\ndata: {leads: {source: leads.csv, id: id, converted: paid}}\nattributes: {size: number}\n")
    with pytest.raises(StoppedError, match="the scorecard has no points"):
        run_train(file, trials=0, say=silent)
    file.write_text(file.read_text() + "ideal_customer: {size: {ge: 20}}\n")
    assert run_train(file, trials=0, say=silent)["verdict"] == "weak"
    young = SmallWorld(last_known=FIRST + timedelta(hours=8)).write(tmp_path / "small")
    with pytest.raises(StoppedError, match=r"No lead has been looked at yet|nothing in the data|no lead"):
        run_train(young, trials=0, say=silent)
