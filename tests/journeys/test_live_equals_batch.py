"""Law 1: what the server answers for a lead is, to the bit, what the command line writes for it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.conftest import Trained
from tests.journeys.server import running

LEADS = 1_000


@pytest.fixture(scope="module")
def server(loaded: Trained) -> Iterator[httpx.Client]:
    with running(loaded.workspace, loaded.home) as client:
        yield client


def as_text(value: float | str | None) -> str:
    return "" if value is None else value if isinstance(value, str) else repr(float(value))


def test_every_number_of_a_thousand_leads(trained: Trained, server: httpx.Client, tmp_path: Path) -> None:
    out = tmp_path / "features.csv"
    trained.run("features", "-w", trained.workspace, "--age", 7, "--out", out)
    with out.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))[:LEADS]
    assert len(rows) == LEADS
    for row in rows:
        answer = server.get(f"/v1/leads/{row['lead_id']}/features", params={"as_of": row["as_of"]}).json()
        live = {name: as_text(value) for name, value in answer["features"].items()}
        batch = {name: value for name, value in row.items() if name not in {"lead_id", "as_of"}}
        assert list(live) == list(batch)
        for name, value in batch.items():
            assert (float(live[name]) == float(value)) if is_number(value) else live[name] == value, (row["lead_id"], name)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_scores_and_reasons_of_a_hundred_leads(trained: Trained, server: httpx.Client, tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    trained.run("score", "-w", trained.workspace, "--age", 3, "--reasons", "all", "--out", out)
    for line in out.read_text(encoding="utf-8").splitlines()[:100]:
        batch = json.loads(line)
        live = server.get(f"/v1/leads/{batch['lead_id']}/score", params={"as_of": batch["as_of"], "reasons": "all"}).json()
        assert live.keys() == batch.keys()
        for key in ("lead_id", "as_of", "probability", "by", "grade", "percentile", "stage", "base", "reasons", "rest", "model"):
            assert live[key] == batch[key], key
