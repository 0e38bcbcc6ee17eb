"""The registry: aliases, digests, one point of commit, and silence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest
import yaml

from features.errors import OutsideError
from models import registry
from models.registry import ChampionRef, TrainingRecord

INPUTS = {"uses": "double", "country": "string"}
EXAMPLE = pd.DataFrame({"uses": [0.0, None], "country": ["tr", None]})


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests: making its tables takes seconds."""
    return tmp_path_factory.mktemp("registry")


def registered(home: Path, name: str, digest: str = "d1", record: TrainingRecord | None = None) -> ChampionRef:
    folder = home / "folders" / f"{name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(f'{{"digest": "{digest}"}}\n')
    return registry.register(
        name, folder, digest=digest, inputs=INPUTS, example=EXAMPLE, record=record or TrainingRecord(), home=home
    )


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
    client = registry._client(registry.configured_uri(home))
    aliases = client.get_registered_model("acme").aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": "2", "previous": "1"}
    assert client.get_model_version("acme", "2").tags["trialwise.promoted_because"] == "better"
    # Promoting the champion again forgets nothing.
    registry.promote(second, reason="again", home=home)
    assert str(client.get_registered_model("acme").aliases["previous"]) == "1"


def test_killed_before_the_commit_the_old_champion_serves(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = registered(home, "killed", "d1"), registered(home, "killed", "d2")
    registry.promote(first, reason="the first", home=home)
    client = registry._client(registry.configured_uri(home))
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
    client = registry._client(registry.configured_uri(home))
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
        {"name": "uses", "type": "double", "required": False},
        {"name": "country", "type": "string", "required": False},
    ]
    assert [column["name"] for column in json.loads(info["signature"]["outputs"])] == ["probability", "grade"]
    assert not [path for path in Path(_location(home, ref)).rglob("*") if path.suffix == ".pkl"]


def _location(home: Path, ref: ChampionRef) -> str:
    client = registry._client(registry.configured_uri(home))
    source = client.get_model_version_download_uri(ref.name, ref.version)
    if source.startswith("models:/"):
        source = client.get_logged_model(source.removeprefix("models:/")).artifact_location
    return str(source).removeprefix("file://")


def test_nothing_is_left_in_the_environment_and_nothing_on_stdout(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    registered(home, "tidy")
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert capfd.readouterr().out == ""


def test_a_tracking_uri_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/elsewhere/other.db")
    assert registry.configured_uri(tmp_path) == f"sqlite:///{tmp_path}/elsewhere/other.db"
    assert registry.champion("acme", tmp_path) is None
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert registry.configured_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "home"))
    assert registry.configured_uri() == f"sqlite:///{tmp_path}/home/mlflow.db"


def test_a_broken_store_is_the_outside_and_tells_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "mlflow.db"
    broken.write_bytes(b"this is no database, however long one looks at it" * 100)
    with pytest.raises(OutsideError, match="model registry failed") as failed:
        registry.champion("acme", tmp_path)
    assert failed.value.exit_code == 3
    assert registry._without_secrets("postgresql://me:secret@db/mlflow") == "postgresql://db/mlflow"


def test_a_server_that_is_down_is_not_asked_for_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    registry._quiet()
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "4"
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    registry._quiet()
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"


def test_other_failures_of_the_registry_are_the_outside(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.exceptions import MlflowException

    client = type(registry._client(registry.configured_uri(home)))

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
    client = registry._client(registry.configured_uri(home))
    source = client.get_model_version("followed", ref.version).source
    assert source.startswith("models:/m-")
    monkeypatch.setattr(type(client), "get_model_version_download_uri", lambda self, name, version: source)
    assert (registry.download(ref, tmp_path, home) / "model.json").exists()


def test_a_tracking_server_keeps_its_own_artifact_place() -> None:
    class Server:
        def get_experiment_by_name(self, name: str) -> None:
            return None

        def create_experiment(self, name: str, artifact_location: str | None) -> str:
            return f"{name} at {artifact_location}"

    assert registry._experiment(Server(), "acme", "http://mlflow:5000", None) == "acme at None"
    assert registry._client("http://127.0.0.1:9").tracking_uri == "http://127.0.0.1:9"
