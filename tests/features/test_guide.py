"""The guide says what is: its workspace lines are read, its commands are run, and their output is compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.catalog import feature_set
from features.workspace import parse_workspace
from features.workspaces.own_features import FAMILIES, plain_family

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "features" / "README.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL))
YAML = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
CONSOLE = re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)


def completed(fragment: dict[str, Any]) -> dict[str, Any]:
    """Return a workspace in which a fragment of the guide stands beside the rest of its example."""
    whole = yaml.safe_load(FILES["acme.yaml"])
    own = {name: line for name, line in whole["features"].items() if "behaviours" not in fragment}
    behaviours = whole["behaviours"] | fragment.get("behaviours", {})
    return whole | fragment | {"behaviours": behaviours, "features": fragment.get("features", own)}


@pytest.mark.parametrize("text", YAML)
def test_every_example_is_a_workspace_whose_features_can_be_computed(text: str) -> None:
    fragment = yaml.safe_load(text)
    features = feature_set(parse_workspace(yaml.safe_dump(completed(fragment)), ROOT).definition())
    assert set(fragment.get("features", ())) <= set(features.names)
    for name in fragment.get("behaviours", ()):
        assert any(feature.player == name for feature in features.features)


def test_every_family_stands_in_the_guide() -> None:
    lines = [line for text in YAML for line in yaml.safe_load(text).get("features", {}).values()]
    words = {plain_family(key) for line in lines for key in line} - {"window", "behaviour"}
    assert words == {*FAMILIES, "people", "reached_10", "reached_3", "ratio_to_session", "ratio_to_core_use"}


@pytest.mark.slow
def test_its_commands_print_what_it_shows(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "TRIALWISE_HOME": str(tmp_path / "var"), "COLUMNS": "80"}
    assert len(CONSOLE) >= 5
    for block in CONSOLE:
        for command, shown in re.findall(r"^\$ (.*)\n((?:[^$\n].*\n|\n)*)", block, re.MULTILINE):
            done = subprocess.run(
                command, shell=True, cwd=tmp_path, env=environment, text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            assert done.stdout.rstrip() == shown.rstrip(), command
