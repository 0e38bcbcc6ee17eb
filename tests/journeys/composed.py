"""Dockerfile and compose.yaml read as data, so that their own lines can be run where there is no Docker engine."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECRETS = {
    "POSTGRES_PASSWORD": "leads1",
    "MLFLOW_DB_PASSWORD": "runs2",
    "TRIALWISE_KEY_SECRET": "k" * 64,
    "TRIALWISE_PROMOTION_KEY": "p" * 64,
}
_OURS = ("TRIALWISE_", "MLFLOW_", "NUMBA_", "PYTHON", "PROMETHEUS_", "OTEL_", "VIRTUAL_ENV", "PG")


@dataclass(frozen=True)
class Step:
    """One instruction of a Dockerfile."""

    stage: str
    word: str
    text: str


def dockerfile() -> list[Step]:
    """Return the instructions, each with the stage that it belongs to."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    steps: list[Step] = []
    stage = ""
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, text = line.partition(" ")
        if word == "FROM":
            stage = text.rpartition(" AS ")[2]
        steps.append(Step(stage, word, text.strip()))
    return steps


def texts(stage: str, word: str) -> list[str]:
    """Return what follows a word of a stage, in order."""
    return [step.text for step in dockerfile() if (step.stage, step.word) == (stage, word)]


def variables(stage: str) -> dict[str, str]:
    """Return the ENV of a stage as written."""
    return dict(pair.split("=", 1) for text in texts(stage, "ENV") for pair in shlex.split(text))


def services() -> dict[str, Any]:
    """Return the services of compose.yaml, their secrets filled in."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(re.sub(r"\$\{(\w+):\?\}", lambda found: SECRETS[found[1]], text))["services"])


@dataclass(frozen=True)
class Machine:
    """One folder and some free ports in place of containers: what stands where, from the name in the files to the name here."""

    folder: Path
    places: Mapping[str, str]

    def here(self, text: str) -> str:
        """Return a text of the files with every path, host and port as it is on this machine."""
        pattern = "|".join(re.escape(one) for one in sorted(self.places, key=len, reverse=True))
        return re.sub(pattern, lambda found: self.places[found[0]], text)

    def environment(self, **more: str) -> dict[str, str]:
        """Return this process's environment without anything that would configure ours."""
        plain = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        return plain | {key: self.here(value) for key, value in more.items()}

    def build(self) -> dict[str, str]:
        """Do what the stage `build` does; return the environment in which what it made runs."""
        source = self.folder / "src"
        (source / "deploy").mkdir(parents=True)
        (self.folder / "shim").mkdir()
        # The base image's `python`.
        (self.folder / "shim/python").symlink_to(Path(sys.base_prefix) / f"bin/python3.{sys.version_info.minor}")
        environment = self.environment()
        environment["PATH"] = f"{self.folder / 'shim'}:{environment['PATH']}"
        for step in dockerfile():
            if step.stage != "build":
                continue
            if step.word == "ENV":
                for pair in shlex.split(self.here(step.text)):
                    key, value = pair.split("=", 1)
                    environment[key] = value.replace("$PATH", environment["PATH"])
            elif step.word == "COPY":
                *names, target = step.text.split()
                subprocess.run(["cp", "-r", *(ROOT / name for name in names), source / target], check=True)
            elif step.word == "RUN":
                command = ["sh", "-c", self.here(step.text)]
                done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
                assert done.returncode == 0, f"{step.text}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
        return environment

    def of_service(self, name: str, path: str) -> tuple[list[str], dict[str, str]]:
        """Return the command and the environment of a service; its program is found on `path`."""
        service = services()[name]
        environment = self.environment(**{key: str(value) for key, value in service.get("environment", {}).items()})
        return [self.here(str(word)) for word in service.get("command", [])], environment | {"PATH": path}
