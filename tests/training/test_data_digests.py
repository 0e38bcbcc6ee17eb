"""From which data a model came."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from features.tables import read_tables
from features.workspace import load_workspace
from models.registry import DatasetRecord
from tests.training.small_world import SmallWorld, silent
from training.data_digests import digest_params, rows_dataset, source_datasets
from training.dataset import Window, build
from training.pairs import Table


def test_every_file_is_named_with_its_digest(tmp_path: Path) -> None:
    ws = load_workspace(SmallWorld(leads=30).write(tmp_path))
    found = digest_params(source_datasets(read_tables(ws)))
    assert set(found) == {"data.leads.0.leads.csv", "data.events.0.events.csv", "data.conversions.0.conversions.csv"}
    assert found["data.leads.0.leads.csv"] == sha256((tmp_path / "leads.csv").read_bytes()).hexdigest()


def test_files_of_one_name_are_told_apart_and_odd_names_are_written_plainly() -> None:
    files = [DatasetRecord("events", name, digest) for name, digest in (("märz.csv", "a"), ("märz.csv", "b"))]
    assert digest_params(files) == {"data.events.0.m_rz.csv": "a", "data.events.1.m_rz.csv": "b"}


def test_what_is_no_file_has_no_digest_of_its_own() -> None:
    report = SimpleNamespace(origins=[SimpleNamespace(name="warehouse")])
    assert source_datasets(SimpleNamespace(report={"events": report})) == ()


def test_the_rows_that_were_learnt_from_have_one(tmp_path: Path) -> None:
    ws = load_workspace(SmallWorld(leads=200).write(tmp_path))
    tables = read_tables(ws)
    table = build(ws, tables, Window(tables.newest), seed=0, say=silent).learners
    found = rows_dataset(table)
    assert (found.table, len(found.digest)) == ("rows", 64)
    assert rows_dataset(table) == found
    changed = np.array(table.x)
    changed[0, 0] = changed[0, 0] + 1 if changed[0, 0] == changed[0, 0] else 0.0
    assert rows_dataset(Table(table.rows, changed)).digest != found.digest
