"""``trialwise push`` of the simulated product, killed on its way: what a real process leaves, the next one completes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.conftest import ROOT, Trained
from tests.serving.crm.fake_crm import TOKEN, running

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("place", ["push.sent", "push.noted"])
def test_a_push_that_is_killed_goes_on_where_it_stopped(place: str, trained: Trained, tmp_path: Path) -> None:
    with running() as crm:
        wanted = _push(trained, tmp_path, crm.url, "--dry-run", "--json")
        leads = {row["lead_id"] for row in json.loads(wanted.stdout)["would_write"]}
        assert len(leads) > 300
        crm.records |= {f"r-{one}": {"our_id": one, "lifecyclestage": "lead"} for one in leads}
        crm.properties = {"our_id": "string", "lifecyclestage": "enumeration"}
        killed = _push(trained, tmp_path, crm.url, TRIALWISE_FAILPOINT=f"{place}:kill@2")
        assert killed.returncode == -signal.SIGKILL
        assert len(crm.paths("/batch/update")) == 2
        done = json.loads(_push(trained, tmp_path, crm.url, "--json").stdout)
        assert done["failed"] == []
        noted = 100 if place == "push.sent" else 200
        assert (done["unchanged"], done["written"]) == (noted, len(leads) - noted)
        assert all("trialwise_probability" in record for record in crm.records.values())
        assert {record["lifecyclestage"] for record in crm.records.values()} == {"lead"}
        assert json.loads(_push(trained, tmp_path, crm.url, "--json").stdout)["written"] == 0


def _push(trained: Trained, folder: Path, url: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    store = f"sqlite:///{folder / 'store.db'}"
    environment = os.environ | {
        "TRIALWISE_HOME": str(trained.home), "TRIALWISE_DATABASE_URL": store, "TRIALWISE_ENV": "test",
        "TRIALWISE_HUBSPOT_URL": url, "TRIALWISE_HUBSPOT_TOKEN": TOKEN, **more,
    }  # fmt: skip
    command = [sys.executable, "-m", "trialwise", "push", "hubspot", "-w", str(trained.workspace), "--match", "our_id", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
