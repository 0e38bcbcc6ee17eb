"""The work of ``trialwise report``: fetch the report of a registered version and write it as a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from features.errors import InputError, OutsideError
from features.workspace import load_workspace
from models import registry
from models.champion import need_champion
from models.registry import ChampionRef

REPORT, CARD = "report.html", "model_card.md"
"""The names under which a training leaves them in MLflow."""


def run_report(
    workspace: Path, out: Path | None = None, version: str | None = None, *, say: Callable[[str], None]
) -> dict[str, Any]:
    """Write the report of a version, by default the champion's; return where it is.

    Raises
    ------
    InputError
        There is no such version, no champion, or the version was trained before there were reports.
    """
    name = load_workspace(workspace).name
    ref = _asked(name, version)
    page = registry.text(ref, REPORT)
    if page is None:
        raise InputError(
            "the version has no report", given=f"version {ref.version} of {name}", expected="a version of trialwise train",
            do="train again, or name another --version",
        )  # fmt: skip
    file = out or Path(f"{name}-report-{ref.version}.html")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OutsideError.of(error) from error
    say(f"Wrote {file}, the report of version {ref.version} of {name}. Open it in a browser; it prints well.")
    return {"name": name, "version": ref.version, "out": str(file)}


def _asked(name: str, version: str | None) -> ChampionRef:
    if version is None:
        return need_champion(name).ref
    ref = registry.version(name, version)
    if ref is None:
        known = ", ".join(one.version for one in registry.versions(name)) or "none, since nothing was trained"
        raise InputError("there is no such version", given=version, expected=known, do="see trialwise models")
    return ref
