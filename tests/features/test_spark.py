"""What --engine spark refuses before it starts anything, in one sentence each; none of it needs Java."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import InputError, OutsideError
from features.spark import _one_sentence, running
from features.sparking.layout import check_folder
from models.population import Asked
from models.spark_scores import write_features_spark
from tests.features.sparking.product import write_product

NOBODY = {"asked": Asked(), "say": lambda line: None}


def test_without_pyspark_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(InputError, match=r"Spark is not installed: .* pip install 'trialwise\[spark\]'"), running():
        pass


def test_without_java_it_says_what_to_install(tmp_path: Path) -> None:
    program = "from features.spark import running\nwith running(): pass"
    environment = {**os.environ, "JAVA_HOME": str(tmp_path / "nowhere"), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert "features.errors.OutsideError: Spark cannot start Java: " in done.stderr
    assert "expected Java 17; install it and set JAVA_HOME." in done.stderr


def test_a_gateway_that_is_gone_is_told_so() -> None:
    from pyspark.errors import PySparkRuntimeError

    with pytest.raises(OutsideError, match=r"Spark cannot start Java: .* expected Java 17"), _one_sentence():
        raise PySparkRuntimeError(errorClass="JAVA_GATEWAY_EXITED", messageParameters={})


def test_it_writes_folders_of_parquet_and_replaces_only_its_own(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"given scores.csv; expected .parquet"):
        check_folder(tmp_path / "scores.csv")
    mine = tmp_path / "mine.parquet"
    check_folder(mine)
    mine.mkdir()
    with pytest.raises(InputError, match="is there already"):
        check_folder(mine)
    (mine / "_SUCCESS").touch()
    check_folder(mine)
    check_folder(Path("s3a://bucket/scores.parquet"))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(3.0, "2025-04-01"), "exclude each other"),
        (Asked(started_from="2025-04-01T00:00:00"), "--started-from"),
        (Asked(as_of="soon"), "--as-of"),
    ],
)
def test_misuse_is_refused_as_on_one_machine(tmp_path: Path, asked: Asked, words: str) -> None:
    path = write_product(tmp_path, leads=10)
    with pytest.raises(InputError, match=words):
        write_features_spark(path, tmp_path / "out.parquet", **{**NOBODY, "asked": asked})


def test_a_workspace_without_events_is_none_for_spark(tmp_path: Path) -> None:
    path = tmp_path / "undated.yaml"
    path.write_text("name: undated\ndata: {leads: {source: leads.csv, converted: paid}}\n")
    with pytest.raises(InputError, match=r"Spark is for events: .* leave out --engine spark"):
        write_features_spark(path, tmp_path / "out.parquet", **NOBODY)
