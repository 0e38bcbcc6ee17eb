"""Mixed load for a minute (LOAD_SECONDS=900 for the bar of 15): no error; speed and growth are printed, not judged (check 40)."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.journeys.server import ROOT, free_port, wait
from tests.load.mixed import Load
from tests.training.small_world import SmallWorld

SECONDS = float(os.environ.get("LOAD_SECONDS") or 60)
RATE = float(os.environ.get("LOAD_RATE") or 50)
WORKERS = os.environ.get("LOAD_WORKERS") or str(os.cpu_count() or 1)
"""One for each core, as the operator's page has it."""

pytestmark = [pytest.mark.load, pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux has it")]


def run(workspace: Path, environment: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-m", "trialwise", *words, "-w", str(workspace)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_mixed_load_meets_no_error(tmp_path: Path) -> None:
    workspace = SmallWorld().write(tmp_path / "data")
    environment = os.environ | {
        "TRIALWISE_HOME": str(tmp_path / "var"),
        "TRIALWISE_RATE": "1000000",
        "TRIALWISE_BURST": "1000000",
    }
    run(workspace, environment, "train", "--trials", "2")
    run(workspace, environment, "load")
    with (tmp_path / "data/leads.csv").open(encoding="utf-8") as file:
        lead_ids = [row["lead_id"] for row in csv.DictReader(file) if not row["email"].endswith("@small.test")]
    port, log = free_port(), tmp_path / "server.log"
    serve = ["serve", "-w", str(workspace), "--open", "--port", str(port), "--workers", WORKERS]
    command = [sys.executable, "-m", "trialwise", *serve]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=out)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                wait(client, process, "/readyz", log)
            load = Load(f"http://127.0.0.1:{port}", process.pid, SECONDS, RATE, lead_ids)
            load.run()
            journal = (tmp_path / "var/trialwise.db-wal").stat().st_size / 1e6
        finally:
            process.terminate()
            process.wait(timeout=60)
    told = [f"{SECONDS:.0f} s at {RATE:.0f} requests/s, {WORKERS} workers", *load.lines()]
    print("\n".join(["", *told, f"journal     {journal:.1f} MB (budget: 64)"]))
    assert load.failures == []
    assert sum(len(took) for took in load.took.values()) > SECONDS  # it was a load at all
