"""Training from files to a registered model: what it prints, what it stores, and what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from features.errors import InputError, OutsideError, StoppedError
from models import registry
from models.artifact import folder_digest, load
from models.champion import find_champion
from tests.training.small_world import FIRST, SmallWorld, silent
from training.points import DEFAULT_POINTS
from training.verbs import parse_budget, run_train

WHEN = FIRST + timedelta(days=200)


@dataclass(frozen=True)
class Run:
    """One training: what was printed and said, and where its state is."""

    result: dict[str, Any]
    said: list[str]
    home: Path
    workspace: Path

    def folder(self, into: Path) -> dict[str, bytes]:
        """Return the files of the model."""
        ref = registry.ChampionRef("small", self.result["version"], "", "")
        return {path.name: path.read_bytes() for path in registry.download(ref, into, self.home).iterdir()}

    def beside(self, home: Path) -> Path:
        """Copy the registry: what is registered from now on is not in this one, and the files of models stay where they are."""
        home.mkdir(exist_ok=True)
        shutil.copy(self.home / "mlflow.db", home)
        return home


def train(workspace: Path, home: Path, **options: Any) -> Run:
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIALWISE_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        result = run_train(workspace, trials=1, say=said.append, **options)
    return Run(result, said, home, workspace)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("verbs")


@pytest.fixture(scope="module")
def first(base: Path) -> Run:
    return train(SmallWorld().write(base / "data"), base / "var", as_of=WHEN.isoformat())


@pytest.fixture(scope="module")
def second(first: Run) -> Run:
    """The same training again, in the same registry."""
    return train(first.workspace, first.home, as_of=WHEN.isoformat())


@pytest.fixture(scope="module")
def never(first: Run, base: Path) -> Run:
    """The first in another registry, of leads that started in a window; whatever it is worth, it is not to serve."""
    middle = (FIRST + timedelta(days=60)).isoformat()
    return train(first.workspace, base / "never", as_of=WHEN.isoformat(), started_from=middle, promote="never")


@pytest.fixture(scope="module")
def forced(never: Run, base: Path) -> Run:
    """Another after that one, known up to long after the data end; whatever it is worth, it is to serve."""
    return train(never.workspace, never.beside(base / "forced"), as_of="2026-06-01", promote="force", seed=1)


def test_what_train_prints(first: Run) -> None:
    result = first.result
    keys = "version promoted gate verdict learner rows leads conversions dropped metrics fingerprint run_id"
    assert list(result) == keys.split()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["version"] == "1"
    assert result["promoted"] is True
    assert result["gate"]["decision"] == "promoted"
    assert result["verdict"] in ("publish", "weak")
    assert set(result["metrics"]) == {"auc", "pr_auc", "log_loss", "brier", "ece", "lift_10"}
    assert set(result["metrics"]["auc"]) == {"value", "low", "high", "n", "conversions"}
    assert result["metrics"]["auc"]["value"] > 0.65
    assert result["dropped"]["ignored"] > 0
    assert result["dropped"]["not_mature"] > 0
    assert result["leads"] <= result["rows"] <= 3 * result["leads"]
    assert any(line.startswith("verdict: ") for line in first.said)


def test_the_registered_model_is_the_champion(first: Run, second: Run, tmp_path: Path) -> None:
    found = find_champion("small", first.home)
    assert found is not None
    assert found.ref.version == first.result["version"]
    assert found.ref.run_id == first.result["run_id"]
    assert found.scorer.definition.fingerprint == first.result["fingerprint"]
    folder = registry.download(found.ref, tmp_path, first.home)
    assert folder_digest(folder) == found.ref.digest
    facts = load(folder).meta.facts
    assert facts["as_of"] == "2025-07-20T00:00:00.000000Z"
    assert facts["leads"] == first.result["leads"]


def test_the_same_training_is_the_same_folder_and_changes_nothing(first: Run, second: Run, tmp_path: Path) -> None:
    assert first.folder(tmp_path / "one") == second.folder(tmp_path / "two")
    assert second.result["version"] == "2"
    assert second.result["promoted"] is False
    assert "not shown to be better" in second.result["gate"]["reason"]


def test_cut_files_give_the_same_folder(first: Run, base: Path, tmp_path: Path) -> None:
    """Whatever became known after --as-of is not seen: not in rows, vocabularies, ranges or references."""
    cut = SmallWorld(last_known=WHEN).write(tmp_path / "data")
    again = train(cut, tmp_path / "var", as_of=WHEN.isoformat())
    assert again.folder(tmp_path / "one") == first.folder(tmp_path / "two")
    assert again.result["metrics"] == first.result["metrics"]


def test_nothing_of_time_place_or_run_is_in_the_folder(first: Run, tmp_path: Path) -> None:
    text = b"".join(first.folder(tmp_path).values()).decode()
    for word in (str(first.home), str(first.workspace.parent), first.result["run_id"], "lead-0", "account-", "acme.test"):
        assert word not in text


def test_no_signal_is_registered_and_not_promoted(tmp_path: Path) -> None:
    run = train(SmallWorld(signal=0.0, seed=3).write(tmp_path / "data"), tmp_path / "var")
    if run.result["verdict"] == "no usable signal":
        assert run.result["promoted"] is False
        assert registry.champion("small", tmp_path / "var") is None
    assert run.result["verdict"] != "publish"


def test_force_and_never(never: Run, forced: Run) -> None:
    assert never.result["promoted"] is False
    assert registry.champion("small", never.home) is None
    assert forced.result["gate"]["decision"] == "forced"
    ref = registry.champion("small", forced.home)
    assert ref is not None
    assert ref.version == "2"


def test_a_window_of_starts(first: Run, never: Run) -> None:
    assert never.result["leads"] < first.result["leads"]
    assert never.result["dropped"]["outside_window"] > 0


def test_too_little_history_gives_a_scorecard_that_says_so(tmp_path: Path) -> None:
    workspace = SmallWorld(leads=20).write(tmp_path / "data")
    run = train(workspace, tmp_path / "var")
    assert (run.result["learner"], run.result["verdict"], run.result["promoted"]) == ("scorecard", "weak", True)
    assert run.result["metrics"] == {}
    assert any("not learnt" in line for line in run.said)


def test_too_little_history_without_points_stops(tmp_path: Path) -> None:
    workspace = SmallWorld(leads=20).write(tmp_path / "data")
    no_points = "".join(f"    '{line}': 0\n" for line in DEFAULT_POINTS if line.startswith(("any", "core_use", "account_any")))
    workspace.write_text(f"{workspace.read_text(encoding='utf-8')}scorecard:\n  points:\n{no_points}", encoding="utf-8")
    with pytest.raises(StoppedError, match="too little history") as stopped:
        train(workspace, tmp_path / "var")
    assert stopped.value.exit_code == 1
    assert not list((tmp_path / "var").rglob("MLmodel"))


def test_data_that_end_early_are_warned_about(first: Run, forced: Run) -> None:
    assert any(line.startswith("warning: the data end at 2025-") for line in forced.said)
    assert not any(line.startswith("warning") for line in first.said)


def test_a_damaged_champion_beats_nobody(first: Run, tmp_path: Path) -> None:
    metas = {meta: meta.read_text() for meta in first.home.rglob("meta.json")}
    try:
        for meta, text in metas.items():
            meta.write_text(text.replace("small", "smell"))
        run = train(first.workspace, first.beside(tmp_path), as_of=WHEN.isoformat())
    finally:
        for meta, text in metas.items():
            meta.write_text(text)
    assert any("champion cannot be read" in line for line in run.said)
    assert run.result["promoted"] is True
    assert run.result["gate"]["reason"].startswith("the champion cannot be read")


def test_a_registry_that_fails_stops_the_training(first: Run, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 500)
    with pytest.raises(OutsideError):
        train(first.workspace, tmp_path, as_of=WHEN.isoformat())


@pytest.mark.parametrize(
    ("option", "value"),
    [("promote", "perhaps"), ("budget", "soon"), ("budget", "0s"), ("as_of", "yesterday"), ("as_of", "2025-06-01T00:00:00")],
)
def test_misuse_is_refused_in_a_sentence(first: Run, tmp_path: Path, option: str, value: str) -> None:
    with pytest.raises(InputError, match=value) as refused:
        train(first.workspace, tmp_path, **{option: value})
    assert refused.value.exit_code == 2


def test_an_instant_before_all_data_stops(first: Run, tmp_path: Path) -> None:
    with pytest.raises(StoppedError, match="nothing in the data is known by then"):
        train(first.workspace, tmp_path, as_of="2001-01-01T00:00:00Z")


def test_trials_have_a_range(first: Run) -> None:
    with pytest.raises(InputError, match="-1"):
        run_train(first.workspace, trials=-1, say=silent)


def test_budgets() -> None:
    assert [parse_budget(text) for text in ("90", "1.5m", "2h")] == [90, 90, 7200]


def test_undated_tables_train_and_refuse_dates(tmp_path: Path) -> None:
    rows = ["lead_id,size,colour,paid"]
    for number in range(300):
        keen = number % 3 == 0
        rows.append(f"l{number:03d},{number % 50 + 40 * keen},{'red' if number % 2 else 'blue'},{int(keen or number % 11 == 0)}")
    (tmp_path / "leads.csv").write_text("\n".join(rows) + "\n")
    workspace = tmp_path / "undated.yaml"
    workspace.write_text(
        "name: undated\ndata: {leads: {source: leads.csv, id: lead_id, converted: paid}}\n"
        "attributes: {size: number, colour: category}\n"
    )
    run = train(workspace, tmp_path / "var")
    assert run.result["verdict"] == "weak"
    assert run.result["rows"] == run.result["leads"] == 300
    assert run.result["metrics"]["auc"]["value"] > 0.7
    with pytest.raises(InputError, match="--as-of needs dates"):
        train(workspace, tmp_path / "var", as_of="2025-01-01")
