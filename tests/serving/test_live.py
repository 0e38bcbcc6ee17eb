"""The live model: followed by alias, proved before it serves, and the last good one stays whatever happens (check 11)."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from features.errors import OutsideError
from features.workspace import Workspace
from models import artifact
from models.registry.signing import KEY
from serving.kept_models import KeptModels
from serving.live import LiveModel
from serving.metrics import Metrics
from tests.serving.conftest import FakeRegistry, wait_for


@pytest.fixture
def live(workspace: Workspace, tmp_path: Path, registry: FakeRegistry) -> LiveModel:
    return live_model(workspace, tmp_path, registry)


def live_model(workspace: Workspace, home: Path, registry: FakeRegistry) -> LiveModel:
    return LiveModel(workspace.name, KeptModels(workspace, home, registry), Metrics(), poll_seconds=0.02)


def version(live: LiveModel) -> str | None:
    return live.current.ref.version if live.current else None


def test_a_promotion_is_followed(live: LiveModel, registry: FakeRegistry) -> None:
    registry.version = None
    assert live.poll()
    assert (version(live), live.problem) == (None, "The registry names no champion.")
    for promoted in ("1", "2", "1"):
        registry.version = promoted
        assert live.poll()
        assert (version(live), live.problem) == (promoted, None)


def test_an_alias_that_vanishes_takes_no_model_away(live: LiveModel, registry: FakeRegistry) -> None:
    live.poll()
    registry.version = None
    live.poll()
    assert version(live) == "1"


def test_a_model_of_another_digest_never_serves(live: LiveModel, registry: FakeRegistry) -> None:
    live.poll()
    registry.version, registry.digest = "2", "0" * 64
    for _ in range(3):
        assert live.poll()
    assert version(live) == "1"
    assert live.problem is not None
    assert registry.downloads == 2  # the refused one is not fetched again at once, and does not keep a good one waiting
    registry.digest = None
    assert live.poll()
    assert version(live) == "2"


@pytest.mark.parametrize("name", [*artifact.FILES, artifact.MANIFEST])
def test_one_changed_byte_in_any_file_is_refused(
    live: LiveModel, registry: FakeRegistry, tmp_path: Path, models: dict[str, Path], name: str
) -> None:
    live.poll()
    bad = tmp_path / "bad"
    shutil.copytree(models["2"], bad)
    content = bytearray((bad / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bad / name).write_bytes(bytes(content))
    registry.models = models | {"2": bad}
    registry.digest = artifact.folder_digest(models["2"])
    registry.version = "2"
    assert live.poll()
    assert version(live) == "1"
    assert live.problem is not None


def test_what_the_registry_throws_leaves_the_model_and_says_so(live: LiveModel, registry: FakeRegistry) -> None:
    live.poll()
    registry.is_down = True
    assert not live.poll()
    assert (version(live), live.is_stale) == ("1", True)
    registry.is_down = False
    assert live.poll()
    assert not live.is_stale


def test_a_refused_version_is_tried_again_later(
    live: LiveModel, registry: FakeRegistry, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.digest = artifact.folder_digest(models["2"])
    assert live.poll()
    assert version(live) is None
    registry.models = {"1": models["2"]}
    assert live.poll()
    assert version(live) is None
    later = time.monotonic() + 61
    monkeypatch.setattr("serving.live.time.monotonic", lambda: later)
    assert live.poll()
    assert (version(live), live.problem) == ("1", None)


def test_with_a_promotion_key_an_alias_moved_by_hand_is_not_followed(
    live: LiveModel, workspace: Workspace, tmp_path: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "one key")
    registry.sign("acme")
    assert live.poll()
    assert (version(live), live.problem) == ("1", None)
    registry.version = "2"  # with the signature of version 1
    assert live.poll()
    assert (version(live), live.is_stale, registry.downloads) == ("1", False, 1)  # it is not even fetched
    assert live.problem is not None
    assert live.problem.startswith("version 2 of acme was not promoted with the key of TRIALWISE_PROMOTION_KEY")
    second = live_model(workspace, tmp_path, registry)
    second.restore()
    assert version(second) == "1"
    registry.sign("acme")
    assert live.poll()
    assert (version(live), live.problem) == ("2", None)
    monkeypatch.setenv(KEY, "another key")
    third = live_model(workspace, tmp_path, registry)
    third.restore()
    assert version(third) is None
    monkeypatch.delenv(KEY)
    registry.version, registry.signature = "1", ""
    assert live.poll()
    assert version(live) == "1"


def test_a_download_that_is_cut_is_tried_again(live: LiveModel, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object) -> Path:
        raise OutsideError("the model registry failed", given="x", expected="y", do="z")

    with monkeypatch.context() as broken:
        broken.setattr(registry, "download", cut)
        assert not live.poll()
    assert live.poll()
    assert version(live) == "1"


class _ClientError(Exception):
    """As boto3 raises it: nothing that we know."""


_ClientError.__module__ = "botocore.exceptions"


@pytest.mark.parametrize("broken", ["champion", "download"])
def test_trouble_of_an_unknown_kind_leaves_the_model_and_is_told(
    live: LiveModel, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fails(*_: object) -> None:
        raise _ClientError("AccessDenied: secret")

    assert live.poll()
    registry.version = "2"
    with monkeypatch.context() as patched:
        patched.setattr(registry, broken, fails)
        for _ in range(2):
            assert not live.poll()
            assert (version(live), live.is_stale) == ("1", True)
            assert live.problem == "The champion cannot be followed (_ClientError)."
    assert live.poll()
    assert (version(live), live.is_stale, live.problem) == ("2", False, None)


def test_trouble_is_asked_about_at_most_once_a_minute_in_the_end(live: LiveModel, registry: FakeRegistry) -> None:
    waited: list[float] = []

    class Clock:
        def wait(self, pause: float) -> bool:
            waited.append(pause)
            registry.is_down = len(waited) < 20
            return len(waited) == 22

    live._stop = Clock()  # type: ignore[assignment]  # nobody waits in earnest
    live._run()
    assert waited[:4] == [0.0, 0.04, 0.08, 0.16]
    assert waited[15:20] == [60.0] * 5
    assert waited[20:] == [0.02, 0.02]


def test_a_registry_that_does_not_answer_for_long_is_noticed(live: LiveModel, monkeypatch: pytest.MonkeyPatch) -> None:
    live.poll()
    assert not live.is_stale
    later = time.monotonic() + 60
    monkeypatch.setattr("serving.live.time.monotonic", lambda: later)
    assert live.is_stale


def test_the_last_good_model_serves_with_the_registry_down(
    live: LiveModel, workspace: Workspace, tmp_path: Path, registry: FakeRegistry
) -> None:
    live.poll()
    registry.is_down = True
    second = live_model(workspace, tmp_path, registry)
    second.start()
    wait_for(lambda: second.is_stale)
    second.stop()
    assert version(second) == "1"


def test_a_kept_model_that_was_damaged_is_fetched_again(
    live: LiveModel, workspace: Workspace, tmp_path: Path, registry: FakeRegistry
) -> None:
    live.poll()
    kept = next(path for path in (tmp_path / "serving" / "acme").iterdir() if path.is_dir())
    (kept / "learner.json").write_text("{}", encoding="utf-8")
    second = live_model(workspace, tmp_path, registry)
    second.restore()
    assert second.current is None
    assert second.poll()
    assert version(second) == "1"
    assert json.loads((kept / "learner.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x"}', '{"name":"acme","version":"../..","digest":"","run_id":""}'])
def test_a_broken_pointer_is_no_model(live: LiveModel, tmp_path: Path, text: str) -> None:
    pointer = tmp_path / "serving" / "acme" / "current.json"
    pointer.parent.mkdir(parents=True)
    pointer.write_text(text, encoding="utf-8")
    live.restore()
    assert live.current is None


def test_the_thread_follows_by_itself_and_slows_down_in_trouble(live: LiveModel, registry: FakeRegistry) -> None:
    live.start()
    wait_for(lambda: version(live) == "1")
    registry.version = "2"
    wait_for(lambda: version(live) == "2")
    registry.is_down = True
    wait_for(lambda: live.is_stale)
    registry.is_down = False
    wait_for(lambda: not live.is_stale)
    live.stop()
