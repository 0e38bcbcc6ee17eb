"""Which model looks at the past: the one that the ledger names, if it is still kept, proved once and kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from features.store import EventStore
from features.storing.rows import Answer
from features.workspace import Workspace
from models import artifact
from models.registry import ChampionRef
from serving.kept_models import KeptModels
from serving.past_models import MOST_LOADED, PastModels
from serving.problems import Problem
from serving.proving import Loaded
from tests.serving.conftest import FakeRegistry


@pytest.fixture
def registry(models: dict[str, Path]) -> FakeRegistry:
    return FakeRegistry({str(i): models[str(1 + i % 2)] for i in range(5)})


@pytest.fixture
def kept(workspace: Workspace, tmp_path: Path, registry: FakeRegistry) -> KeptModels:
    return KeptModels(workspace, tmp_path, registry)


@pytest.fixture
def store(store_url: str) -> Iterator[EventStore]:
    store = EventStore(store_url)
    store.migrate()
    yield store
    store.close()


def obtain(kept: KeptModels, registry: FakeRegistry, version: str) -> Loaded:
    return kept.obtain(ChampionRef("acme", version, artifact.folder_digest(registry.models[version]), "run"))


def answered(at: int, version: str, digest: str, *, lead_id: str = "a", inputs: str | None = None) -> Answer:
    return Answer(at, "lead", None, lead_id, at, version, digest, "f", 0.1, "lead", inputs)


def test_the_last_score_of_the_lead_by_then_names_the_model(kept: KeptModels, registry: FakeRegistry, store: EventStore) -> None:
    old, new = obtain(kept, registry, "1"), obtain(kept, registry, "2")
    store.add_answers(
        [
            answered(10, "2", new.ref.digest, lead_id="b"),
            answered(10, "1", old.ref.digest),
            answered(20, "2", new.ref.digest, inputs="{}"),
            answered(30, "2", new.ref.digest),
        ]
    )
    past = PastModels(kept, store)
    found = [past.then("a", at, new, None) for at in (9, 10, 29, 30)]
    assert [(one.by, one.loaded.ref.version) for one in found] == [
        ("current", "2"),
        ("ledger", "1"),
        ("ledger", "1"),
        ("ledger", "2"),
    ]
    assert [one.warning and one.warning[0] for one in found] == ["model_then_unknown", None, None, None]
    assert found[1].loaded is found[2].loaded
    assert found[3].loaded is new


def test_a_model_that_is_gone_is_said_to_be(kept: KeptModels, registry: FakeRegistry, store: EventStore) -> None:
    new = obtain(kept, registry, "2")
    store.add_answers([answered(10, "7", "0" * 64)])
    found = PastModels(kept, store).then("a", 10, new, None)
    assert (found.by, found.loaded is new, found.warning and found.warning[0]) == ("current", True, "model_not_kept")


def test_a_model_that_does_not_prove_itself_is_not_used(
    kept: KeptModels, registry: FakeRegistry, store: EventStore, tmp_path: Path
) -> None:
    old, new = obtain(kept, registry, "1"), obtain(kept, registry, "2")
    store.add_answers([answered(10, "1", old.ref.digest)])
    (file,) = (tmp_path / "serving" / "acme").glob("1-*/golden.json")
    file.write_text("{}", encoding="utf-8")
    assert PastModels(kept, store).then("a", 10, new, None).by == "current"


def test_only_a_few_stay_in_memory(kept: KeptModels, registry: FakeRegistry, store: EventStore) -> None:
    current = obtain(kept, registry, "0")
    for version in ("1", "2", "3"):
        obtain(kept, registry, version)
    past = PastModels(kept, store)
    first = past.then("a", 1, current, "1")
    assert (first.by, first.loaded.ref.version) == ("asked", "1")
    assert past.then("a", 1, current, "1").loaded is first.loaded
    for version in ("2", "3"):
        past.then("a", 1, current, version)
    assert len(past._loaded) == MOST_LOADED
    assert past.then("a", 1, current, "1").loaded is not first.loaded
    assert past.then("a", 1, current, "0").loaded is current
    with pytest.raises(Problem):
        past.then("a", 1, current, "9")
