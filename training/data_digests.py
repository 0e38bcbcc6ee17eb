"""Data digests: from which data a model came, told by SHA-256. The files as they are, and the very rows that were learnt from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from features.tables import Tables
from models.registry import DatasetRecord
from training.pairs import Table

_UNUSUAL = re.compile(r"[^A-Za-z0-9_. -]")
"""What MLflow does not take in the name of a parameter."""


def source_datasets(tables: Tables) -> tuple[DatasetRecord, ...]:
    """Return every file that was read, with the SHA-256 of its bytes; a query or a store has no bytes of its own."""
    found = []
    for table, report in tables.report.items():
        for origin in report.origins:
            path = getattr(origin, "path", None)
            if isinstance(path, Path):
                found.append(DatasetRecord(table, path.name, _file_digest(path)))
    return tuple(found)


def rows_dataset(table: Table) -> DatasetRecord:
    """Return the digest of what was learnt from: features, outcomes and instants, whatever source they were read from."""
    digest = sha256()
    for values in (table.rows.lead, table.rows.as_of, table.rows.outcome, table.x):
        digest.update(np.ascontiguousarray(values).data)
    return DatasetRecord("rows", "learnt from", digest.hexdigest())


def digest_params(datasets: Sequence[DatasetRecord]) -> dict[str, str]:
    """Return the digests as parameters of a run, by table, place and name."""
    found: dict[str, str] = {}
    places: dict[str, int] = {}
    for one in datasets:
        place = places[one.table] = places.get(one.table, -1) + 1
        found[f"data.{one.table}.{place}.{_UNUSUAL.sub('_', one.name)}"] = one.digest
    return found


def _file_digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
