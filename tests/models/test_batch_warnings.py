"""What `features` says on the way: names that nothing in the data has, and instants from which there is nothing to see."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from models.batch import write_features
from models.population import Asked
from tests.features.disk import PLAIN, workspace


def said(folder: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked, more: str = "") -> list[str]:
    monkeypatch.setenv("TRIALWISE_HOME", str(folder / "var"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    workspace(folder)
    (folder / "w.yaml").write_text("name: small\n" + dedent(PLAIN) + more)
    lines: list[str] = []
    write_features(folder / "w.yaml", folder / "f.csv", asked=asked, say=lines.append)
    return lines


def test_names_that_nothing_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = "features: {tickets: {count: [tickt], behaviour: session}}\nexclude: [any_count_7]\n"
    lines = said(tmp_path, monkeypatch, Asked(1.0), more)
    assert "warn: features.tickets: no event fits 'tickt'" in lines
    assert "warn: exclude: no column, feature or event is called 'any_count_7'; did you mean 'any_count_7d'?" in lines
    assert not [line for line in said(tmp_path, monkeypatch, Asked(1.0)) if line.startswith(("warn", "error"))]


@pytest.mark.parametrize(
    ("as_of", "warning"),
    [
        (None, []),
        ("2026-06-02", []),
        ("2026-06-03", ["warning: that is 31 days after the newest time in the data (2026-05-03T00:00:00.000000Z): "]),
        ("2026-04-30", ["warning: as of then no lead has started yet."]),
    ],
)
def test_instants_from_which_there_is_nothing_to_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_of: str | None, warning: list[str]
) -> None:
    lines = [line for line in said(tmp_path, monkeypatch, Asked(as_of=as_of)) if line.startswith("warning")]
    assert len(lines) == len(warning)
    assert all(line.startswith(one) for line, one in zip(lines, warning, strict=True))
