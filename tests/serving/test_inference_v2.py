"""The Open Inference Protocol: its own words, its own errors, and the numbers of every other door."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from features.workspace import Workspace
from serving.feature_table import MOST_ROWS
from serving.guards import SCORE_LIMIT
from tests.serving.client import TestClient
from tests.serving.one_server import served

INFER = "/v2/models/acme/infer"
COUNTRY = {"name": "country", "shape": [3], "datatype": "BYTES", "data": ["DE", None, "Atlantis"]}
AGE = {"name": "trial_age_d", "shape": [3, 1], "datatype": "FP64", "data": [1.0, 3.0, None]}
EVENTS = {"name": "any_count_all", "shape": [3, 1], "datatype": "INT32", "data": [[3], [0], [12]]}
INPUTS = [COUNTRY, AGE, EVENTS]
ROWS = [
    {"country": "DE", "trial_age_d": 1.0, "any_count_all": 3},
    {"trial_age_d": 3.0, "any_count_all": 0},
    {"country": "Atlantis", "any_count_all": 12},
]


@pytest.fixture(scope="module")
def client(workspace: Workspace, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with served(workspace, models, tmp_path_factory.mktemp("v2")) as client:
        yield client


def outputs(answer: Any) -> dict[str, list[Any]]:
    assert answer.status_code == 200, answer.text
    return {one["name"]: one["data"] for one in answer.json()["outputs"]}


def test_metadata_and_health(client: TestClient) -> None:
    assert client.get("/v2").json()["name"] == "trialwise"
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True, "live": True}
    for path in ("/v2/models/acme", "/v2/models/acme/versions/1"):
        found = client.get(path).json()
        assert (found["name"], found["versions"], found["platform"]) == ("acme", ["1"], "trialwise")
        kinds = {one["name"]: one["datatype"] for one in found["inputs"]}
        assert (kinds["country"], kinds["any_count_all"]) == ("BYTES", "FP64")
        assert client.get(f"{path}/ready").json() == {"name": "acme", "ready": True}
    for path in ("/v2/models/other", "/v2/models/acme/versions/2", "/v2/models/other/ready"):
        answer = client.get(path)
        assert (answer.status_code, set(answer.json())) == (404, {"error"})


def test_tensors_give_the_numbers_of_mlflows_door(client: TestClient) -> None:
    rows = client.post("/invocations", json={"dataframe_records": ROWS}).json()["predictions"]
    answer = client.post(INFER, json={"id": "ä 7", "inputs": INPUTS})
    found = outputs(answer)
    assert list(found) == ["probability", "grade", "percentile", "stage"]
    for name, values in found.items():
        assert values == [row[name] for row in rows]
    told = answer.json()
    assert (told["model_name"], told["model_version"], told["id"]) == ("acme", "1", "ä 7")
    assert [one["shape"] for one in told["outputs"]] == [[3]] * 4
    assert [one["datatype"] for one in told["outputs"]] == ["FP64", "BYTES", "FP64", "BYTES"]
    assert "id" not in client.post("/v2/models/acme/versions/1/infer", json={"inputs": INPUTS[::-1]}).json()


def test_outputs_are_those_that_are_asked_for(client: TestClient) -> None:
    asked = [{"name": "reasons"}, {"name": "probability"}, {"name": "base"}, {"name": "rest"}]
    body = {"inputs": INPUTS, "outputs": asked, "parameters": {"reasons": 2, "lang": "tr"}}
    found = outputs(client.post(INFER, json=body))
    assert list(found) == [one["name"] for one in asked]
    for row in range(3):
        points = [reason["points"] for reason in json.loads(found["reasons"][row])]
        told = found["base"][row] + sum(points) + json.loads(found["rest"][row])["points"]
        assert told == pytest.approx(found["probability"][row], abs=1e-9)
    unknown = client.post(INFER, json={"inputs": [*INPUTS, EVENTS | {"name": "nonsense"}]}).json()
    assert unknown["parameters"]["unknown_features"] == 1


def binary(inputs: list[dict[str, Any]], data: bytes, **more: Any) -> dict[str, Any]:
    head = json.dumps({"inputs": inputs, **more}).encode()
    return {"content": head + data, "headers": {"Inference-Header-Content-Length": str(len(head))}}


def test_binary_tensors_are_the_same_tensors(client: TestClient) -> None:
    texts = b"".join(struct.pack("<I", len(word)) + word for word in (b"DE", b"", b"Atlantis"))
    counts = np.array([3, 0, 12], dtype="<i4").tobytes()
    ages = np.array([1.0, 3.0, np.nan], dtype="<f8").tobytes()
    heads = [
        {"name": "country", "shape": [3], "datatype": "BYTES", "parameters": {"binary_data_size": len(texts)}},
        {"name": "any_count_all", "shape": [3], "datatype": "INT32", "parameters": {"binary_data_size": len(counts)}},
        {"name": "trial_age_d", "shape": [3], "datatype": "FP64", "parameters": {"binary_data_size": len(ages)}},
    ]
    plain = outputs(client.post(INFER, json={"inputs": INPUTS}))
    assert outputs(client.post(INFER, **binary(heads, texts + counts + ages))) == plain
    answer = client.post(INFER, **binary(heads, texts + counts + ages, parameters={"binary_data_output": True}))
    length = int(answer.headers["inference-header-content-length"])
    first = json.loads(answer.content[:length])["outputs"][0]
    size = first["parameters"]["binary_data_size"]
    assert np.frombuffer(answer.content[length : length + size]).tolist() == plain["probability"]
    for data in (b"", texts + counts, texts + counts + ages + b"x", b"\xff" * (len(texts) + 36)):
        assert client.post(INFER, **binary(heads, data)).status_code == 422


def test_a_named_lead_stands_in_the_ledger(client: TestClient) -> None:
    client.post(
        INFER, json={"inputs": [{"name": "lead_id", "shape": [3], "datatype": "BYTES", "data": ["a", "b", "c"]}, *INPUTS]}
    )
    services = client.app.state.services
    services.ledger.flush()
    with services.store.reading() as connection:
        lines = connection.execute(text("SELECT door, lead_id, inputs FROM ledger ORDER BY seq DESC LIMIT 3")).all()
    assert [(one.door, one.lead_id) for one in lines] == [("v2", "c"), ("v2", "b"), ("v2", "a")]
    assert json.loads(lines[2].inputs)["features"] == {"country": "DE", "trial_age_d": 1.0, "any_count_all": 3.0}


BAD: list[Any] = [
    [],
    {},
    {"inputs": []},
    {"inputs": [7]},
    {"inputs": INPUTS, "more": 1},
    {"inputs": INPUTS, "id": 7},
    {"inputs": INPUTS, "parameters": []},
    {"inputs": INPUTS, "parameters": {"reasons": "many"}},
    {"inputs": INPUTS, "outputs": 7},
    {"inputs": INPUTS, "outputs": [{"name": "logits"}]},
    {"inputs": INPUTS, "outputs": [{"name": "grade"}, {"name": "grade"}]},
    {"inputs": [*INPUTS, COUNTRY]},
    {"inputs": [COUNTRY, EVENTS | {"shape": [2], "data": [1, 2]}]},
    {"inputs": [{key: value for key, value in COUNTRY.items() if key != "name"}]},
    {"inputs": [COUNTRY | {"datatype": "STRING"}]},
    {"inputs": [COUNTRY | {"shape": [-3]}]},
    {"inputs": [COUNTRY | {"shape": 3}]},
    {"inputs": [COUNTRY | {"shape": [1, 3]}]},
    {"inputs": [COUNTRY | {"shape": [3, 1, 1]}]},
    {"inputs": [COUNTRY | {"shape": [2]}]},
    {"inputs": [COUNTRY | {"shape": [True]}]},
    {"inputs": [COUNTRY | {"data": [1, 2, 3]}]},
    {"inputs": [EVENTS | {"data": ["s3cret-canary", "1", "2"]}]},
    {
        "inputs": [
            EVENTS | {"name": "country"},
            AGE | {"name": "any_count_all", "datatype": "BYTES", "data": ["s3cret-canary"] * 3},
        ]
    },
    {"inputs": [EVENTS | {"parameters": {"binary_data_size": 12}}]},
    {"inputs": [{"name": "a", "shape": [0], "datatype": "INT8", "parameters": {"binary_data_size": -1}}]},
]


@pytest.mark.parametrize("body", BAD, ids=lambda body: json.dumps(body)[:50])
def test_errors_have_the_protocols_shape(client: TestClient, body: Any) -> None:
    answer = client.post(INFER, json=body)
    assert (answer.status_code, set(answer.json())) == (422, {"error"}), answer.text
    assert b"s3cret" not in answer.content


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (400, {"content": b"{"}),
        (415, {"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
        (415, {"content": b"{}", "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"}}),
        (413, {"content": b" " * (SCORE_LIMIT + 1)}),
        (413, {"json": {"inputs": [{"name": "a", "shape": [MOST_ROWS + 1], "datatype": "INT8", "data": []}]}}),
        (422, {"content": b"{}", "headers": {"Inference-Header-Content-Length": "3"}}),
        (422, {"content": b"{}", "headers": {"Inference-Header-Content-Length": "x"}}),
    ],
)
def test_other_bodies_are_errors_too(client: TestClient, status: int, sent: dict[str, Any]) -> None:
    answer = client.post(INFER, **sent)
    assert (answer.status_code, set(answer.json())) == (status, {"error"}), answer.text


def test_parameters_of_other_servers_are_nothing_to_this_one(client: TestClient) -> None:
    plain = client.post(INFER, json={"inputs": INPUTS}).json()
    for more in ({"content_type": "pd"}, {"timeout": 1000, "priority": 1}):
        assert client.post(INFER, json={"inputs": INPUTS, "parameters": more}).json() == plain


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", INFER, 405),
        ("DELETE", "/v2/models/acme", 405),
        ("GET", "/v2/nothing", 404),
        ("GET", "/v2/", 404),
        ("GET", f"/v2/models/{'a' * 5000}", 414),
    ],
)
def test_what_no_door_answers_is_told_in_the_protocols_shape_too(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, set(answer.json())) == (status, {"error"}), answer.text
    assert answer.headers["content-type"] == "application/json"


def test_without_a_model_nothing_is_ready(workspace: Workspace, tmp_path: Path) -> None:
    with served(workspace, {}, tmp_path) as client:
        assert client.get("/v2/health/live").status_code == 200
        ready = client.get("/v2/health/ready")
        assert (ready.status_code, ready.headers["retry-after"]) == (503, "5")
        answer = client.post(INFER, json={"inputs": INPUTS})
        assert (answer.status_code, set(answer.json())) == (503, {"error"})
        assert int(answer.headers["retry-after"]) > 0
