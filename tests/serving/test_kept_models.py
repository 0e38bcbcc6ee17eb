"""What is kept on disk: what is used, a few more, never the remains of the killed."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from features.workspace import Workspace
from models import artifact
from models.registry import ChampionRef
from serving.kept_models import ABANDONED_SECONDS, KeptModels
from tests.serving.conftest import FakeRegistry


@pytest.fixture
def registry(models: dict[str, Path]) -> FakeRegistry:
    return FakeRegistry({str(i): models[str(1 + i % 2)] for i in range(8)})


@pytest.fixture
def kept(workspace: Workspace, tmp_path: Path, registry: FakeRegistry) -> KeptModels:
    return KeptModels(workspace, tmp_path, registry)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "serving" / "acme"


def ref(registry: FakeRegistry, version: str) -> ChampionRef:
    return ChampionRef("acme", version, artifact.folder_digest(registry.models[version]), "run")


def versions(place: Path) -> set[str]:
    return {path.name.partition("-")[0] for path in place.iterdir() if path.is_dir()}


def test_a_model_is_fetched_once(kept: KeptModels, registry: FakeRegistry) -> None:
    for _ in range(3):
        assert kept.obtain(ref(registry, "1")).ref.version == "1"
    assert registry.downloads == 1


def test_only_models_in_use_and_the_newest_others_stay(kept: KeptModels, registry: FakeRegistry, place: Path) -> None:
    for number in range(6):
        champion = ref(registry, str(number))
        kept.obtain(champion)
        os.utime(place / f"{number}-{champion.digest[:16]}", (number, number))
    kept.tidy(ref(registry, "0"), ref(registry, "2"))
    assert versions(place) == {"0", "2", "5"}
    kept.tidy(*(ref(registry, str(number)) for number in (0, 2, 5, 7)))
    assert versions(place) == {"0", "2", "5"}


def test_what_a_killed_process_left_half_done_is_cleared_away_later(
    kept: KeptModels, registry: FakeRegistry, place: Path
) -> None:
    kept.obtain(ref(registry, "1"))
    for name, age in (("young", 10.0), ("old", ABANDONED_SECONDS + 60)):
        (place / f".fetch-{name}").mkdir()
        (place / f".current-{name}.json").write_text("{", encoding="utf-8")
        for path in (place / f".fetch-{name}", place / f".current-{name}.json"):
            os.utime(path, (time.time() - age,) * 2)
    kept.tidy(ref(registry, "1"))
    assert {path.name for path in place.iterdir() if path.name.startswith(".")} == {".fetch-young", ".current-young.json"}


def test_the_note_is_what_was_noted_last(kept: KeptModels, registry: FakeRegistry, place: Path) -> None:
    assert kept.noted() is None
    place.mkdir(parents=True)
    for version in ("1", "2"):
        kept.note(ref(registry, version))
        assert kept.noted() == ref(registry, version)
    assert [path.name for path in place.iterdir()] == ["current.json"]
    assert json.loads((place / "current.json").read_text())["version"] == "2"


def test_another_worker_may_be_faster(
    kept: KeptModels, registry: FakeRegistry, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, real = ref(registry, "1"), registry.download

    def late(ref: ChampionRef, destination: Path) -> Path:
        found = real(ref, destination)
        shutil.copytree(found, place / f"1-{ref.digest[:16]}")
        return found

    monkeypatch.setattr(registry, "download", late)
    assert kept.obtain(wanted).ref == wanted
    assert versions(place) == {"1"}
    assert kept.again(wanted).ref == wanted


def test_a_folder_that_cannot_be_moved_into_place_is_the_disks_trouble(
    kept: KeptModels, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("serving.kept_models.os.replace", full)
    with pytest.raises(OSError, match="No space"):
        kept.obtain(ref(registry, "1"))


def test_a_version_is_found_among_what_is_kept(kept: KeptModels, registry: FakeRegistry, place: Path) -> None:
    assert kept.kept("1", None) is None
    wanted = ref(registry, "1")
    kept.obtain(wanted)
    found = kept.kept("1", None)
    assert found is not None
    assert (found.version, found.digest) == (wanted.version, wanted.digest)
    assert kept.again(found).ref == found
    assert kept.kept("1", wanted.digest) == found
    for version, digest in (("2", None), ("1", "0" * 64), ("", None), ("..", None), ("1/..", None)):
        assert kept.kept(version, digest) is None
    (place / f"1-{wanted.digest[:16]}" / "manifest.json").unlink()
    assert kept.kept("1", None) is None
