"""Bulk bodies of ``POST /v1/score``: a lead a line (NDJSON), or a table of features (Arrow), answered alike and in order."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from serving import strict_json
from serving.feature_table import AGE, LEAD_ID, MOST_ROWS, FeatureTable
from serving.items import RefusedCall, read_moment
from serving.problems import Problem
from serving.proving import Loaded
from serving.scoring import Record
from serving.tabular_bodies import read_arrow

STARTED = "started_at"
"""A column that is no feature: when each lead started, as an instant or as a text in ISO 8601."""

ANSWERED: Mapping[str, Any] = {
    "lead_id": pa.string(),
    "probability": pa.float64(),
    "grade": pa.string(),
    "stage": pa.string(),
    "percentile": pa.float64(),
    "warnings": pa.list_(pa.string()),
}
"""The columns of an Arrow answer; of warnings the codes. Asked for reasons, it has them as JSON in one more."""


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines of a body; they are counted before they are cut, and blank ones at the end are none."""
    text = data.rstrip(b"\r\n \t")
    if text.count(b"\n") >= MOST_ROWS:
        raise Problem("too_large", f"At most {MOST_ROWS} leads in one request.")
    return text.split(b"\n") if text else []


def read_line(line: bytes) -> Any:
    """Return the value of a line, or refuse that line alone."""
    try:
        return strict_json.read(line)
    except Problem as problem:
        raise RefusedCall(problem.code, problem.detail) from None


def written_lines(answers: Sequence[Mapping[str, Any]]) -> bytes:
    """Return an answer a line."""
    return b"".join(json.dumps(one, ensure_ascii=False, allow_nan=False).encode() + b"\n" for one in answers)


def read_stream(data: bytes, loaded: Loaded, timezone: str, as_of: int) -> FeatureTable:
    """Read a table whose rows each name a lead and tell its age, by ``started_at`` or by ``trial_age_d``."""
    view = loaded.view
    table, beside = read_arrow(data, view, (STARTED,))
    if table.lead_ids is None or "" in table.lead_ids:
        raise Problem("invalid_request", f"Every row needs a {LEAD_ID}.")
    if view.definition.undated:
        return table
    told = _instants(beside[STARTED], timezone) if STARTED in beside else [None] * table.rows
    if any(start is not None and start > as_of for start in told):
        raise Problem("invalid_request", "A lead starts after as_of.")
    if any(start is None for start in told) and AGE not in table.columns:
        raise Problem("invalid_request", f"Every row needs {STARTED}, or the feature {AGE}.")
    return replace(table, started=told)


def _instants(column: Any, timezone: str) -> list[int | None]:
    """Return instants in microseconds; a timestamp without a zone is refused like a text without one."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        found: list[int | None] = column.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64()).to_pylist()
        return found
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
        raise Problem("invalid_request", f"The column {STARTED} is of instants with a zone, or of texts in ISO 8601.")
    try:
        return [None if text is None else read_moment(text, timezone) for text in column.to_pylist()]
    except RefusedCall as refusal:
        raise Problem("invalid_request", refusal.detail) from None


def written_stream(records: Sequence[Record], loaded: Loaded, *, explained: bool) -> bytes:
    """Return the scores as an Arrow stream; its metadata names the model."""
    columns = {name: pa.array([_cell(one, name) for one in records], type=kind) for name, kind in ANSWERED.items()}
    if explained:
        told = [json.dumps({key: one[key] for key in ("base", "reasons", "rest")}, ensure_ascii=False) for one in records]
        columns["reasons"] = pa.array(told, type=pa.string())
    model = {"model_name": loaded.ref.name, "model_version": loaded.ref.version}
    table = pa.table(columns).replace_schema_metadata(model | {"fingerprint": loaded.scorer.definition.fingerprint})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _cell(record: Record, name: str) -> Any:
    return [one["code"] for one in record["warnings"]] if name == "warnings" else record[name]
