"""trialwise monitor on the simulator: quiet while nothing changes, loud when something does, silent about thirty leads."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import training.simulator
from features.clock import format_us
from features.errors import InputError, StoppedError
from features.store import EventStore
from features.storing.rows import Answer
from models.batch import write_scores
from models.outfile import write_rows
from models.population import Asked
from tests.training import trained_home as shared
from tests.training.small_world import silent
from training.monitoring import run_monitor
from training.monitoring_table import table_lines
from training.simulated_product import Product, simulated_product
from training.simulator import simulate
from training.verbs import run_train

TRAINED_AT, CHANGED_AT = "2026-02-01", "2026-04-20"
Rows = list[list[str]]
trained_home = shared.trained_home


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of its own; who monitors has trained before, on the simulated world of another seed."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("home")
        patch.setenv("TRIALWISE_HOME", str(path))
        patch.delenv("TRIALWISE_DATABASE_URL", raising=False)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield path


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = simulate(11, leads=6000).write(tmp_path_factory.mktemp("learnt"))
    run_train(file, as_of=TRAINED_AT, trials=1, promote="force", say=silent)


def monitored(
    folder: Path, seed: int, *, leads: int = 6000, spoil: Callable[[Path], None] | None = None, times: float = 1.0
) -> dict[str, Any]:
    """Write a world, score its leads on their seventh day, and look at it at its end."""

    def product(epoch_us: int, drift_phase: float) -> Product:
        made = simulated_product(epoch_us, drift_phase)
        return replace(made, payment=made.payment * times)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.simulator, "simulated_product", product)
        file = simulate(seed, leads=leads).write(folder)
    if spoil is not None:
        spoil(folder)
    asked = Asked(age_days=7, started_from=TRAINED_AT)
    write_scores(file, folder / "scores.csv", asked=asked, reasons="0", lang=None, say=silent)
    return run_monitor(file, folder / "scores.csv", say=silent)


def edited(path: Path, change: Callable[[dict[str, str]], bool]) -> None:
    """Let each row be changed, and kept if that says so."""
    rows = csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))
    out = io.StringIO()
    writer = csv.DictWriter(out, rows.fieldnames or [])
    writer.writeheader()
    writer.writerows(row for row in rows if change(row))
    path.write_bytes(gzip.compress(out.getvalue().encode(), 1))


@pytest.mark.slow
@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize("seed", range(30, 50))
def test_a_stable_world_raises_no_alarm(tmp_path: Path, seed: int) -> None:
    result = monitored(tmp_path, seed)
    assert result["reasons"] == []
    assert result["realised"]["enough"]
    assert len(result["drift"]["shifts"]) > 20
    assert list(table_lines(result))[-1] == "No reason to retrain."


@pytest.mark.slow
@pytest.mark.usefixtures("champion")
def test_a_base_rate_that_doubles(tmp_path: Path) -> None:
    result = monitored(tmp_path, 21, times=2.0)
    assert result["retrain"]
    assert "where 1" in result["reason"]
    assert "were promised" in result["reason"]
    assert result["calibration"]["low"] > 0
    assert any(line.endswith("broken") for line in table_lines(result))


@pytest.mark.slow
@pytest.mark.usefixtures("champion")
def test_a_behaviour_that_stops(tmp_path: Path) -> None:
    def no_session(row: dict[str, str]) -> bool:
        return row["at"] < CHANGED_AT or not any(word in row["event"].lower() for word in ("app", "login", "session"))

    result = monitored(tmp_path, 22, spoil=lambda folder: edited(folder / "events.csv.gz", no_session))
    assert result["retrain"]
    assert "session" in result["reasons"][0] or "behaviour_silent" in result["reasons"][0]


@pytest.mark.slow
@pytest.mark.usefixtures("champion")
def test_a_feature_that_goes_missing(tmp_path: Path) -> None:
    def no_size(row: dict[str, str]) -> bool:
        row["company_size"] = row["company_size"] if row["signed_up_at"] < CHANGED_AT else ""
        return True

    result = monitored(tmp_path, 23, spoil=lambda folder: edited(folder / "leads.csv.gz", no_size))
    assert result["retrain"]
    assert "the feature company_size is missing for 100 % of the leads" in result["reason"]


@pytest.mark.slow
@pytest.mark.usefixtures("champion")
@pytest.mark.parametrize("seed", range(5))
def test_thirty_leads_never_alarm(tmp_path: Path, seed: int) -> None:
    for number, times in enumerate((1.0, 2.0)):
        result = monitored(tmp_path / str(number), seed, leads=30, times=times)
        assert not result["retrain"]
        assert result["reason"] is None
        assert any("Too few" in line for line in table_lines(result))


@pytest.fixture
def small(trained_home: shared.TrainedHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copied = trained_home.copy(tmp_path / "small")
    monkeypatch.setenv("TRIALWISE_HOME", str(copied.home))
    return copied.workspace


def test_the_ledger_is_read_where_no_file_is_named(small: Path) -> None:
    said: list[str] = []
    result = run_monitor(small, say=said.append)
    assert "no ledger" in said[0]
    assert result["realised"] is None
    assert "Too few scores are mature" in " ".join(table_lines(result))

    scores = small.parent / "s.jsonl"
    write_scores(small, scores, asked=Asked(age_days=3), reasons="0", lang=None, say=silent)
    of_file = run_monitor(small, scores, say=silent)
    assert of_file["realised"]["enough"]
    store = EventStore(f"sqlite:///{small.parent / 'var' / 'trialwise.db'}")
    store.migrate()
    day, now = 86_400_000_000, 1_756_000_000_000_000
    for lead in range(700):
        as_of = 1_735_689_600_000_000 + 190 * day + lead * day // 20
        store.add_answers([Answer(now, "lead", None, f"lead-{lead:05d}", as_of, "7", "d", "f", 0.3, "lead", None)])
    store.close()
    result = run_monitor(small, say=silent)
    assert result["scores"]["source"] == "the ledger"
    assert result["scores"]["versions"] == ["7"]
    assert sum(result["scores"]["left_out"].values()) + result["scores"]["mature"] == result["scores"]["read"] > 0


def test_a_promise_that_is_broken_is_a_reason(small: Path, tmp_path: Path) -> None:
    """Everybody was promised far too much: an alarm that says by how much, and nothing of a grade beside it."""
    columns = {"lead_id": "text", "as_of": "text", "probability": "number"}
    at = 1_735_689_600_000_000 + 120 * 86_400_000_000
    rows = [{"lead_id": f"lead-{lead:05d}", "as_of": format_us(at), "probability": 0.99} for lead in range(700)]
    write_rows(tmp_path / "s.csv", rows, columns)
    result = run_monitor(small, tmp_path / "s.csv", say=silent)
    left_out = result["scores"]["left_out"]
    assert left_out["not_started"] > 100
    assert left_out["beyond_trained_age"] > 100
    assert result["realised"] is None or not result["realised"]["alarm"]  # of a few dozen leads nothing is said


def test_what_cannot_be_monitored(small: Path, tmp_path: Path) -> None:
    with pytest.raises(StoppedError, match="nothing in the data is known"):
        run_monitor(small, as_of="2020-01-01", say=silent)
    (tmp_path / "leads.csv").write_text("id,paid\na,1\n")
    (tmp_path / "u.yaml").write_text("name: undated\ndata: {leads: {source: leads.csv, id: id, converted: paid}}\n")
    with pytest.raises(InputError, match="needs dates"):
        run_monitor(tmp_path / "u.yaml", say=silent)
    text = small.read_text().replace("name: small", "name: another")
    (small.parent / "another.yaml").write_text(text)
    with pytest.raises(StoppedError, match="no champion to watch"):
        run_monitor(small.parent / "another.yaml", say=silent)
    assert os.environ["TRIALWISE_HOME"]
