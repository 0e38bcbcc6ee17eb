"""deploy/ as it stands: every line of its Dockerfile and compose.yaml that means something to a process is run by processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from features.storing.engine import parse_url
from tests.journeys.composed import DEPLOY, SECRETS, Machine, variables
from tests.journeys.scratch_postgres import Postgres, scratch_postgres
from tests.journeys.server import free_port
from tests.training.small_world import SmallWorld

pytestmark = pytest.mark.slow

BANNED = ("sklearn", "lightgbm", "jinja2", "multipart", "python_multipart", "pyspark", "matplotlib", "optuna", "nbclient")
AS_OF = "2025-08-31T00:00:00Z"
OTHERS = [f"lead-{number:05d}" for number in range(2, 42)]
PATIENCE = 180.0


@contextmanager
def process(command: list[str], environment: dict[str, str], folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        started = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True)
        try:
            yield started
        finally:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def wait(asked: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not asked():
        assert server.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.3)


def status(address: str, **options: Any) -> int:
    try:
        return httpx.get(address, timeout=10, **options).status_code
    except httpx.TransportError:
        return 0


def run(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr[-3000:]}"
    return done.stdout


def initialise(postgres: Postgres) -> None:
    """Run what the postgres image runs when its folder is new."""
    there = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGPASSWORD": postgres.password}
    told = {"POSTGRES_USER": "trialwise", "POSTGRES_DB": "trialwise", "MLFLOW_DB_PASSWORD": SECRETS["MLFLOW_DB_PASSWORD"]}
    run(["sh", str(DEPLOY / "postgres_init.sh")], os.environ | there | told, DEPLOY)


def may_connect(postgres: Postgres, database: str) -> bool:
    """Tell whether MLflow's user may look into a database."""
    address = Postgres(postgres.folder, postgres.port, SECRETS["MLFLOW_DB_PASSWORD"]).address(database, "mlflow")
    engine = create_engine(parse_url(address))
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT 1")).scalar() == 1
    except Exception:
        return False
    finally:
        engine.dispose()


def machine_of(folder: Path, postgres: Postgres) -> Machine:
    mlflow, server = str(free_port()), str(free_port())
    places = {
        "/opt/trialwise": str(folder / "opt"), "/src": str(folder / "src"), "/var/cache/trialwise": str(folder / "cache"),
        "/var/lib/trialwise": str(folder / "home"), "/var/lib/mlflow": str(folder / "artifacts"),
        "/etc/trialwise": str(folder / "workspace"), "postgres:5432": f"127.0.0.1:{postgres.port}",
        "mlflow:5000": f"127.0.0.1:{mlflow}", "0.0.0.0": "127.0.0.1", "5000": mlflow, "8080": server,
    }  # fmt: skip
    return Machine(folder, places)


def test_what_compose_starts_trains_promotes_collects_scores_and_drains(tmp_path: Path) -> None:
    with scratch_postgres(SECRETS["POSTGRES_PASSWORD"]) as postgres:
        initialise(postgres)
        assert (may_connect(postgres, "mlflow"), may_connect(postgres, "trialwise")) == (True, False)
        here = machine_of(tmp_path, postgres)
        (tmp_path / "home").mkdir()
        SmallWorld().write(tmp_path / "workspace").rename(tmp_path / "workspace/workspace.yaml")
        command, environment = here.of_service("mlflow", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        log = tmp_path / "mlflow.log"
        with process(command, environment, tmp_path, log) as mlflow:
            built = here.build()  # MLflow takes its time, and so does this
            wait(lambda: status(here.here("http://mlflow:5000/health")) == 200, mlflow, log)
            assert (
                status(here.here("http://mlflow:5000/api/2.0/mlflow/experiments/search"), headers={"Host": "evil.example"}) == 403
            )
            is_slim(built, tmp_path)
            _, told = here.of_service("tools", environment["PATH"])
            train = [
                sys.executable,
                "-m",
                "trialwise",
                "train",
                "-w",
                here.here("/etc/trialwise/workspace.yaml"),
                "--trials",
                "2",
            ]
            trained = json.loads(run([*train, "--json"], told | {"PYTHONPATH": str(DEPLOY.parent)}, tmp_path))
            assert (trained["version"], trained["promoted"]) == ("1", True)
            serves(here, built["PATH"], tmp_path)


def is_slim(built: dict[str, str], folder: Path) -> None:
    """Nothing of training, and no parser of forms, can be imported where the server runs (check 39)."""
    code = f"""
import importlib.metadata, importlib.util, json
names = sorted(one.name.lower() for one in importlib.metadata.distributions())
print(json.dumps([[one for one in {BANNED!r} if importlib.util.find_spec(one)], "mlflow" in names, "mlflow-skinny" in names]))
"""
    assert json.loads(run(["python", "-c", code], built, folder)) == [[], False, True]


def serves(here: Machine, path: str, folder: Path) -> None:
    """Start the server as compose does and go through a day of it."""
    command, environment = here.of_service("server", path)
    environment |= {key: here.here(value).replace("$PATH", path) for key, value in variables("serve").items()}
    program = str(folder / "opt/bin/trialwise")
    load = run([program, "load", "-w", here.here("/etc/trialwise/workspace.yaml"), "--json"], environment, folder)
    assert json.loads(load)["events"] > 1000
    keys = [
        json.loads(run([program, "keys", "create", "--scope", "ingest", "--scope", "score", "--json"], environment, folder))
        for _ in "ab"
    ]
    compiled = sorted(one.name for one in (folder / "cache").rglob("*.nb*"))
    log, address = folder / "server.log", here.here("http://127.0.0.1:8080")
    with process([program, *command], environment, folder, log) as server:
        wait(lambda: status(f"{address}/readyz") == 200, server, log)
        everywhere(address, keys[0]["key"])
        run([program, "keys", "revoke", keys[1]["id"]], environment, folder)
        revoked_everywhere(address, keys[1]["key"])
        # Every answer above came out of what the image was built with.
        assert sorted(one.name for one in (folder / "cache").rglob("*.nb*")) == compiled
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=60) == 0, log.read_text()[-3000:]


def everywhere(address: str, key: str) -> None:
    """Whichever worker is asked takes every event once and gives the same score."""
    headers, accepted, told = {"Authorization": f"Bearer {key}"}, 0, set()
    for number in range(60):
        with httpx.Client(base_url=address, headers=headers, timeout=30) as fresh:  # another connection, perhaps another worker
            calls = [
                {
                    "type": "track",
                    "userId": "lead-00001",
                    "event": "login",
                    "messageId": f"{(number + k) // 2}",
                    "timestamp": AS_OF,
                }
                for k in range(3)
            ]
            accepted += fresh.post("/v1/batch", json={"batch": calls}).json()["accepted"]
            asked = {"lead_ids": OTHERS, "as_of": AS_OF, "reasons": 3}
            answer = fresh.post("/v1/leads/scores", json=asked)
            assert answer.status_code == 200, answer.text
            told.add(json.dumps([timeless(one) for one in answer.json()["scores"]]))
    assert accepted == 31  # ids 0 to 30, each counted once
    same, *others = told
    assert others == [], differences(same, others[0])
    assert sum(one["probability"] is not None for one in json.loads(same)) > 3


def timeless(score: dict[str, Any]) -> dict[str, Any]:
    """Leave out whether the registry answered just then, which each worker finds out for itself."""
    return score | {"warnings": [one for one in score["warnings"] if one["code"] != "model_stale"]}


def differences(one: str, other: str) -> list[str]:
    """Return where two lists of scores differ."""
    pairs = zip(json.loads(one), json.loads(other), strict=True)
    return [f"{a['lead_id']} {key}: {a[key]} and {b[key]}" for a, b in pairs for key in a if a[key] != b[key]][:10]


def revoked_everywhere(address: str, key: str) -> None:
    """A revoked key is refused by every worker within 5 seconds."""
    time.sleep(5)
    found = {status(f"{address}/v1/model", headers={"Authorization": f"Bearer {key}"}) for _ in range(15)}
    assert found == {401}
