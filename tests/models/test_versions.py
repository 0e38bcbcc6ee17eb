"""promote, rollback and models, on real model folders in a real registry."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from features.errors import InputError, StoppedError
from models import registry
from models.artifact import save
from models.champion import find_champion
from models.pyfunc import input_columns, input_example
from models.registry import TrainingRecord
from models.registry.signing import KEY
from models.registry.tracking import client_of
from models.scorer import Scorer
from models.version_table import table_lines
from models.versions import run_models, run_promote, run_rollback
from tests.models.conftest import WORKSPACE


class Desk:
    """A workspace with some versions, and what was said to its person."""

    def __init__(self, folder: Path, scorers: dict[str, Scorer]) -> None:
        self.said: list[str] = []
        self.scorers = scorers
        self.folder = folder
        self.workspace = folder / "acme.yaml"
        self.workspace.write_text(WORKSPACE)

    @property
    def client(self) -> Any:
        return client_of(registry.configured_uri())

    @property
    def aliases(self) -> dict[str, str]:
        return {alias: str(number) for alias, number in self.client.get_registered_model("acme").aliases.items()}

    def train(self, kind: str, gate: str = "kept: not shown to be better") -> str:
        """Register a model as a training does that its gate keeps; return its version."""
        scorer, folder = self.scorers[kind], self.folder / f"model-{kind}"
        shutil.rmtree(folder, ignore_errors=True)
        digest = save(scorer, folder)
        record = TrainingRecord(
            params={"recipe.learner": kind, "data.leads.0.leads.csv": "a1" * 32},
            metrics={"log_loss": 0.3, "log_loss_low": 0.25, "log_loss_high": 0.35},
            tags={"trialwise.gate": gate, "trialwise.verdict": "publish: good", "trialwise.as_of": "2026-05-01T00:00:00.000000Z"},
            description="**publish**",
        )
        return registry.register(
            "acme", folder, digest=digest, inputs=input_columns(scorer), example=input_example(scorer), record=record
        ).version

    def promote(self, version: str, reason: str | None = None) -> dict[str, Any]:
        return run_promote(self.workspace, version, reason=reason, say=self.said.append)

    def rollback(self) -> dict[str, Any]:
        return run_rollback(self.workspace, say=self.said.append)

    def models(self) -> list[dict[str, Any]]:
        return list(run_models(self.workspace, say=self.said.append)["models"])

    def why(self) -> dict[str, str]:
        return {row["version"]: row["why"] for row in self.models()}


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables, made once: doing so takes seconds."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    client_of(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def desk(tmp_path: Path, empty_store: Path, scorers: dict[str, Scorer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setenv("TRIALWISE_HOME", str(tmp_path / "var"))
    (tmp_path / "var").mkdir()
    shutil.copy(empty_store, tmp_path / "var" / "mlflow.db")
    return Desk(tmp_path, scorers)


def test_a_person_promotes_and_rolls_back(desk: Desk) -> None:
    for kind in ("base_rate", "logistic", "trees"):
        desk.train(kind)
    assert desk.promote("1") == {
        "name": "acme", "version": "1", "before": None, "decision": "promoted by hand", "reason": "no reason was given",
    }  # fmt: skip
    told = desk.promote("2", "sales asked for it")
    assert (told["before"], told["reason"]) == ("1", "sales asked for it")
    assert desk.said[-1] == "version 2 of acme: promoted by hand; sales asked for it (before: version 1)"
    assert desk.aliases == {"challenger": "3", "champion": "2", "previous": "1"}
    assert desk.rollback()["version"] == "1"
    assert desk.aliases == {"challenger": "3", "champion": "1", "previous": "2"}
    assert desk.rollback()["version"] == "2"  # they change places
    desk.promote("3")
    assert desk.aliases == {"champion": "3", "previous": "2"}
    found = find_champion("acme")
    assert found is not None
    assert found.ref.version == "3"


def test_models_tells_why_each_version_serves_or_not(desk: Desk) -> None:
    assert desk.models() == []
    desk.train("base_rate", gate="promoted: the first")
    desk.train("logistic")
    desk.train("trees")
    assert desk.why()["1"] == "does not serve: its promotion was cut off (promoted: the first)"
    desk.promote("1", "the first")
    desk.promote("3", "a look at it")
    why = desk.why()
    assert list(why) == ["3", "2", "1"]
    assert why["3"].endswith(": promoted by hand: a look at it")
    assert why["3"].startswith("serves since 20")
    assert why["2"] == "does not serve: kept: not shown to be better"
    assert "when version 3 was promoted by hand: a look at it" in why["1"]
    row = desk.models()[0]
    assert row["log_loss"] == {"value": 0.3, "low": 0.25, "high": 0.35}
    assert (row["learner"], row["aliases"], row["data"]) == ("trees", ["champion"], {"leads.csv": "a1a1a1a1a1a1"})
    assert row["gate"] == {"decision": "kept", "reason": "not shown to be better"}
    assert [one["decision"] for one in row["decisions"]] == ["promoted by hand"]
    lines = [*table_lines(desk.models())]
    assert lines[1].split() == ["3", "champion", "2026-05-01", "publish", "trees", "0.3000", "[0.2500,", "0.3500]"]
    json.dumps(desk.models())
    # A move by hand is told as one.
    desk.client.set_registered_model_alias("acme", "champion", "2")
    assert desk.why()["2"] == "serves: its alias was moved by hand"
    assert desk.why()["3"] == "does not serve: the alias champion was moved by hand"


def test_what_is_not_there_or_not_whole_is_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match="no such version"):
        desk.promote("1")
    with pytest.raises(InputError, match="no version to go back to"):
        desk.rollback()
    desk.train("base_rate")
    desk.train("logistic")
    desk.promote("1")
    with pytest.raises(InputError, match="no version to go back to") as refused:
        desk.rollback()
    assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match="no such version") as refused:
        desk.promote("7")
    assert refused.value.expected == "one of 1, 2"
    desk.client.create_model_version("acme", (desk.folder / "nowhere").as_uri())
    with pytest.raises(InputError, match="version 3 of acme was never finished"):
        desk.promote("3")
    assert desk.why()["3"] == "does not serve: its registration was cut off"
    assert registry.version("acme", "3") is None
    assert registry.version("acme", "2") is not None
    for learner in (desk.folder / "var").rglob("learner.json"):
        learner.write_text("{}")
    with pytest.raises(StoppedError, match="version 2 of acme cannot serve"):
        desk.promote("2")
    assert desk.aliases["champion"] == "1"


def test_with_a_key_only_what_was_promoted_with_it_serves(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("base_rate", "logistic", "trees"):
        desk.train(kind)
    desk.promote("1")
    monkeypatch.setenv(KEY, "one key")
    with pytest.raises(StoppedError, match="version 1 of acme was not promoted with the key") as refused:
        find_champion("acme")
    assert (refused.value.given, refused.value.exit_code) == ("no signature", 1)
    assert desk.why()["1"].startswith("does not serve where the promotion key is set")
    desk.promote("2")
    assert find_champion("acme") is not None
    with pytest.raises(StoppedError, match="version 1 of acme was not promoted"):
        desk.rollback()  # the alias previous may have been moved by hand
    desk.client.set_registered_model_alias("acme", "champion", "3")
    with pytest.raises(StoppedError, match="version 3 of acme was not promoted"):
        find_champion("acme")
    # The signature of one version is none of another, nor of the same with another digest.
    signature = desk.client.get_model_version("acme", "2").tags[registry.SIGNATURE_TAG]
    desk.client.set_model_version_tag("acme", "3", registry.SIGNATURE_TAG, signature)
    with pytest.raises(StoppedError) as refused:
        find_champion("acme")
    assert refused.value.given == "another signature"
    monkeypatch.setenv(KEY, "another key")
    desk.client.set_registered_model_alias("acme", "champion", "2")
    with pytest.raises(StoppedError):
        find_champion("acme")
    monkeypatch.delenv(KEY)
    assert find_champion("acme") is not None


def test_what_was_planted_is_not_signed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.train("base_rate")
    desk.train("logistic", gate="promoted: planted")
    monkeypatch.setenv(KEY, "one key")
    intent = {"version": "2", "kind": "promoted", "reason": "planted", "at": "2026-01-01T00:00:00.000000Z"}
    desk.client.set_registered_model_tag("acme", "trialwise.intent", json.dumps(intent))
    desk.promote("1")
    assert desk.aliases["champion"] == "1"
    assert registry.SIGNATURE_TAG not in desk.client.get_model_version("acme", "2").tags


def test_what_was_cut_off_is_told_and_then_carried_out(desk: Desk) -> None:
    desk.train("base_rate")
    desk.train("logistic", gate="promoted: better")
    desk.models()
    assert desk.said == ["warning: the promotion of version 2 was cut off; the next train, promote or rollback carries it out"]
    desk.promote("1", "not yet")
    assert desk.said[1] == "the promotion of version 2, which was cut off, is carried out"
    assert desk.aliases == {"champion": "1", "previous": "2"}


def test_a_rollback_that_was_cut_off_is_carried_out_once(desk: Desk) -> None:
    for kind in ("base_rate", "logistic"):
        desk.promote(desk.train(kind))
    intent = {"version": "1", "kind": "rolled back", "reason": "bad", "at": "2026-05-02T00:00:00.000000Z"}
    desk.client.set_registered_model_tag("acme", "trialwise.intent", json.dumps(intent))
    done = run_rollback(desk.workspace, say=desk.said.append)
    assert (done["version"], done["decision"]) == ("1", "rolled back")
    assert desk.aliases == {"champion": "1", "previous": "2"}


def test_a_promotion_that_was_cut_off_stops_a_rollback(desk: Desk) -> None:
    desk.promote(desk.train("base_rate"))
    desk.train("logistic", gate="promoted: better")
    with pytest.raises(StoppedError, match="version 2 has only now become champion"):
        run_rollback(desk.workspace, say=desk.said.append)
    assert desk.aliases["champion"] == "2"
