"""One training becomes one run with its trials, and one version."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.errors import OutsideError
from models import registry
from models.registry import ChampionRef, DatasetRecord, TrainingRecord, TrialRecord
from models.registry import registered as registered_module
from models.registry.tracking import client_of
from tests.models.registry.small_registry import INPUTS, registered


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests: making its tables takes seconds."""
    return tmp_path_factory.mktemp("registry")


def test_a_store_that_is_not_there_has_no_champion_and_is_not_made(tmp_path: Path) -> None:
    assert registry.champion("acme", tmp_path / "var") is None
    assert not (tmp_path / "var").exists()


def test_registering_is_not_promoting(home: Path) -> None:
    ref = registered(home, "quiet")
    assert ref == ChampionRef("quiet", "1", "d1", ref.run_id)
    assert registry.champion("quiet", home) is None
    assert registry.champion("nobody", home) is None


def test_promotion_moves_the_aliases(home: Path) -> None:
    first = registered(home, "acme", "d1")
    registry.promote(first, reason="the first", home=home)
    assert registry.champion("acme", home) == first
    second = registered(home, "acme", "d2")
    assert registry.champion("acme", home) == first
    registry.promote(second, reason="better", home=home)
    assert registry.champion("acme", home) == second
    client = client_of(registry.configured_uri(home))
    aliases = client.get_registered_model("acme").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": "2", "previous": "1"}
    assert [(one.kind, one.reason) for one in registry.decisions(registry.versions("acme", home)[1])] == [("promoted", "better")]
    # Promoting the champion again forgets nothing.
    registry.promote(second, reason="again", home=home)
    assert str(client.get_registered_model("acme").aliases["previous"]) == "1"


def test_killed_before_the_commit_the_old_champion_serves(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = registered(home, "killed", "d1"), registered(home, "killed", "d2")
    registry.promote(first, reason="the first", home=home)
    client = client_of(registry.configured_uri(home))
    real = type(client).set_registered_model_alias

    def dies(self: object, name: str, alias: str, version: str) -> None:
        if alias == registry.CHAMPION:
            raise KeyboardInterrupt
        real(self, name, alias, version)

    monkeypatch.setattr(type(client), "set_registered_model_alias", dies)
    with pytest.raises(KeyboardInterrupt):
        registry.promote(second, reason="better", home=home)
    monkeypatch.undo()
    assert registry.champion("killed", home) == first
    registry.promote(second, reason="better", home=home)
    assert registry.champion("killed", home) == second


def test_the_folder_comes_back_byte_for_byte(home: Path, tmp_path: Path) -> None:
    ref = registered(home, "bytes", "d7")
    folder = registry.download(ref, tmp_path, home)
    assert [path.name for path in folder.iterdir()] == ["model.json"]
    assert (folder / "model.json").read_text() == '{"digest": "d7"}\n'
    assert not (folder / "model.json").is_symlink()


def test_a_run_keeps_what_was_recorded(home: Path) -> None:
    record = TrainingRecord(
        params={"seed": 3},
        metrics={"auc": 0.71, "age_7/auc": 0.8, "nothing": float("nan")},
        tags={"trialwise.verdict": "publish"},
        texts={"facts.json": "{}"},
    )
    ref = registered(home, "recorded", "d1", record)
    client = client_of(registry.configured_uri(home))
    run = client.get_run(ref.run_id)
    assert run.data.params == {"seed": "3"}
    assert run.data.metrics == {"auc": 0.71, "age_7/auc": 0.8}
    assert run.data.tags["trialwise.verdict"] == "publish"
    assert client.get_experiment(run.info.experiment_id).name == "recorded"
    assert [file.path for file in client.list_artifacts(ref.run_id)] == ["facts.json"]
    tags = client.get_model_version("recorded", ref.version).tags
    assert tags == {"trialwise.folder_sha256": "d1", "trialwise.verdict": "publish"}


def test_the_model_is_no_pickle_and_every_input_is_optional(home: Path) -> None:
    ref = registered(home, "plain")
    info = yaml.safe_load((Path(_location(home, ref)) / "MLmodel").read_text())
    flavour = info["flavors"]["python_function"]
    assert flavour["loader_module"] == "trialwise"
    assert flavour["data"] == "data/scorer"
    assert "python_model" not in flavour
    assert json.loads(info["signature"]["inputs"]) == [
        {"name": "uses", "type": "any", "required": False},
        {"name": "country", "type": "any", "required": False},
    ]
    assert info["metadata"] == {"trialwise.folder_sha256": "d1", "trialwise.columns": INPUTS}
    assert [column["name"] for column in json.loads(info["signature"]["outputs"])] == ["probability", "grade"]
    assert not [path for path in Path(_location(home, ref)).rglob("*") if path.suffix == ".pkl"]


def _location(home: Path, ref: ChampionRef) -> str:
    client = client_of(registry.configured_uri(home))
    source = client.get_model_version_download_uri(ref.name, ref.version)
    if source.startswith("models:/"):
        source = client.get_logged_model(source.removeprefix("models:/")).artifact_location
    return str(source).removeprefix("file://")


def test_nothing_is_left_in_the_environment_and_nothing_on_stdout(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    registered(home, "tidy")
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert capfd.readouterr().out == ""


def test_other_failures_of_the_registry_are_the_outside(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.exceptions import MlflowException

    client = type(client_of(registry.configured_uri(home)))

    def fails(*arguments: object, **options: object) -> object:
        raise MlflowException("a secret detail")

    asked = {
        "get_model_version_by_alias": lambda: registry.champion("acme", home),
        "get_registered_model": lambda: registered(home, "failing"),
    }
    for method, ask in asked.items():
        with monkeypatch.context() as patch:
            patch.setattr(client, method, fails)
            with pytest.raises(OutsideError) as failed:
                ask()
            assert "secret" not in str(failed.value)


def test_a_version_that_points_at_a_logged_model_is_followed(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = registered(home, "followed", "d3")
    client = client_of(registry.configured_uri(home))
    source = client.get_model_version("followed", ref.version).source
    assert source.startswith("models:/m-")
    monkeypatch.setattr(type(client), "get_model_version_download_uri", lambda self, name, version: source)
    assert (registry.download(ref, tmp_path, home) / "model.json").exists()


def test_trials_are_children_and_data_sets_are_named_by_digest(home: Path) -> None:
    trials = tuple(TrialRecord(f"trial {i}", {"num_leaves": 4 + i}, {"log_loss": 0.5 - i / 100}) for i in range(3))
    datasets = (DatasetRecord("leads", "leads.csv", "ab" * 32), DatasetRecord("rows", "learnt from", "cd" * 32))
    ref = registered(home, "parent", "d1", TrainingRecord(trials=trials, datasets=datasets, description="**publish**"))
    client = client_of(registry.configured_uri(home))
    run = client.get_run(ref.run_id)
    runs = client.search_runs([run.info.experiment_id])
    children = [one for one in runs if one.data.tags.get("mlflow.parentRunId") == ref.run_id]
    assert {one.info.run_name: one.data.params["num_leaves"] for one in children} == {
        "trial 0": "4",
        "trial 1": "5",
        "trial 2": "6",
    }
    assert {one.info.status for one in runs} == {"FINISHED"}
    inputs = {one.dataset.name: one.dataset for one in run.inputs.dataset_inputs}
    assert set(inputs) == {"leads: leads.csv", "rows: learnt from"}
    assert inputs["leads: leads.csv"].digest == "ab" * 18
    assert json.loads(inputs["leads: leads.csv"].source)["sha256"] == "ab" * 32
    assert client.get_model_version("parent", ref.version).description == "**publish**"
    assert set(registry.trainings("parent", home)) == {ref.run_id}
    assert registry.trainings("nobody", home) == registry.trainings("nobody", home / "nowhere") == {}


def test_more_parameters_than_one_request_takes(home: Path) -> None:
    record = TrainingRecord(params={f"p{i}": i for i in range(250)}, metrics={f"m{i}": i / 7 for i in range(30)})
    run = client_of(registry.configured_uri(home)).get_run(registered(home, "many", "d1", record).run_id)
    assert len(run.data.params) == 250
    assert run.data.metrics["m29"] == 29 / 7


def test_versions_are_told_oldest_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered_module, "PAGE", 1)
    registered(home, "told", "d1")
    ref = registered(home, "told", "d2")
    first, second = registry.versions("told", home)
    assert (first.version, first.digest, first.aliases) == ("1", "d1", ())
    assert (second.version, second.aliases, second.ref) == ("2", ("challenger",), ref)
    assert second.created_ms >= first.created_ms > 0
    assert registry.version("told", "2", home) == ref
    assert registry.version("told", "3", home) is None
    assert len(registry.trainings("told", home)) == 2
    assert registry.versions("nobody", home) == registry.versions("nobody", home / "nowhere") == []


def test_a_text_of_a_training_is_read_back(home: Path) -> None:
    ref = registered(home, "texts", "d1", TrainingRecord(texts={"report.html": "<p>gü</p>", "more/notes.txt": "n"}))
    assert registry.text(ref, "report.html", home) == "<p>gü</p>"
    assert registry.text(ref, "absent.html", home) is None


def test_an_artifact_location_that_is_gone(home: Path, tmp_path: Path) -> None:
    ref = registered(home, "gone")
    artifacts = home / "mlflow-artifacts"
    artifacts.rename(home / "elsewhere")
    with pytest.raises(OutsideError, match="the model registry failed") as failed:
        registry.download(ref, tmp_path / "here", home)
    assert failed.value.exit_code == 3
    (home / "elsewhere").rename(artifacts)
    assert registry.download(ref, tmp_path / "again", home).is_dir()


class _ClientError(Exception):
    """As boto3 raises it: no OSError, and no error of MLflow's."""


_ClientError.__module__ = "botocore.exceptions"


@pytest.mark.parametrize("kind", [_ClientError, Exception, ValueError, RuntimeError, ImportError, KeyError])
def test_the_object_store_fails_in_its_own_way(
    kind: type[Exception], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = registry.version("gone", "1", home) or registered(home, "gone")
    theirs: dict[str, Any] = {"__name__": "store_of_somebody", "kind": kind}
    exec("def download_artifacts(**_): raise kind('secret')", theirs)
    monkeypatch.setattr("mlflow.artifacts.download_artifacts", theirs["download_artifacts"])
    with pytest.raises(OutsideError, match=kind.__name__) as failed:
        registry.download(ref, tmp_path, home)
    assert "secret" not in str(failed.value)
