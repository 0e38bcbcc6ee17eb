"""What a promotion leaves behind when it is cut off, and who finishes it. The kills themselves are in tests/faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import registry
from models.registry import TrainingRecord
from models.registry.tracking import client_of
from tests.models.registry.small_registry import registered


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("promoting")


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def aliases(home: Path, name: str) -> dict[str, str]:
    model = client_of(registry.configured_uri(home)).get_registered_model(name)
    return {alias: str(number) for alias, number in model.aliases.items()}


def test_what_the_gate_let_through_is_promoted_by_the_next_command(home: Path) -> None:
    registry.promote(registered(home, "let", "d1"), reason="the first", home=home)
    registered(home, "let", "d2", TrainingRecord(tags={"trialwise.gate": "promoted: better"}))
    assert [(one.version, one.reason) for one in registry.begun("let", home)] == [("2", "better")]
    assert registry.complete("let", home).lines() == ["the promotion of version 2, which was cut off, is carried out"]
    assert aliases(home, "let") == {"champion": "2", "previous": "1"}
    assert registry.begun("let", home) == []


def test_what_the_gate_let_through_against_another_champion_is_not_promoted(home: Path) -> None:
    registry.promote(registered(home, "two", "d1"), reason="the first", home=home)
    registered(home, "two", "d2", TrainingRecord(tags={"trialwise.gate": "promoted: better", registry.AGAINST_TAG: "0"}))
    assert registry.complete("two", home).lines() == []
    assert aliases(home, "two")["champion"] == "1"


def test_what_the_gate_kept_is_the_challenger(home: Path) -> None:
    registered(home, "kept", "d1", TrainingRecord(tags={"trialwise.gate": "kept: no better"}))
    client_of(registry.configured_uri(home)).delete_registered_model_alias("kept", "challenger")
    assert registry.complete("kept", home).lines() == []
    assert aliases(home, "kept") == {"challenger": "1"}
    assert registry.begun("nobody", home) == registry.begun("nobody", home / "nowhere") == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"version": "1"}', json.dumps(dict.fromkeys(("version", "kind", "reason", "at"), "9"))]
)
def test_an_intent_that_means_nothing_does_nothing(home: Path, text: str) -> None:
    if not registry.versions("odd", home):
        registered(home, "odd")
    client_of(registry.configured_uri(home)).set_registered_model_tag("odd", "trialwise.intent", text)
    assert registry.complete("odd", home).lines() == []
    assert aliases(home, "odd") == {"challenger": "1"}
