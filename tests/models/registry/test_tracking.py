"""Where MLflow's store is, and what its failures are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from features.errors import OutsideError
from models import registry
from models.registry import tracking


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_a_tracking_uri_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/elsewhere/other.db")
    assert registry.configured_uri(tmp_path) == f"sqlite:///{tmp_path}/elsewhere/other.db"
    assert registry.champion("acme", tmp_path) is None
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert registry.configured_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "home"))
    assert registry.configured_uri() == f"sqlite:///{tmp_path}/home/mlflow.db"


def test_a_broken_store_is_the_outside_and_tells_no_secret(tmp_path: Path) -> None:
    broken = tmp_path / "mlflow.db"
    broken.write_bytes(b"this is no database, however long one looks at it" * 100)
    with pytest.raises(OutsideError, match="model registry failed") as failed:
        registry.champion("acme", tmp_path)
    assert failed.value.exit_code == 3
    assert tracking._without_secrets("postgresql://me:secret@db/mlflow") == "postgresql://db/mlflow"


def test_a_server_that_is_down_is_not_asked_for_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    tracking._quiet()
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "4"
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    tracking._quiet()
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"


def test_a_tracking_server_keeps_its_own_artifact_place() -> None:
    class Server:
        def get_experiment_by_name(self, name: str) -> None:
            return None

        def create_experiment(self, name: str, artifact_location: str | None) -> str:
            return f"{name} at {artifact_location}"

    assert tracking.experiment_of(Server(), "acme", "http://mlflow:5000", None) == "acme at None"
    assert tracking.client_of("http://127.0.0.1:9").tracking_uri == "http://127.0.0.1:9"
