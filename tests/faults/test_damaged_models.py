"""A model folder damaged in many ways, offered to a server that serves: nothing of it is ever scored with, and the server lives.

``TRIALWISE_FAULTS`` says how many mutations the marked test makes; 1,000 are asked for.

That is check 13 and check 14.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import random
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from features.errors import TrialwiseError
from features.workspace import Workspace, parse_workspace
from models import artifact
from models.artifact import FILES, MANIFEST
from models.registry import ChampionRef
from models.scorer import Scorer
from models.strict import write_json
from serving.kept_models import KeptModels
from serving.live import LiveModel
from serving.metrics import Metrics
from tests.serving.conftest import WORKSPACE, make_scorer


class Offered:
    """A registry that offers one folder as the next version, with whatever digest it claims."""

    def __init__(self, good: Path) -> None:
        self.folder, self.digest, self.version = good, artifact.folder_digest(good), 1

    def offer(self, folder: Path, digest: str) -> None:
        self.folder, self.digest, self.version = folder, digest, self.version + 1

    def champion(self, name: str) -> ChampionRef | None:
        return ChampionRef(name, str(self.version), self.digest, "run")

    def challenger(self, _name: str) -> ChampionRef | None:
        return None

    def download(self, _ref: ChampionRef, destination: Path) -> Path:
        shutil.copytree(self.folder, destination / "scorer", symlinks=True)
        return destination / "scorer"


class Server:
    """What a server holds of its model, with a real folder beside the good one to damage."""

    def __init__(self, workspace: Workspace, home: Path) -> None:
        self.scorer: Scorer = make_scorer(workspace, 1)
        artifact.save(self.scorer, home / "good")
        artifact.save(make_scorer(workspace, 2), home / "next")
        self.next, self.home = home / "next", home
        self.source = Offered(home / "good")
        self.live = LiveModel("acme", KeptModels(workspace, home, self.source), Metrics())
        self.live.poll()
        self.rows = np.full((3, len(self.scorer.columns)), np.nan)
        self.rows[1:] = np.random.default_rng(1).random((2, len(self.scorer.columns)))

    def probability(self) -> list[float]:
        assert self.live.current is not None
        found: list[float] = self.live.current.scorer.probability(self.rows).tolist()
        return found


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(parse_workspace(WORKSPACE, "."), tmp_path)


def flip(content: bytearray, draw: random.Random) -> None:
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def cut(content: bytearray, draw: random.Random) -> None:
    place = draw.randrange(len(content))
    del content[place : place + draw.randrange(1, 60)]


def truncate(content: bytearray, draw: random.Random) -> None:
    del content[draw.randrange(len(content)) :]


def empty(content: bytearray, _draw: random.Random) -> None:
    content.clear()


def double(content: bytearray, draw: random.Random) -> None:
    place = draw.randrange(len(content))
    content[place:place] = content[place : place + 40]


def digit(content: bytearray, draw: random.Random) -> None:
    """Change one digit into another: it stays JSON, and says something else."""
    places = [place for place, sign in enumerate(content) if chr(sign).isdigit()]
    place = draw.choice(places)
    content[place] = ord(draw.choice([one for one in "0123456789" if ord(one) != content[place]]))


DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (flip, cut, truncate, empty, double, digit)


def rehash(folder: Path) -> None:
    """Make the hashes right again over damaged content."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"] = {name: sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    (folder / MANIFEST).write_text(write_json(manifest))


def damage(folder: Path, draw: random.Random) -> str:
    """Damage a folder in one way; return the digest with which it is offered."""
    before = artifact.folder_digest(folder)
    kind = draw.choice(("bytes", "bytes", "right hashes", "right hashes", "swapped", "gone", "wrong digest"))
    name, other = draw.sample(FILES, 2)
    if kind in ("bytes", "right hashes"):
        name = draw.choice((*FILES, MANIFEST)) if kind == "bytes" else name
        content = bytearray((folder / name).read_bytes())
        draw.choice(DAMAGES)(content, draw)
        (folder / name).write_bytes(content)
        if kind == "right hashes":
            rehash(folder)
            return artifact.folder_digest(folder)
        return draw.choice((before, artifact.folder_digest(folder)))
    if kind == "swapped":
        one, two = (folder / name).read_bytes(), (folder / other).read_bytes()
        (folder / name).write_bytes(two)
        (folder / other).write_bytes(one)
        if draw.random() < 0.5:
            rehash(folder)
            return artifact.folder_digest(folder)
    elif kind == "gone":
        (folder / name).unlink()
    return before if kind != "wrong digest" else f"{draw.getrandbits(256):064x}"


def survive(server: Server, count: int, caplog: pytest.LogCaptureFixture) -> int:
    """Offer so many damaged folders; return how many were refused. What was let through must be as good as new."""
    draw, good, refused = random.Random(13), server.probability(), 0
    first = server.live.current
    for turn in range(count):
        folder = server.home / f"bad-{turn}"
        shutil.copytree(server.next, folder)
        digest = damage(folder, draw)
        server.source.offer(folder, digest)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "trialwise.live"):
            assert server.live.poll()
        if server.live.current is first:
            refused += 1
            assert server.probability() == good
            assert server.live.problem
            lines = [one for one in caplog.records if one.name == "trialwise.live"]
            assert len(lines) <= 1  # none where the sentence is the one before
            assert not any(one.exc_info for one in lines)
        else:  # it proved itself: a letter of a sentence differs, and nothing that is scored with
            artifact.load(folder, digest=digest)
            server.live.current = first
        shutil.rmtree(folder)
    return refused


def test_a_hundred_damaged_models_change_nothing(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    assert survive(server, 100, caplog) > 80


@pytest.mark.faults
def test_a_thousand_damaged_models_change_nothing(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    assert survive(server, int(os.environ.get("TRIALWISE_FAULTS") or "1000"), caplog) > 800


class Touch:
    """A pickle that leaves a mark where it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (open, (str(self.mark), "w"))


NAMES = ("model.pkl", "model.joblib", "model.skops", "model.pkl.gz", "python_model.pkl")


@pytest.mark.parametrize("place", ["beside", "instead", "as the folder", "as code"])
def test_a_poisoned_pickle_is_never_loaded(server: Server, place: str) -> None:
    mark, good = server.home / "mark", server.probability()
    poison = pickle.dumps(Touch(mark))
    pickle.loads(poison).close()  # it does work
    mark.unlink()
    for turn, name in enumerate(NAMES):
        folder = server.home / f"poisoned-{turn}"
        shutil.copytree(server.next, folder)
        digest = artifact.folder_digest(folder)
        if place == "beside":
            (folder / name).write_bytes(poison)
        elif place == "instead":
            (folder / "learner.json").write_bytes(poison)
            rehash(folder)
            digest = artifact.folder_digest(folder)
        elif place == "as code":
            (folder / "code").mkdir()
            (folder / "code" / name).write_bytes(poison)
            (folder / "code" / "__init__.py").write_text(f"open({str(mark)!r}, 'w')")
        else:
            shutil.rmtree(folder)
            folder = server.home / name
            folder.write_bytes(poison)
        with pytest.raises(TrialwiseError):
            artifact.load(folder, digest=digest)
        if folder.is_dir():
            server.source.offer(folder, digest)
            server.live.poll()
            assert server.live.problem
        assert server.probability() == good
        assert not mark.exists()
