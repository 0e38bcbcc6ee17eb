"""The notebook for growth teams runs on a champion and becomes a page with pictures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.journeys.conftest import ROOT, Trained


@pytest.mark.slow
def test_what_drives_conversion(trained: Trained, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    trained.run("notebook", "what_drives_conversion", "-w", trained.workspace, "--out", page)
    html = page.read_text(encoding="utf-8")
    assert html.count("data:image/png") >= 4
    assert "Upgrade page" in html or "upgrade page" in html
    assert "open_workspace" not in html


def test_notebooks_hold_no_results_and_only_the_front_door() -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
        imports = [line for cell in cells for line in "".join(cell["source"]).splitlines() if re.match(r"(from|import)\b", line)]
        assert imports == ["from trialwise import open_workspace"]
