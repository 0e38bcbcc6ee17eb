"""KeptModels: the models that proved themselves, kept on disk with a note of the one that served last.

With them a server starts while the registry is down. Several workers share the folder: a model is fetched aside and moved into
place whole, and the note is replaced in one step, so that whoever is killed in between leaves the state before or the one after.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from features.errors import TrialwiseError
from features.failpoints import failpoint
from features.workspace import Workspace
from models import registry
from models.artifact import folder_digest
from models.registry import ChampionRef
from serving.proving import Loaded, prove

MOST_KEPT = 3
"""How many models stay on disk: the one that serves and those used before it."""
ABANDONED_SECONDS = 3600.0
"""After so long what is still being fetched or written belongs to a process that was killed."""

NOTE = "current.json"

log = logging.getLogger("trialwise.live")


class Registry(Protocol):
    """Where models come from."""

    def champion(self, name: str) -> ChampionRef | None:
        """Return the version that serves by right."""

    def challenger(self, name: str) -> ChampionRef | None:
        """Return the version that would like to."""

    def download(self, ref: ChampionRef, destination: Path) -> Path:
        """Fetch its folder."""


class ConfiguredRegistry:
    """The registry of the environment. Its module imports MLflow when it is first asked, which is in a thread."""

    def champion(self, name: str) -> ChampionRef | None:
        """Ask by the alias."""
        return registry.champion(name)

    def challenger(self, name: str) -> ChampionRef | None:
        """Ask by the alias."""
        return registry.challenger(name)

    def download(self, ref: ChampionRef, destination: Path) -> Path:
        """Fetch the files of the version."""
        return registry.download(ref, destination)


class KeptModels:
    """The models of one workspace on this machine, and the registry that more of them come from."""

    def __init__(self, workspace: Workspace, home: Path, source: Registry) -> None:
        self.source = source
        self._workspace = workspace
        self._folder = home / "serving" / workspace.name

    def noted(self) -> ChampionRef | None:
        """Return the version that served last, or None where none ever did; what it raises is for the caller to tell."""
        try:
            return ChampionRef(**json.loads((self._folder / NOTE).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def again(self, ref: ChampionRef) -> Loaded:
        """Return a version as it was kept, proved like any other."""
        return prove(ref, self._place(ref), self._workspace)

    def kept(self, version: str, digest: str | None) -> ChampionRef | None:
        """Return the reference of a version that is kept here, of the named digest if one is named; else None."""
        if digest is not None:
            ref = ChampionRef(self._workspace.name, version, digest, "")
            return ref if self._place(ref).is_dir() else None
        places = self._folder.iterdir() if self._folder.is_dir() else ()
        found = [place for place in places if place.name.rpartition("-")[0] == version and place.is_dir()]
        for place in sorted(found, key=_age):
            try:
                ref = ChampionRef(self._workspace.name, version, folder_digest(place), "")
            except (TrialwiseError, OSError):
                continue
            if self._place(ref) == place:
                return ref
        return None

    def obtain(self, ref: ChampionRef) -> Loaded:
        """Return a version proved: as kept, else fetched."""
        place = self._place(ref)
        if place.is_dir():
            try:
                return self.again(ref)
            except (TrialwiseError, OSError) as trouble:
                log.warning("what was kept of version %s is damaged and fetched again: %s", ref.version, trouble)
                shutil.rmtree(place, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".fetch-") as aside:
            found = self.source.download(ref, Path(aside))
            failpoint("live.download")
            loaded = prove(ref, found, self._workspace)
            for file in found.iterdir():
                _to_disk(file)
            try:
                os.replace(found, place)
            except OSError:
                if not place.is_dir():  # else another worker was faster
                    raise
        return loaded

    def note(self, ref: ChampionRef) -> None:
        """Note which model serves: a server that starts with no registry begins with it."""
        aside = self._folder / f".current-{os.getpid()}.json"
        aside.write_text(json.dumps(asdict(ref)), encoding="utf-8")
        _to_disk(aside)
        failpoint("live.before_note")
        os.replace(aside, self._folder / NOTE)
        failpoint("live.noted")
        _to_disk(self._folder)

    def tidy(self, *used: ChampionRef) -> None:
        """Keep what is used, fill up with what was used last, and clear the rest away, remains of killed processes among it."""
        keep = {self._place(ref) for ref in used}
        for place in keep:
            if place.is_dir():
                os.utime(place)
        found = list(self._folder.iterdir())
        others = [path for path in found if path not in keep and not path.name.startswith(".") and path.is_dir()]
        others.sort(key=_age)
        remains = [path for path in found if path.name.startswith(".") and _age(path) > ABANDONED_SECONDS]
        for path in (*others[max(0, MOST_KEPT - len(keep)) :], *remains):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _place(self, ref: ChampionRef) -> Path:
        return self._folder / f"{ref.version}-{ref.digest[:16]}"


def _age(path: Path) -> float:
    """Return the seconds since a folder was last touched; one that another worker has just cleared away is endlessly old."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _to_disk(path: Path) -> None:
    """Have what was written outlive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
