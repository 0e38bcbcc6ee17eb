"""Small data on disk for the tests: files by name, and a workspace that reads them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from features.tables import Tables
from features.workspace import parse_workspace
from features.workspaces.schema import Workspace

LEADS = "lead_id,signed_up_at\na,2026-05-01T00:00:00Z\nb,2026-05-02T00:00:00Z\n"
EVENTS = "lead_id,event,timestamp\na,Login,2026-05-01T10:00:00Z\nb,login,2026-05-02T11:00:00Z\na,export,2026-05-01T09:00:00Z\n"
CONVERSIONS = "lead_id,converted_at\na,2026-05-03T00:00:00Z\n"
PLAIN = """
    data:
      leads: {source: leads.csv, started_at: signed_up_at}
      events: {source: events.csv}
      conversions: {source: conversions.csv}
    behaviours: {session: {events: [login]}}
"""


def put(folder: Path, name: str, content: str | bytes | list[dict[str, Any]] | pa.Table) -> Path:
    """Write one file: text as it is, rows as the ending says, compressed if it ends in .gz."""
    path, plain = folder / name, name.lower().removesuffix(".gz")
    if isinstance(content, pa.Table):
        sink = pa.BufferOutputStream()
        parquet.write_table(content, sink)
        content = sink.getvalue().to_pybytes()
    elif isinstance(content, list):
        if plain.endswith(".parquet"):
            return put(folder, name, pa.Table.from_pylist(content))
        content = "".join(json.dumps(row) + "\n" for row in content)
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.lower().endswith(".gz") else data)
    return path


def workspace(folder: Path, body: str = PLAIN, **files: Any) -> Workspace:
    """Write files (leads, events and conversions have a default as CSV) and read a workspace over them."""
    defaults = {"leads.csv": LEADS, "events.csv": EVENTS, "conversions.csv": CONVERSIONS}
    for name, content in {**defaults, **{key.replace("__", "."): value for key, value in files.items()}}.items():
        put(folder, name, content)
    return parse_workspace("name: small\n" + dedent(body), folder)


def same(left: Tables, right: Tables) -> bool:
    """Tell whether two tables are equal, cell by cell; reports do not count."""
    if left.unmapped != right.unmapped or left.newest != right.newest:
        return False
    return all(
        _equal(getattr(a, name), getattr(b, name))
        for a, b in ((left.leads, right.leads), (left.events, right.events))
        for name in type(a).__dataclass_fields__
    )


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and repr(left.tolist()) == repr(right.tolist())
    return bool(left == right)
