"""Whatever is posted to the protocols of others: scores or a small error, never a failure inside, never an echo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.workspace import Workspace
from tests.serving.client import TestClient
from tests.serving.one_server import served
from tests.serving.test_fuzz import VALUES
from tests.serving.test_hostile import CANARY, JSON, NOT_STRICT

DOORS = {"/invocations": "code", "/v2/models/acme/infer": "error"}
NAMES = st.sampled_from(["any_count_all", "country", "trial_age_d", "lead_id", "nonsense", "columns", "data", "index"])
NUMBERS = st.integers(-1, 3)
TENSORS = st.fixed_dictionaries(
    {
        "name": NAMES | VALUES,
        "shape": st.lists(NUMBERS, max_size=3) | VALUES,
        "datatype": st.sampled_from(["FP64", "BYTES", "BOOL"]),
    },
    optional={"data": st.lists(VALUES, max_size=3), "parameters": st.dictionaries(st.just("binary_data_size"), NUMBERS) | VALUES},
)
BODIES = st.one_of(
    VALUES,
    st.dictionaries(st.sampled_from(["dataframe_records", "instances", "inputs", "params"]), VALUES, max_size=2),
    st.builds(lambda rows: {"dataframe_records": rows}, st.lists(st.dictionaries(NAMES, VALUES, max_size=4), max_size=3)),
    st.builds(lambda table: {"dataframe_split": table}, st.dictionaries(NAMES, st.lists(VALUES, max_size=3), max_size=3)),
    st.builds(lambda table: {"inputs": table}, st.dictionaries(NAMES, st.lists(VALUES, max_size=2), max_size=3)),
    st.builds(lambda inputs: {"inputs": inputs}, st.lists(TENSORS, max_size=3)),
)


@pytest.fixture(scope="module")
def server(workspace: Workspace, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with served(workspace, models, tmp_path_factory.mktemp("protocols")) as client:
        yield client


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(door=st.sampled_from(sorted(DOORS)), body=BODIES)
def test_no_body_makes_the_server_fail(server: TestClient, door: str, body: Any) -> None:
    answer = server.post(door, content=json.dumps(body), headers=JSON)
    assert answer.status_code in (200, 413, 422), answer.text
    if answer.status_code == 200:
        found = answer.json().get("predictions") or []
        assert all(0 < one["probability"] < 1 for one in found)
    else:
        assert DOORS[door] in answer.json()
        assert len(answer.content) < 2048


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=60), kind=st.sampled_from(["text/csv", "application/vnd.apache.parquet", "application/octet-stream"])
)
def test_no_bytes_make_the_server_fail(server: TestClient, data: bytes, kind: str) -> None:
    for door in DOORS:
        headers = {"Content-Type": kind, "Inference-Header-Content-Length": str(len(data) // 2)}
        assert server.post(door, content=data, headers=headers).status_code in (200, 400, 413, 415, 422)


@pytest.mark.parametrize("name", [name for name in NOT_STRICT if name != "NaN"])
def test_json_that_is_not_strict_is_refused(server: TestClient, name: str) -> None:
    for door, member in DOORS.items():
        answer = server.post(door, content=NOT_STRICT[name].replace(b"X", CANARY), headers=JSON)
        assert (answer.status_code, member in answer.json()) == (400, True), door
        assert CANARY not in answer.content
