"""A mapping edit is never an outage: files are scored as the model was trained, whatever the workspace says by now."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.csv
import pytest

from tests.journeys.conftest import Trained

WHEN = "2026-04-01T00:00:00+00:00"

EDITS = {
    "an attribute and a trait": [("company_size: number, ", ""), ("company, job_title, photo", "photo")],
    "a duration, an amount and the properties": [
        (", duration: duration_s", ""),
        (", amount: amount", ""),
        (r",\n *properties: \[duration_s, amount, score\]", ""),
        (r", \{event: nps_answered, where: \{score: \{[gl]e: [69]\}\}\}", ""),
    ],
    "behaviours and a feature": [
        (r"  session: .*\n", ""),
        (r"  profile: .*\n", ""),
        (r"features:\n  exports_7d: .*\n", ""),
        (r"  collaboration: \{events: \[invite_sent, teammate_joined\]\}", "  collaboration: {events: [upgrade_page_viewed]}"),
    ],
    "the clock and the trial": [("timezone: UTC", "timezone: Asia/Tokyo"), (r"trial: \{days: 14\}", "trial: {days: none}")],
}


def scores(trained: Trained, workspace: Path, out: Path, *more: object) -> tuple[list[dict[str, Any]], str]:
    said = trained.run("score", "-w", workspace, "--as-of", WHEN, "--reasons", "all", "--out", out, *more).stderr
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()], said


@pytest.fixture(scope="module")
def before(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the file gives with which the model was trained."""
    return scores(trained, trained.workspace, tmp_path_factory.mktemp("before") / "before.jsonl")[0]


@pytest.mark.slow
@pytest.mark.parametrize("edit", EDITS)
def test_scores_stay_what_they_were(trained: Trained, before: list[dict[str, Any]], tmp_path: Path, edit: str) -> None:
    text = trained.workspace.read_text(encoding="utf-8")
    for old, new in EDITS[edit]:
        text, times = re.subn(old, new, text)
        assert times, old
    changed = trained.folder / f"changed_{list(EDITS).index(edit)}.yaml"
    changed.write_text(text, encoding="utf-8")
    found, said = scores(trained, changed, tmp_path / "after.jsonl")
    assert "differs from the one that the model was trained with" in said
    assert len(found) == len(before) > 100
    for one, other in zip(found, before, strict=True):
        told = {warning["code"] for warning in one["warnings"]} - {warning["code"] for warning in other["warnings"]}
        assert told == {"workspace_differs"}
        assert one | {"warnings": []} == other | {"warnings": []}


@pytest.mark.slow
def test_a_column_that_is_gone_from_the_data_is_missing(trained: Trained, before: list[dict[str, Any]], tmp_path: Path) -> None:
    """Only the model still names it: the export has lost it, and the file was put right."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("events.csv.gz", "conversions.csv.gz"):
        (folder / name).symlink_to(trained.folder / name)
    with gzip.open(trained.folder / "leads.csv.gz") as file:
        leads = pyarrow.csv.read_csv(file)
    with gzip.open(folder / "leads.csv.gz", "wb") as file:
        pyarrow.csv.write_csv(leads.drop_columns(["company_size", "photo"]), file)
    text = trained.workspace.read_text(encoding="utf-8")
    (folder / "full.yaml").write_text(text, encoding="utf-8")
    done = trained.run("score", "-w", folder / "full.yaml", "--as-of", WHEN, "--out", tmp_path / "x.csv", check=False)
    assert done.returncode == 2
    assert "no column 'company_size'" in done.stderr
    (folder / "right.yaml").write_text(text.replace("company_size: number, ", ""), encoding="utf-8")
    found, _ = scores(trained, folder / "right.yaml", tmp_path / "after.jsonl")
    assert [one["lead_id"] for one in found] == [one["lead_id"] for one in before]
    assert [one["probability"] for one in found] != [one["probability"] for one in before]
    # The work list and notebooks read for the model as well.
    listed = trained.run("list", "-w", folder / "right.yaml", "--top", "5").stdout
    assert len(listed.splitlines()) == 5
