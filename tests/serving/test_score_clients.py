"""The protocols spoken by those who made them: MLflow's own client, Triton's client, Arrow's and pandas' writers."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import uvicorn

from features.workspace import Workspace
from models.pyfunc import PyfuncScorer
from serving.app import create_app
from serving.connections import PatientProtocol
from serving.settings import Settings
from tests.journeys.server import free_port
from tests.serving.conftest import FakeRegistry, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # their warnings are their own

FRAME = pd.DataFrame({"country": ["DE", None, "TR"], "trial_age_d": [1.0, 3.0, 7.0], "any_count_all": [3.0, np.nan, 12.0]})


@pytest.fixture(scope="module")
def port(workspace: Workspace, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server on a port, as ``trialwise serve --open`` runs it."""
    home, registry, found = tmp_path_factory.mktemp("clients"), FakeRegistry(models), free_port()
    registry.version = "1"
    settings = Settings(home, f"sqlite:///{home / 'store.db'}", key_secret="x", open_to_all=True)
    app = create_app(workspace, settings, source=registry)
    server = uvicorn.Server(uvicorn.Config(app, port=found, http=PatientProtocol, ws="none", log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started and httpx.get(f"http://127.0.0.1:{found}/readyz").status_code == httpx.codes.OK)
    yield found
    server.should_exit = True
    thread.join(timeout=30)


@pytest.fixture(scope="module")
def expected(models: dict[str, Path]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = PyfuncScorer.of(models["1"]).predict(FRAME).to_dict("records")
    return found


def brief(predictions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: one[name] for name in ("probability", "grade")} for one in predictions]


def test_mlflows_own_client(port: int, expected: list[dict[str, Any]]) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    client = ScoringServerClient("127.0.0.1", port)
    client.wait_server_ready()
    assert client.get_version()
    assert brief(client.invoke(FRAME)["predictions"]) == expected
    answer = client.invoke(FRAME, params={"reasons": 2})
    assert brief(answer["predictions"]) == expected
    assert all(len(one["reasons"]) <= 2 for one in answer["predictions"])
    assert len(answer.get_predictions()) == 3
    with pytest.raises(Exception, match="422"):
        client.invoke(np.zeros((2, 3)))


def test_the_body_that_mlflow_writes_for_an_example(port: int, expected: list[dict[str, Any]]) -> None:
    from mlflow.models import convert_input_example_to_serving_input

    body = convert_input_example_to_serving_input(FRAME)
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"http://127.0.0.1:{port}/invocations", content=body, headers=headers, timeout=60)
    assert brief(answer.json()["predictions"]) == expected


@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client(port: int, expected: list[dict[str, Any]], binary: bool) -> None:
    http = pytest.importorskip("tritonclient.http")
    client = http.InferenceServerClient(f"127.0.0.1:{port}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("acme")
    assert client.get_server_metadata()["name"] == "trialwise"
    assert client.get_model_metadata("acme", "1")["versions"] == ["1"]
    columns = {
        "country": ("BYTES", np.array([b"DE", b"", b"TR"], dtype=object)),
        "trial_age_d": ("FP64", FRAME["trial_age_d"].to_numpy()),
        "any_count_all": ("FP64", FRAME["any_count_all"].to_numpy()),
    }
    inputs = []
    for name, (kind, values) in columns.items():
        one = http.InferInput(name, [3], kind)
        one.set_data_from_numpy(values, binary_data=binary)
        inputs.append(one)
    outputs = [http.InferRequestedOutput(name, binary_data=binary) for name in ("probability", "grade")]
    answer = client.infer("acme", inputs, request_id="r 1", outputs=outputs)
    assert answer.get_response()["id"] == "r 1"
    if binary:
        assert answer.as_numpy("probability").tolist() == [one["probability"] for one in expected]
        assert [word.decode() for word in answer.as_numpy("grade")] == [one["grade"] for one in expected]
        assert len(client.infer("acme", inputs).as_numpy("percentile")) == 3
    else:
        assert answer.as_numpy("probability").tolist() == [one["probability"] for one in expected]
    with pytest.raises(http.InferenceServerException, match="No model of this name"):
        client.infer("other", inputs)
    client.close()


def test_pandas_and_arrow_write_what_the_bulk_doors_read(port: int, expected: list[dict[str, Any]]) -> None:
    address = f"http://127.0.0.1:{port}"
    for content, kind in ((FRAME.to_csv(), "text/csv"), (FRAME.to_parquet(), "application/vnd.apache.parquet")):
        answer = httpx.post(f"{address}/invocations", content=content, headers={"Content-Type": kind}, timeout=60)
        assert brief(answer.json()["predictions"]) == expected
    table = pa.Table.from_pandas(FRAME.assign(lead_id=["a", "b", "c"]), preserve_index=False)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    headers = {"Content-Type": "application/vnd.apache.arrow.stream"}
    answer = httpx.post(f"{address}/v1/score", content=sink.getvalue(), headers=headers, timeout=60)
    assert brief(pa.ipc.open_stream(answer.content).read_all().to_pylist()) == expected
