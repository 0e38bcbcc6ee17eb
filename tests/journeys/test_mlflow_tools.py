"""The registered model is a real MLflow model: MLflow's own tools load it and serve it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.journeys.conftest import ROOT, Trained
from tests.journeys.server import free_port

READY_SECONDS = 120.0
MODEL = "models:/simulated@champion"


def tracking(trained: Trained) -> dict[str, str]:
    return os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{trained.home / 'mlflow.db'}", "TRIALWISE_HOME": str(trained.home)}


@pytest.mark.slow
def test_pyfunc_answers_probabilities_in_row_order(trained: Trained) -> None:
    code = f"""
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model("{MODEL}")
columns = {{"any_active_days_all": [9, 1, None], "purchase_intent_count_all": [5.0, 0.0, 0.0]}}
columns |= {{"country": ["nowhere", None, "tr"]}}
rows = pd.DataFrame(columns)
both = model.predict(rows)
turned = model.predict(rows[::-1][rows.columns[::-1]])
print(list(both.columns))
print(both["probability"].tolist() == turned["probability"].tolist()[::-1], both["probability"].between(0, 1).all())
whole = pd.DataFrame({{"any_active_days_all": [9, 1], "purchase_intent_count_all": [5, 0], "country": [49, 90]}})
print([str(kind) for kind in whole.dtypes], model.predict(whole).equals(model.predict(whole.astype(object))))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=tracking(trained), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == ["['probability', 'grade']", "True True", "['int64', 'int64', 'int64'] True"]


@pytest.mark.slow
def test_mlflow_models_serve(trained: Trained, tmp_path: Path) -> None:
    port = free_port()
    command = ["models", "serve", "-m", MODEL, "-p", str(port), "-h", "127.0.0.1", "--env-manager", "local"]
    log = tmp_path / "serve.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command],
            env=tracking(trained) | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            cwd=ROOT, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + READY_SECONDS
            while True:
                assert time.monotonic() < deadline, log.read_text()[-3000:]
                assert process.poll() is None, log.read_text()[-3000:]
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/ping").status_code == httpx.codes.OK:
                        break
                except httpx.TransportError:
                    pass
                time.sleep(0.3)
            for data in ([[3, "de"], [None, None]], [[3, "de"], [7, "tr"]], [[3.5, 49], [7, 90]]):
                frame = {"columns": ["any_active_days_all", "country"], "data": data}
                answer = httpx.post(f"http://127.0.0.1:{port}/invocations", json={"dataframe_split": frame}, timeout=60)
                assert answer.status_code == httpx.codes.OK, answer.text
                predictions = answer.json()["predictions"]
                assert [set(row) for row in predictions] == [{"probability", "grade"}] * 2
                assert all(0 < row["probability"] < 1 for row in predictions)
        finally:
            os.killpg(process.pid, 15)
            process.wait(timeout=30)
