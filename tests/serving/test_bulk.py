"""Bulk bodies of ``POST /v1/score``: the numbers of the JSON door, thousands at a time, in their order."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import text

from features.clock import DAY_US, format_us, now_us
from features.workspace import Workspace
from serving.feature_table import MOST_ROWS
from tests.serving.client import TestClient
from tests.serving.one_server import served

LINES, ARROW = {"Content-Type": "application/x-ndjson"}, {"Content-Type": "application/vnd.apache.arrow.stream"}
AS_OF = now_us()
WHEN = {"as_of": format_us(AS_OF)}
START = format_us(AS_OF - 3 * DAY_US)
FEATURES = [{"country": "DE", "any_count_all": 3.0}, {"any_count_all": 0.0}, {"country": "Atlantis", "any_count_all": 12.0}]


@pytest.fixture(scope="module")
def client(workspace: Workspace, models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with served(workspace, models, tmp_path_factory.mktemp("bulk")) as client:
        yield client


def vectors() -> list[dict[str, Any]]:
    return [{"lead_id": f"lead {i}", "started_at": START, "features": one} for i, one in enumerate(FEATURES)]


def stream(columns: dict[str, Any] | Any, options: Any = None) -> bytes:
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def columns(**more: Any) -> dict[str, Any]:
    names = {"lead_id": [f"lead {i}" for i in range(3)], "started_at": [START] * 3}
    return names | {name: [one.get(name) for one in FEATURES] for name in ("country", "any_count_all")} | more


def scores(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == ARROW["Content-Type"]
    return list(pa.ipc.open_stream(answer.content).read_all().to_pylist())


def test_lines_are_answered_in_their_order(client: TestClient) -> None:
    events = {"lead_id": "e", "started_at": START, "events": [{"event": "login", "timestamp": START}]}
    leads = [vectors()[0], {"lead_id": 7}, events, vectors()[1] | {"started_at": "2026-01-01T00:00:00"}]
    body = b"\r\n".join(json.dumps(one).encode() for one in leads) + b'\nnot json s3cret\n{"a": NaN}\n\n'
    answer = client.post("/v1/score", params=WHEN, content=body, headers=LINES)
    assert answer.headers["content-type"] == LINES["Content-Type"]
    found = [json.loads(line) for line in answer.content.splitlines()]
    whole = client.post("/v1/score", params=WHEN, json={"leads": leads}).json()
    assert [found[0], found[2]] == whole["scores"]
    assert [found[1], found[3]] == whole["errors"]
    assert [(one["index"], one["code"]) for one in found[4:]] == [(4, "bad_json"), (5, "bad_json")]
    assert b"s3cret" not in answer.content
    told = client.post("/v1/score", params=WHEN | {"reasons": "2", "lang": "tr"}, content=body, headers=LINES).content
    assert len(json.loads(told.splitlines()[0])["reasons"]) == 2
    assert client.post("/v1/score", content=b" \n\n", headers=LINES).content == b""


def test_a_table_has_the_numbers_of_the_json_door(client: TestClient) -> None:
    whole = client.post("/v1/score", params=WHEN, json={"leads": vectors()}).json()["scores"]
    expected = [
        {name: one[name] for name in ("lead_id", "probability", "grade", "stage", "percentile")}
        | {"warnings": [warned["code"] for warned in one["warnings"]]}
        for one in whole
    ]
    instants = pa.array([AS_OF - 3 * DAY_US] * 3, type=pa.timestamp("us", "UTC"))
    words = pa.array([one.get("country") for one in FEATURES]).dictionary_encode()
    for table in (columns(), columns(started_at=instants), columns(country=words), columns(any_count_all=pa.array([3, 0, 12]))):
        assert scores(client.post("/v1/score", params=WHEN, content=stream(table), headers=ARROW)) == expected
    frame = pa.Table.from_pandas(pd.DataFrame(columns()))
    answer = client.post("/v1/score", params=WHEN, content=stream(frame), headers=ARROW)
    assert scores(answer) == expected
    meta = pa.ipc.open_stream(answer.content).schema.metadata
    assert (meta[b"model_version"], meta[b"fingerprint"].decode()) == (b"1", whole[0]["model"]["fingerprint"])


def test_reasons_of_a_table_are_one_more_column(client: TestClient) -> None:
    for one in scores(client.post("/v1/score", params={"reasons": "all"}, content=stream(columns()), headers=ARROW)):
        told = json.loads(one["reasons"])
        assert told["base"] + sum(reason["points"] for reason in told["reasons"]) == pytest.approx(one["probability"], abs=1e-9)


def test_the_age_may_stand_among_the_features(client: TestClient) -> None:
    aged = columns(trial_age_d=[3.0] * 3)
    del aged["started_at"]
    assert len(scores(client.post("/v1/score", content=stream(aged), headers=ARROW))) == 3
    unknown = scores(client.post("/v1/score", content=stream(columns(nonsense=[1, 2, 3])), headers=ARROW))
    assert all("unknown_features" in one["warnings"] for one in unknown)


def test_thousands_at_once_stand_in_the_ledger(client: TestClient) -> None:
    many = {
        "lead_id": [f"many {i}" for i in range(MOST_ROWS)],
        "started_at": [START] * MOST_ROWS,
        "any_count_all": np.arange(MOST_ROWS) % 40,
    }
    found = scores(client.post("/v1/score", params=WHEN, content=stream(many), headers=ARROW))
    assert [one["lead_id"] for one in found] == many["lead_id"]
    services = client.app.state.services
    services.ledger.flush()
    with services.store.reading() as connection:
        lines = connection.execute(text("SELECT inputs, probability FROM ledger WHERE lead_id LIKE 'many %' ORDER BY seq")).all()
    assert [line.probability for line in lines] == [one["probability"] for one in found]
    again = client.post("/v1/score", params=WHEN, json={"leads": [json.loads(line.inputs) for line in lines[:50]]}).json()
    assert [one["probability"] for one in again["scores"]] == [line.probability for line in lines[:50]]


def test_an_empty_table_has_an_empty_answer(client: TestClient) -> None:
    nothing = {"lead_id": pa.array([], pa.string()), "started_at": pa.array([], pa.string())}
    assert scores(client.post("/v1/score", content=stream(nothing), headers=ARROW)) == []


REPLACED = pa.concat_tables(pa.table(columns(country=pa.array([word] * 3).dictionary_encode())) for word in ("DE", "TR"))
LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"s3cret-canary",
        stream(columns())[:200],
        stream(columns())[:-400],
        stream(columns()).replace(b"any_count_all", b"any_count_al\xff"),
        stream(columns(country=["x" * 100] * 3), LZ4),
        stream(REPLACED),
        stream(columns(lead_id=[None, "a", "b"])),
        stream(columns(lead_id=[1, 2, 3])),
        stream({"country": ["DE"]}),
        stream({"lead_id": ["a"], "country": ["DE"]}),
        stream(columns(started_at=["2026-01-01T00:00:00"] * 3)),
        stream(columns(started_at=[1, 2, 3])),
        stream(columns(started_at=pa.array([1, 2, 3], pa.timestamp("us")))),
        stream(columns(started_at=["2090-01-01T00:00:00Z"] * 3)),
        stream(columns(country=[["s3cret-canary"]] * 3)),
        stream(columns(any_count_all=["s3cret-canary"] * 3)),
        stream(pa.table([[1], [2]], names=["any_count_all", "any_count_all"])),
    ],
)
def test_broken_streams_are_refused_without_an_echo(client: TestClient, content: bytes) -> None:
    answer = client.post("/v1/score", content=content, headers=ARROW)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    assert b"s3cret" not in answer.content


def test_bytes_turned_at_random_break_nothing(client: TestClient) -> None:
    draw, whole = np.random.default_rng(0), stream(columns(country=pa.array(["DE", None, "TR"]).dictionary_encode()))
    for _ in range(300):
        data = bytearray(whole)
        for place in draw.integers(0, len(data), draw.integers(1, 4)):
            data[place] = draw.integers(0, 256)
        assert client.post("/v1/score", content=bytes(data), headers=ARROW).status_code in (200, 413, 422)


def test_rows_are_counted_before_they_are_read(client: TestClient) -> None:
    rows = stream(columns(any_count_all=[1.0] * 3, country=pa.nulls(3)))
    for huge in (stream({"lead_id": pa.nulls(10**8)}), stream({"lead_id": pa.nulls(MOST_ROWS + 1)})):
        assert client.post("/v1/score", content=huge, headers=ARROW).json()["code"] == "too_large"
    batch = pa.RecordBatch.from_pydict({"lead_id": ["a"] * 3000})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
        writer.write_batch(batch)
    assert client.post("/v1/score", content=sink.getvalue(), headers=ARROW).json()["code"] == "too_large"
    assert client.post("/v1/score", content=b"{}\n" * (MOST_ROWS + 1), headers=LINES).json()["code"] == "too_large"
    assert client.post("/v1/score", params=WHEN, content=rows, headers=ARROW).status_code == 200
