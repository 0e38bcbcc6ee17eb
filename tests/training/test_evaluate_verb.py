"""Judging registered versions on leads that are new to them, one alone and two against each other."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import InputError, StoppedError
from features.workspace import load_workspace
from models.registry import tracking
from tests.training.small_world import FIRST, SmallWorld, silent
from training.compare_verb import difference_in_auc, run_compare
from training.evaluate_verb import run_evaluate
from training.evaluation import Answers
from training.promotion import Gate
from training.rivals import find_rivals, load_version
from training.verbs import run_train

EARLY, LATER = (FIRST + timedelta(days=days) for days in (150, 175))


@dataclass(frozen=True)
class Shop:
    """A workspace with two versions in its registry: one learnt early, one later without a behaviour."""

    workspace: Path
    home: Path
    trainings: tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    base = tmp_path_factory.mktemp("shop")
    home = base / "var"
    workspace = SmallWorld(leads=900).write(base / "data")
    fewer = workspace.with_name("fewer.yaml")
    fewer.write_text(workspace.read_text().replace("  session: {events: [login]}\n", ""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIALWISE_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        one = run_train(workspace, trials=0, as_of=EARLY.isoformat(), say=silent)
        two = run_train(fewer, trials=0, as_of=LATER.isoformat(), promote="never", say=silent)
    return Shop(workspace, home, (one, two))


@pytest.fixture(autouse=True)
def _in_the_shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALWISE_HOME", str(shop.home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_the_champion_on_leads_it_has_not_seen(shop: Shop) -> None:
    said: list[str] = []
    found = run_evaluate(shop.workspace, say=said.append)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["version"] == "1"
    assert found["trained_as_of"] == "2025-05-31T00:00:00.000000Z"
    assert found["first_start"] >= found["trained_as_of"]
    assert found["leads"] > 100
    assert found["conversions"] > 20
    assert found["reliable"] is True
    assert set(found["by_age"]) == {"1", "3", "7"}
    auc = found["macro"]["auc"]
    assert 0.65 < auc["low"] < auc["value"] < auc["high"]
    assert found["base_rate"]["log_loss_minus_base_rate"]["high"] < 0
    assert abs(found["promised"] - found["happened"]) < 0.1
    assert any("log-loss minus that of the base rate" in line for line in said)
    assert not any(line.startswith("warning") for line in said)


def test_one_age_and_another_version(shop: Shop) -> None:
    found = run_evaluate(shop.workspace, version="2", age=5, say=silent)
    assert (found["version"], found["ages_days"], list(found["by_age"])) == ("2", [5.0], ["5"])
    assert found["looks"] == found["leads"]


def test_what_became_known_later_is_not_seen(shop: Shop) -> None:
    as_of = FIRST + timedelta(days=180)
    found = run_evaluate(shop.workspace, as_of=as_of.isoformat(), say=silent)
    assert found["last_start"] < (as_of - timedelta(days=15)).isoformat()
    assert found["leads"] < run_evaluate(shop.workspace, say=silent)["leads"]


def test_few_conversions_are_marked(shop: Shop) -> None:
    said: list[str] = []
    as_of = FIRST + timedelta(days=174)
    found = run_evaluate(shop.workspace, as_of=as_of.isoformat(), say=said.append)
    assert found["converting_clusters"] < 20
    assert found["reliable"] is False
    assert any("the intervals are guesses" in line for line in said)


def test_without_mature_new_leads_it_stops(shop: Shop) -> None:
    with pytest.raises(StoppedError, match="no lead that is new") as stopped:
        run_evaluate(shop.workspace, as_of=(EARLY + timedelta(days=10)).isoformat(), say=silent)
    assert stopped.value.exit_code == 1


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"version": "9"}, "no such version"), ({"age": -1.0}, "no age"), ({"as_of": "soon"}, "no time")],
)
def test_misuse_is_refused(shop: Shop, asked: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        run_evaluate(shop.workspace, say=silent, **asked)


def test_another_label_is_refused(shop: Shop, tmp_path: Path) -> None:
    other = shop.workspace.with_name("other.yaml")
    other.write_text(shop.workspace.read_text().replace("horizon_days: 14", "horizon_days: 21"))
    with pytest.raises(InputError, match="21 days") as refused:
        run_evaluate(other, say=silent)
    assert "14 days" in str(refused.value)


def test_undated_tables_are_refused(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("lead_id,size,paid\na,1,0\n")
    workspace = tmp_path / "undated.yaml"
    workspace.write_text(
        "name: undated\ndata: {leads: {source: leads.csv, id: lead_id, converted: paid}}\nattributes: {size: number}\n"
    )
    for verb in (run_evaluate, run_compare):
        with pytest.raises(InputError, match="needs dates"):
            verb(workspace, say=silent)


def test_the_challenger_against_the_champion(shop: Shop) -> None:
    said: list[str] = []
    found = run_compare(shop.workspace, say=said.append)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["version"], found["against"]) == ("2", "1")
    changes = found["changes"]
    assert changes["features_added"] == []
    assert any(name.startswith("session_") for name in changes["features_removed"])
    assert changes["as_of"] == {"from": "2025-05-31T00:00:00.000000Z", "to": "2025-06-25T00:00:00.000000Z"}
    assert changes["rows"]["from"] < changes["rows"]["to"]
    assert found["new_since"] == changes["as_of"]["to"]
    for name in ("log_loss", "auc"):
        assert found[name]["low"] < found[name]["difference"] < found[name]["high"]
    assert any(line.startswith("features removed: ") for line in said)


def test_a_comparison_turns_round(shop: Shop) -> None:
    one, other = run_compare(shop.workspace, "2", "1", say=silent), run_compare(shop.workspace, "1", "2", say=silent)
    assert one["log_loss"]["difference"] == pytest.approx(-other["log_loss"]["difference"], abs=1e-12)
    assert one["changes"]["features_removed"] == other["changes"]["features_added"]


def test_what_changed_is_told_even_without_new_leads(shop: Shop) -> None:
    said: list[str] = []
    with pytest.raises(StoppedError, match="no lead that is new"):
        run_compare(shop.workspace, as_of=(LATER + timedelta(days=10)).isoformat(), say=said.append)
    assert any(line.startswith("as of: ") for line in said)


def test_nothing_to_compare(shop: Shop) -> None:
    with pytest.raises(InputError, match="version 1 twice"):
        run_compare(shop.workspace, "1", say=silent)


def test_rivals_are_read_from_the_registry(shop: Shop) -> None:
    name = load_workspace(shop.workspace).name
    rivals = find_rivals(name, say=silent)
    assert (rivals.version, rivals.base_version, rivals.one) == ("1", "1", True)
    assert load_version(name, "7") is None
    assert find_rivals("nobody", say=silent).champion is None


def test_a_newer_champion_names_the_last_better_one(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the gate says is on the version, and the next training finds it there, unless somebody removed that one."""
    shutil.copy(shop.home / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path))
    monkeypatch.setattr("training.verbs.decide", lambda *args, **options: Gate("newer", "newer and not worse", "1"))
    run_train(shop.workspace, trials=0, as_of=LATER.isoformat(), say=silent)
    said: list[str] = []
    rivals = find_rivals("small", say=said.append)
    assert (rivals.version, rivals.base_version, rivals.one) == ("3", "1", False)
    assert rivals.base is not None
    assert rivals.base.meta.facts["as_of"] == "2025-05-31T00:00:00.000000Z"
    assert said == []

    tracking.client_of(tracking.configured_uri()).delete_model_version("small", "1")
    rivals = find_rivals("small", say=said.append)
    assert (rivals.version, rivals.base_version, rivals.base) == ("3", "1", None)
    assert said == ["warning: version 1, the last better champion, is no longer registered"]


def test_a_difference_in_auc_is_paired() -> None:
    rng = np.random.default_rng(0)
    outcome = rng.integers(0, 2, 400)
    place = np.arange(400)
    good, same = outcome + rng.normal(0, 1, 400), rng.normal(0, 1, 400)
    answers = Answers(place, place, place % 2, outcome, good)
    better, equal = difference_in_auc(answers, same, seed=0), difference_in_auc(answers, good, seed=0)
    assert 0.1 < better.low < better.value < better.high
    assert (equal.value, equal.low, equal.high) == (0.0, 0.0, 0.0)
