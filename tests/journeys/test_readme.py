"""What README shows is run as it stands: the Node snippet against a real server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.conftest import ROOT, Trained
from tests.journeys.server import running


def block(language: str) -> str:
    """Return the one fenced block of a language in README."""
    found = re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(found) == 1
    return found[0]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_node_snippet(loaded: Trained, tmp_path: Path) -> None:
    key = json.loads(loaded.run("keys", "create", "--scope", "score", "--json").stdout)["key"]
    lead = loaded.world.live_leads(2, 12)[0]
    script = tmp_path / "score.mjs"
    script.write_text(block("js"), encoding="utf-8")
    assert len(block("js").strip().splitlines()) <= 20
    with running(loaded.workspace, loaded.home, key=key) as client:
        env = os.environ | {"TRIALWISE_URL": str(client.base_url).rstrip("/"), "TRIALWISE_KEY": key}
        done = subprocess.run(["node", str(script), lead], env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        probability = client.get(f"/v1/leads/{lead}/score").json()["probability"]
    assert abs(float(done.stdout.split()[0]) - probability) < 0.01
