"""Law 1: what the server answers for a lead is, to the bit, what the command line writes for it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from features.clock import DAY_US, format_us
from models.opened_changes import Between
from tests.journeys.conftest import Trained
from tests.journeys.server import running
from trialwise import open_workspace

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


def test_why_forty_leads_changed(trained: Trained, server: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The looks in between too: what was known then, looked at later, with account mates as they were known then."""
    monkeypatch.setenv("TRIALWISE_HOME", str(trained.home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    ws = open_workspace(trained.workspace)
    at = ws.leads.at
    assert at is not None
    since = format_us(at - 2 * DAY_US)
    between = Between.of(ws.workspace, ws.champion.scorer, ws.leads, since)
    then = set(between.new.then.ids)
    chosen = [one for one in ws.list(200)["lead_id"] if one in then][:40]
    assert len(chosen) == 40
    for lead_id in chosen:
        live = server.get(
            f"/v1/leads/{lead_id}/changes", params={"since": since, "as_of": format_us(at), "reasons": "all"}
        ).json()
        batch = between.record(lead_id)
        assert (live["then"]["probability"], live["now"]["probability"]) == (batch["then"], batch["now"])
        for key in ("since", "as_of", "text", "reasons", "rest", "parts"):
            assert live[key] == batch[key], key
