"""MLflow's scoring protocol: every way to write a table gives the numbers of the pyfunc; what is no table is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from features.workspace import Workspace
from models.pyfunc import PyfuncScorer
from serving import tabular_bodies
from serving.feature_table import MOST_COLUMNS, MOST_ROWS
from serving.guards import SCORE_LIMIT
from tests.serving.client import TestClient
from tests.serving.one_server import served
from tests.serving.test_parquet_pages import lying

CSV, PARQUET = {"Content-Type": "text/csv"}, {"Content-Type": "application/vnd.apache.parquet"}
FRAME = pd.DataFrame(
    {
        "country": ["DE", None, "Atlantis"],
        "trial_age_d": [1.0, 3.0, None],
        "any_count_all": [3, 0, 12],
        "core_use_count_7d": [2.0, np.nan, 5.0],
        "company_size": [None, 40.0, 7.5],
    }
)
ROWS = [{key: None if value != value else value for key, value in row.items()} for row in FRAME.to_dict("records")]


@pytest.fixture(scope="module")
def client(workspace: Workspace, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One server for all of them: nothing here changes it, but the last."""
    with served(workspace, models, tmp_path_factory.mktemp("mlflow")) as client:
        yield client


@pytest.fixture
def expected(models: dict[str, Path]) -> list[dict[str, Any]]:
    """What MLflow's own tools would answer."""
    return PyfuncScorer.of(models["1"]).predict(FRAME).to_dict("records")


def brief(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [{key: one[key] for key in ("probability", "grade")} for one in answer.json()["predictions"]]


def split(frame: pd.DataFrame) -> dict[str, Any]:
    return json.loads(frame.to_json(orient="split"))


def columns(frame: pd.DataFrame, wrap: bool = False) -> dict[str, Any]:
    return {name: [[row[name]] if wrap else row[name] for row in ROWS] for name in frame.columns}


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": split(FRAME)},
        {"dataframe_split": split(FRAME[FRAME.columns[::-1]])},
        {"dataframe_split": {key: value for key, value in split(FRAME).items() if key != "index"}, "params": None},
        {"dataframe_records": ROWS},
        {"dataframe_records": [{key: value for key, value in row.items() if value is not None} for row in ROWS]},
        {"instances": ROWS},
        {"inputs": ROWS},
        {"inputs": columns(FRAME)},
        {"inputs": columns(FRAME, wrap=True)},
    ],
)
def test_every_form_gives_the_numbers_of_the_pyfunc(
    client: TestClient, expected: list[dict[str, Any]], body: dict[str, Any]
) -> None:
    assert brief(client.post("/invocations", json=body)) == expected


def test_a_table_without_rows_has_no_predictions(client: TestClient) -> None:
    for frame in (FRAME.iloc[:0], pd.DataFrame({"any_count_all": pd.Series([], dtype="float64")})):
        assert client.post("/invocations", content=frame.to_parquet(), headers=PARQUET).json() == {"predictions": []}


def test_csv_and_parquet_give_the_same(client: TestClient, expected: list[dict[str, Any]]) -> None:
    for lines in (FRAME.to_csv(), FRAME.to_csv(index=False), "\ufeff" + FRAME.to_csv(index=False)):
        answer = client.post("/invocations", content=lines.encode(), headers=CSV)
        assert brief(answer) == expected
        assert not any(warned["code"] == "unknown_features" for warned in answer.json()["predictions"][0]["warnings"])
    for frame in (FRAME, FRAME.set_index(pd.Index([5, 6, 7])), FRAME.astype({"country": "category"})):
        assert brief(client.post("/invocations", content=frame.to_parquet(), headers=PARQUET)) == expected


def test_a_scalar_is_a_row_and_no_rows_are_no_predictions(client: TestClient) -> None:
    assert len(brief(client.post("/invocations", json={"inputs": {"any_count_all": 3, "country": "DE"}}))) == 1
    for body in ({"dataframe_records": []}, {"inputs": {}}, {"dataframe_split": {"columns": ["any_count_all"], "data": []}}):
        assert brief(client.post("/invocations", json=body)) == []
    assert brief(client.post("/invocations", content=b"any_count_all\n", headers=CSV)) == []


def test_texts_and_truth_are_numbers_where_the_pyfunc_says_so(client: TestClient) -> None:
    plain = brief(client.post("/invocations", json={"inputs": {"any_count_all": [3, 1]}}))
    told = client.post("/invocations", json={"inputs": {"any_count_all": ["3", True]}})
    assert brief(told) == plain
    assert brief(client.post("/invocations", content=b"any_count_all\n3\ntrue\n", headers=CSV)) == plain


def test_nan_is_missing_and_infinity_is_refused(client: TestClient) -> None:
    """MLflow's own clients write a missing number as NaN, which JSON does not know."""
    json_type = {"Content-Type": "application/json"}
    (found,) = brief(client.post("/invocations", content=b'{"inputs": {"any_count_all": [NaN]}}', headers=json_type))
    assert found == brief(client.post("/invocations", json={"inputs": {"any_count_all": [None]}}))[0]
    answer = client.post("/invocations", content=b'{"inputs": {"any_count_all": [-Infinity]}}', headers=json_type)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json")


def test_reasons_are_given_where_params_ask_for_them(client: TestClient) -> None:
    body = {"dataframe_records": ROWS, "params": {"reasons": 2, "lang": "de"}}
    for one in client.post("/invocations", json=body).json()["predictions"]:
        assert len(one["reasons"]) <= 2
        told = one["base"] + sum(reason["points"] for reason in one["reasons"]) + one["rest"]["points"]
        assert told == pytest.approx(one["probability"], abs=1e-9)
    plain = client.post("/invocations", json={"dataframe_records": ROWS}).json()["predictions"][0]
    assert set(plain) == {"probability", "grade", "percentile", "stage", "warnings"}


def test_unknown_columns_are_said_and_lead_ids_come_back(client: TestClient) -> None:
    rows = [row | {"lead_id": f"lead {i}", "nonsense": 1} for i, row in enumerate(ROWS)]
    found = client.post("/invocations", json={"dataframe_records": rows}).json()["predictions"]
    assert [one["lead_id"] for one in found] == ["lead 0", "lead 1", "lead 2"]
    assert all("unknown_features" in {warned["code"] for warned in one["warnings"]} for one in found)
    assert "unknown_category" in {warned["code"] for warned in found[2]["warnings"]}


def test_each_row_stands_in_the_ledger_and_can_be_computed_again(client: TestClient) -> None:
    rows = [row | {"lead_id": f"lead {i}", "trial_age_d": 3.0} for i, row in enumerate(ROWS)]
    answer = client.post("/invocations", json={"dataframe_records": rows}).json()["predictions"]
    client.post("/invocations", content=b"any_count_all\ninf\n", headers=CSV)
    services = client.app.state.services
    services.ledger.flush()
    with services.store.reading() as connection:
        lines = connection.execute(text("SELECT door, lead_id, probability, inputs FROM ledger ORDER BY seq DESC LIMIT 4")).all()[
            ::-1
        ]
    assert [(one.door, one.lead_id) for one in lines] == [*(("mlflow", f"lead {i}") for i in range(3)), ("mlflow", "")]
    for line, one in zip(lines[:3], answer, strict=True):
        again = client.post("/v1/score", json={"leads": [json.loads(line.inputs)]}).json()
        assert again["scores"][0]["probability"] == line.probability == one["probability"]


INVENTED: list[Any] = [
    [],
    7,
    {},
    {"dataframe_records": [], "instances": []},
    {"dataframe_records": [], "more": 1},
    {"dataframe_records": [], "params": []},
    {"dataframe_records": [], "params": {"temperature": 1}},
    {"dataframe_records": [], "params": {"reasons": -1}},
    {"dataframe_records": [], "params": {"lang": "fr"}},
    {"dataframe_records": {}},
    {"dataframe_records": [1]},
    {"instances": [[1, 2]]},
    {"inputs": [[1, 2]]},
    {"inputs": 3},
    {"inputs": {"any_count_all": [1], "country": ["DE", "TR"]}},
    {"inputs": {"any_count_all": [[1, 2]]}},
    {"inputs": {"country": [{"a": 1}]}},
    {"inputs": {"country": ["x" * 1001]}},
    {"inputs": {"any_count_all": ["s3cret-canary"]}},
    {"inputs": {"lead_id": [7]}},
    {"inputs": {"lead_id": ["x" * 257]}},
    {"dataframe_split": []},
    {"dataframe_split": {"columns": ["a"]}},
    {"dataframe_split": {"columns": ["a", "a"], "data": []}},
    {"dataframe_split": {"columns": [1], "data": []}},
    {"dataframe_split": {"columns": ["any_count_all"], "data": [[1, 2]]}},
    {"dataframe_split": {"columns": ["any_count_all"], "data": [1]}},
    {"dataframe_split": {"columns": [], "data": [], "dtype": "x"}},
]


@pytest.mark.parametrize("body", INVENTED, ids=lambda body: json.dumps(body)[:40])
def test_what_is_no_table_is_refused_in_words(client: TestClient, body: Any) -> None:
    answer = client.post("/invocations", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert b"s3cret" not in answer.content


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"any_count_all,any_count_all\n1,2\n", CSV),
        (b"any_count_all\n1,2\n", CSV),
        (b"any_count_all\ns3cret-canary\n", CSV),
        (b'any_count_all\n"1\n', CSV),
        (b"any_count_all\n\xff\n", CSV),
        (b"any_count_all\n1_000\n", CSV),
        (b"s3cret-canary", PARQUET),
        (b"PAR1s3cret-canaryPAR1", PARQUET),
        (FRAME.to_parquet()[:-20] + b"s3cret-canaryPAR1", PARQUET),
        (pd.DataFrame({"country": [["s3cret-canary"]]}).to_parquet(), PARQUET),
        (pd.DataFrame({"any_count_all": ["s3cret-canary"]}).to_parquet(), PARQUET),
        (pd.DataFrame({"any_count_all": pd.to_datetime(["2026-01-01"])}).to_parquet(), PARQUET),
    ],
)
def test_broken_tables_are_refused_without_an_echo(client: TestClient, content: bytes, headers: dict[str, str]) -> None:
    answer = client.post("/invocations", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    assert b"s3cret" not in answer.content


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/xml", "application/json; charset=latin-1", "text/csv; charset=utf-16"]
)
def test_other_types_are_refused(client: TestClient, kind: str) -> None:
    answer = client.post("/invocations", content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert (
        client.post("/invocations", content=b"", headers=CSV | {"Content-Encoding": "gzip"}).json()["code"]
        == "unsupported_encoding"
    )
    named = {"Content-Type": "application/json; charset=utf-8"}
    assert client.post("/invocations", content=b'{"inputs": {}}', headers=named).status_code == 200


def test_sizes_are_known_before_anything_is_read(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"any_count_all": pa.array(np.zeros(MOST_ROWS + 1))}), sink)
    wide = ",".join(f"c{i}" for i in range(MOST_COLUMNS + 1)).encode() + b"\n"
    for content, headers in (
        (sink.getvalue(), PARQUET),
        (b"any_count_all\n" + b"1\n" * (MOST_ROWS + 1), CSV),
        (wide, CSV),
        (b" " * (SCORE_LIMIT + 1), PARQUET),
        (json.dumps({"dataframe_records": [{}] * (MOST_ROWS + 1)}).encode(), {"Content-Type": "application/json"}),
    ):
        assert client.post("/invocations", content=content, headers=headers).json()["code"] == "too_large"
    monkeypatch.setattr(tabular_bodies, "MOST_INFLATED", 100)
    assert client.post("/invocations", content=FRAME.to_parquet(), headers=PARQUET).json()["code"] == "too_large"


def test_what_a_file_says_of_its_size_is_not_believed(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = io.BytesIO()
    long = pa.table({"country": ["x" * 900] * 1000})
    pq.write_table(long, sink, compression="zstd", use_dictionary=False, write_statistics=False)
    monkeypatch.setattr(tabular_bodies, "MOST_INFLATED", 100_000)
    assert client.post("/invocations", content=lying(sink.getvalue()), headers=PARQUET).json()["code"] == "too_large"


def test_a_small_file_of_one_long_text_stays_small(client: TestClient) -> None:
    """A dictionary repeats a text for nothing; rows of it, 10 GB, must not be unpacked."""
    long = pa.DictionaryArray.from_arrays(pa.array(np.zeros(5000, dtype=np.int32)), pa.array(["x" * 2_000_000]))
    for name in ("country", "any_count_all"):
        sink = io.BytesIO()
        pq.write_table(pa.table({name: long}), sink)
        answer = client.post("/invocations", content=sink.getvalue(), headers=PARQUET)
        assert answer.json()["detail"] == "A text is longer than 1000 characters."


def test_ping_health_and_version(client: TestClient) -> None:
    for door in ("/ping", "/health"):
        answer = client.get(door)
        assert (answer.status_code, answer.text) == (200, "\n")
    assert client.get("/version").text == version("mlflow-skinny")


def test_a_server_that_stops_is_not_healthy(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.app.state.services.draining, "begun", True)
    assert [client.get(door).status_code for door in ("/ping", "/health", "/v2/health/ready")] == [503] * 3


def test_without_a_model_nothing_is_made_up(workspace: Workspace, tmp_path: Path) -> None:
    with served(workspace, {}, tmp_path) as client:
        for answer in (client.get("/ping"), client.post("/invocations", json={"inputs": {}})):
            assert (answer.status_code, answer.json()["code"]) == (503, "no_model")
