"""Columns are recognised by name and by value, and what speaks against one is said."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from features.inspecting.columns import look
from features.inspecting.proposal import propose
from features.inspecting.tables import why_no_attribute
from features.workspace import parse_workspace

ROWS = 60


def test_columns_of_every_kind(tmp_path: Path) -> None:
    table = {
        "key": [f"k{i}" for i in range(ROWS)],
        "joined_at": [datetime(2026, 1, 1 + i % 28, tzinfo=UTC).date() for i in range(ROWS)],
        "code": list(range(ROWS)),
        "flag": [True, False] * (ROWS // 2),
    }
    parquet.write_table(pa.table(table), tmp_path / "l.parquet")
    events = tmp_path / "e.csv"
    events.write_text("key,event,at,received_at,n,id\nk1,login,2026-01-01,2026-01-02,1,5\nk2,login,2026-01-02,2026-01-02,2,5\n")
    text = propose([events], tmp_path / "l.parquet")
    ws = parse_workspace(text, ".")
    assert ws.attributes == {"flag": "category"}
    assert ws.data.events is not None
    assert (ws.data.events.lead, ws.data.events.count, ws.data.events.id) == ("key", "n", None), (
        "ids that repeat are no message ids"
    )
    assert re.search(r"# code: number +# looks like an id", text)
    assert "contact:" not in text


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("a", pa.array([None] * ROWS, pa.string()), "empty"),
        ("a", pa.array(["x"] * ROWS), "one value only"),
        ("a", pa.array(["2026-01-01", "2026-01-02"] * 30), "a time; started_at, ended_at or trial_ends_at perhaps"),
        ("as_of", pa.array(["x", "y"] * 30), "a name that Trialwise uses itself"),
        ("work phone", pa.array(["x", "y"] * 30), "personal"),
        ("LastSeen", pa.array(["x", "y"] * 30), "its name sounds written or updated later: only if it is known at sign-up"),
        ("partnerId", pa.array(["x", "y"] * 30), "an id"),
        ("a", pa.array(range(ROWS)), "looks like an id"),
        ("a", pa.array(["y", "long " * 30] * 30), "free text"),
        ("a", pa.array([f"s{i}" for i in range(ROWS)]), "ids or free text"),
        ("a", pa.array(["x", "y"] * 30), None),
        ("a", pa.array([i + 0.5 for i in range(ROWS)]), None),
        ("a", pa.array([True, False] * 30), None),
    ],
)
def test_what_speaks_against_an_attribute(name: str, values: pa.Array, why: str | None) -> None:
    assert why_no_attribute(look(name, values)) == why


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array(["1", "2", ""]), "number"),
        (pa.array(["1"] * 30 + ["many"]), "number"),
        (pa.array(["1"] * 3 + ["many"]), "text"),
        (pa.array(["2026-01-01T10:00:00Z", None]), "time"),
        (pa.array([None] * 300 + ["2026-01-01T10:00:00Z"]), "time"),
        (pa.array([None] * 300 + ["soon"]), "text"),
        (pa.array(["2026-01-01"] * 200 + ["soon"] * 200), "text"),
        (pa.array([True, False]), "text"),
        (pa.array([0, 1], pa.timestamp("us", "UTC")), "text"),
        (pa.array([10**15, 10**15 + 1], pa.timestamp("us", "UTC")), "time"),
        (pa.nulls(2, pa.string()), "empty"),
    ],
)
def test_kinds(values: pa.Array, kind: str) -> None:
    assert look("a", values).kind == kind


def test_evidence() -> None:
    assert look("a", pa.array(["2026-01-01", "2026-03-01"])).evidence == "dates in every row, 2026-01-01 to 2026-03-01"
    assert look("a", pa.array(["2026-01-01T10:00:00"])).naive
    assert look("a", pa.array(["2026-01-01T10:00:00"])).evidence.startswith("times in every row")
    assert look("a", pa.array(["x", None])).evidence == "text in 50% of rows, 1 different"
    assert look("a", pa.array([1] * 999 + [None])).evidence == "numbers in nearly every row, 1 different"
    assert look("a", pa.nulls(2, pa.string())).evidence == "empty"
