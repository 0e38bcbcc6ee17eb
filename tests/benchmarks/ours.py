"""Our contestant: what ``trialwise features`` does, from the workspace file to the matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from features.catalog import feature_set
from features.clock import DAY_US
from features.feature import FeatureSet
from features.matrix import compute
from features.tables import read_tables
from features.workspace import Workspace, parse_workspace
from tests.benchmarks.world import AGES, columns, workspace


def only_the_asked(folder: Path, events: str = "events.parquet") -> tuple[Workspace, FeatureSet]:
    """Return the workspace and its features, without the built-in ones."""
    text = workspace(events)
    built_in = set(feature_set(parse_workspace(text, folder).definition()).names) - set(columns())
    ws = parse_workspace(text + "exclude: [" + ", ".join(sorted(built_in)) + "]\n", folder)
    return ws, feature_set(ws.definition())


def matrix(folder: Path, ages: Sequence[int] = AGES, events: str = "events.parquet") -> np.ndarray:
    """Compute one row for each lead and age."""
    ws, features = only_the_asked(folder, events)
    tables = read_tables(ws)
    n = len(tables.leads.ids)
    as_of = (tables.leads.started_at[:, None] + np.array(ages, np.int64) * DAY_US).ravel()
    assert list(features.names) == list(columns())  # else the columns would have to be copied into the order of the rivals
    return compute(features, tables, np.repeat(np.arange(n), len(ages)), as_of).values
