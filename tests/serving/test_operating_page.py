"""The operator's page is whole: every setting and every metric of the code is in it, and it names none that the code has not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.contract.test_chapters import sources

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "deploy/operating.md").read_text(encoding="utf-8")
SETTING = re.compile(r"\bTRIALWISE_[A-Z_]*[A-Z]\b")
OF_OTHERS = (
    "MLFLOW_TRACKING_URI",
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "NUMBA_CACHE_DIR",
    "PROMETHEUS_MULTIPROC_DIR",
)
METRIC = re.compile(r"""["'](trialwise_[a-z_]+)["']""")


def texts() -> Iterator[str]:
    for path in sources():
        yield path.read_text(encoding="utf-8")


def test_every_setting_is_explained() -> None:
    known = {name for text in texts() for name in SETTING.findall(text)}
    assert known >= {"TRIALWISE_HOME", "TRIALWISE_RATE", "TRIALWISE_WATCH"}
    assert set(SETTING.findall(PAGE)) == known
    for name in OF_OTHERS:
        assert f"`{name}`" in PAGE


def test_every_metric_is_explained() -> None:
    known = {name for text in texts() for name in METRIC.findall(text)}
    assert known >= {"trialwise_events_total", "trialwise_webhook_waiting"}
    assert set(re.findall(r"\btrialwise_[a-z_]+", PAGE)) == known
    rows = "".join(
        line for line in PAGE.partition("## Metrics")[2].partition("## What to watch")[0].splitlines() if line[:3] == "| `"
    )
    assert set(re.findall(r"\btrialwise_[a-z_]+", rows)) == known  # said what it means, and not merely used in an alert


@pytest.mark.parametrize("variable", sorted(set(SETTING.findall((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8")))))
def test_what_compose_sets_is_on_the_page(variable: str) -> None:
    assert f"`{variable}`" in PAGE


def test_every_alert_is_about_a_metric_or_a_door() -> None:
    rows = [line for line in PAGE.partition("## What to watch")[2].partition("## Incidents")[0].splitlines()[4:] if line]
    assert len(rows) >= 8
    assert [row for row in rows if "trialwise_" not in row and "/readyz" not in row and "disk" not in row] == []


def test_commands_on_the_page_exist() -> None:
    from typer.main import get_command

    import trialwise

    command = get_command(trialwise.app)
    verbs = set(command.commands)  # type: ignore[attr-defined]
    for page in ("operating.md", "README.md"):
        told = set(re.findall(r"`trialwise (\w+)", (ROOT / "deploy" / page).read_text(encoding="utf-8")))
        assert told <= verbs
    composed = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))["services"]["server"]["command"]
    assert composed[0] in verbs
