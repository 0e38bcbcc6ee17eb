"""A real MLflow server over HTTP, on PostgreSQL, with artifacts that go through it: train, promote, roll back, load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models import registry
from models.champion import need_champion
from models.registry.tracking import client_of
from models.versions import run_models, run_promote, run_rollback
from tests.journeys.conftest import ROOT
from tests.journeys.server import free_port
from tests.store_fixture import scratch_database
from tests.training.small_world import SmallWorld, silent
from training.verbs import run_train

READY_SECONDS = 180.0

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture
def database() -> Iterator[str]:
    with scratch_database() as url:
        yield url


@pytest.fixture
def server(database: str, tmp_path: Path) -> Iterator[str]:
    """``mlflow server``, as a company runs it."""
    port, log = free_port(), tmp_path / "server.log"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", database, "--artifacts-destination", str(tmp_path / "artifacts"),
    ]  # fmt: skip
    with log.open("w") as out:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}
        # Its workers are found by name on the path.
        environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=out, stderr=out, start_new_session=True)
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not _answers(f"http://127.0.0.1:{port}/health"):
                assert time.monotonic() < deadline, log.read_text()[-3000:]
                assert process.poll() is None, log.read_text()[-3000:]
                time.sleep(0.3)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_train_promote_and_roll_back_through_a_server(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "var"))
    workspace = SmallWorld().write(tmp_path / "data")
    first = run_train(workspace, trials=2, say=silent)
    assert (first["version"], first["promoted"]) == ("1", True)
    second = run_train(workspace, trials=2, seed=1, promote="force", say=silent)
    assert need_champion("small").ref.version == second["version"] == "2"
    assert run_rollback(workspace, reason="a look back", say=silent)["version"] == "1"
    assert run_promote(workspace, "2", reason="a look ahead", say=silent)["before"] == "1"
    assert need_champion("small").ref.version == "2"
    newest, oldest = run_models(workspace, say=silent)["models"]
    assert newest["why"].endswith("promoted by hand: a look ahead")
    assert [one["decision"] for one in newest["decisions"]] == ["forced", "promoted by hand"]
    assert [one["decision"] for one in oldest["decisions"]] == ["promoted", "rolled back"]
    assert set(newest["data"]) >= {"leads.csv", "events.csv", "conversions.csv"}

    client = client_of(registry.configured_uri())
    run = client.get_run(first["run_id"])
    assert run.info.artifact_uri.startswith("mlflow-artifacts:")  # nothing but the server's own address is needed
    assert {one.dataset.name.partition(":")[0] for one in run.inputs.dataset_inputs} == {"leads", "events", "conversions", "rows"}
    runs = client.search_runs([run.info.experiment_id])
    assert {one.info.status for one in runs} == {"FINISHED"}
    assert sum(one.data.tags.get("mlflow.parentRunId") == first["run_id"] for one in runs) == 2
    assert not (tmp_path / "var" / "mlflow.db").exists()

    code = """
import mlflow, pandas
print(len(mlflow.pyfunc.load_model("models:/small@champion").predict(pandas.DataFrame({"size": [3, 9]}))))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["2"]
