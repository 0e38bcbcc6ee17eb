"""LiveModel: the champion, followed by its alias. A model serves only after it has proved itself, and the last good one stays.

A new champion is fetched into a folder of its own (where a promotion key is set, only if it was promoted with that key), its
digest compared with the one the registry names, read by the strict reader, made to give its golden scores again, and warmed.
Only then one assignment puts it in place: a request takes the model once and keeps it to the end. The registry is asked in a
thread, so a slow or dead registry slows nobody down.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from features.clock import DAY_US
from features.definition import Definition
from features.errors import OutsideError, TrialwiseError
from features.matrix import LiveLead, compute_one
from features.workspace import Workspace
from models import artifact, registry
from models.registry import ChampionRef
from models.registry.signing import need_signed
from models.scorer import Scorer
from serving.metrics import Metrics
from serving.view import View

LONGEST_PAUSE = 60.0
"""So long at most a registry in trouble is left alone, and so long a version that was refused, in case it is repaired."""
PATIENCE = 10.0
"""How much longer than between two questions an answer of the registry may take before the model counts as perhaps outdated."""

MOST_KEPT = 3
"""How many models stay on disk: the one that serves and those before it."""

log = logging.getLogger("trialwise.live")


class Registry(Protocol):
    """Where champions come from."""

    def champion(self, name: str) -> ChampionRef | None:
        """Return the version that serves by right."""

    def download(self, ref: ChampionRef, destination: Path) -> Path:
        """Fetch its folder."""


class _Configured:
    """The registry of the environment. Its module imports MLflow when it is first asked, which is in the thread."""

    def champion(self, name: str) -> ChampionRef | None:
        return registry.champion(name)

    def download(self, ref: ChampionRef, destination: Path) -> Path:
        return registry.download(ref, destination)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that passed every check."""

    ref: ChampionRef
    scorer: Scorer
    view: View
    differs: tuple[str, ...]
    """The keys in which the server's workspace says something else than the model's own definition."""


class LiveModel:
    """The model that answers now, if any."""

    def __init__(
        self, workspace: Workspace, home: Path, metrics: Metrics, *, poll_seconds: float = 3.0, source: Registry | None = None
    ) -> None:
        self._workspace = workspace
        self._folder = home / "serving" / workspace.name
        self._metrics = metrics
        self._poll_seconds = poll_seconds
        self._source = source or _Configured()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-model", daemon=True)
        self.current: Loaded | None = None
        self.problem: str | None = None
        """Why the champion of the registry does not serve, in one sentence; None while it does."""
        self._failing = False
        self._answered_at = time.monotonic()
        metrics.model_stale.set_function(lambda: float(self.is_stale))
        self._refused: ChampionRef | None = None
        self._try_again_at = 0.0

    @property
    def is_stale(self) -> bool:
        """Tell whether the model may be outdated, since following fails, or the registry has not answered for too long."""
        return self._failing or time.monotonic() - self._answered_at > self._poll_seconds + PATIENCE

    def start(self) -> None:
        """Put the last good model in place, then follow the alias."""
        self.restore()
        self._thread.start()

    def stop(self) -> None:
        """Stop following. A thread that waits for a dead registry is not waited for."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def restore(self) -> None:
        """Load the last good model from disk, checked like any other."""
        pointer = self._folder / "current.json"
        try:
            ref = ChampionRef(**json.loads(pointer.read_text(encoding="utf-8")))
            need_signed(ref)
            self._put(ref, prove(ref, self._kept(ref), self._workspace))
        except FileNotFoundError:
            return
        except (TrialwiseError, OSError, ValueError, TypeError) as trouble:
            log.warning("the last good model cannot be used: %s", trouble)

    def poll(self) -> bool:
        """Ask the registry once and follow it; return False if it, what keeps its files or the disk failed.

        Whatever they come up with, what serves goes on serving.
        """
        good = False
        try:
            ref = self._source.champion(self._workspace.name)
            self._answered_at = time.monotonic()
            self._follow(ref)
            good = True
        except (TrialwiseError, OSError) as trouble:
            self._fail(str(trouble))
        except Exception as trouble:
            self._fail(f"The champion cannot be followed ({type(trouble).__name__}).", trouble)
        self._failing = not good
        return good

    def _follow(self, ref: ChampionRef | None) -> None:
        """Put the champion in place, unless it serves already, does not prove itself, or was refused just now."""
        if ref is None:
            self.problem = "The registry names no champion."
            return
        if self.current is not None and self.current.ref == ref:
            self.problem = None
            return
        if self._refused == ref and time.monotonic() < self._try_again_at:
            return
        try:
            need_signed(ref)
            loaded = self._obtain(ref)
            self._put(ref, loaded)
            self._remember(ref)
        except OutsideError:
            raise
        except TrialwiseError as refusal:
            self._refused, self._try_again_at = ref, time.monotonic() + LONGEST_PAUSE
            self._metrics.model_refused.inc()
            self._fail(str(refusal))
            return
        self.problem = None
        log.info("version %s of %s serves", ref.version, ref.name)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            pause = self._poll_seconds if self.poll() else min(LONGEST_PAUSE, max(pause, self._poll_seconds) * 2)

    def _fail(self, sentence: str, trouble: Exception | None = None) -> None:
        if sentence != self.problem:
            log.warning("%s", sentence, exc_info=trouble)
        self.problem = sentence

    def _kept(self, ref: ChampionRef) -> Path:
        return self._folder / f"{ref.version}-{ref.digest[:16]}"

    def _obtain(self, ref: ChampionRef) -> Loaded:
        """Return a version proved: as kept, else downloaded aside and moved into place whole, by several workers at once."""
        kept = self._kept(ref)
        if kept.is_dir():
            try:
                return prove(ref, kept, self._workspace)
            except (TrialwiseError, OSError) as trouble:
                log.warning("what was kept of version %s is damaged and fetched again: %s", ref.version, trouble)
                shutil.rmtree(kept, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".fetch-") as aside:
            found = self._source.download(ref, Path(aside))
            loaded = prove(ref, found, self._workspace)
            try:
                os.replace(found, kept)
            except OSError:
                if not kept.is_dir():
                    raise
        return loaded

    def _put(self, ref: ChampionRef, loaded: Loaded) -> None:
        self.current = loaded
        self._metrics.model.clear()
        self._metrics.model.labels(ref.version).set(1)

    def _remember(self, ref: ChampionRef) -> None:
        """Note which model was good, and clear away those of long ago."""
        aside = self._folder / f".current-{os.getpid()}.json"
        aside.write_text(json.dumps(asdict(ref)), encoding="utf-8")
        os.replace(aside, self._folder / "current.json")
        os.utime(self._kept(ref))
        others = [path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        others.remove(self._kept(ref))
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others[MOST_KEPT - 1 :]:
            shutil.rmtree(path, ignore_errors=True)


def prove(ref: ChampionRef, folder: Path, workspace: Workspace) -> Loaded:
    """Read a model folder and let it show that it is the one the registry names and gives the scores it gave when written."""
    scorer = artifact.load(folder, digest=ref.digest)
    view = View(workspace, scorer.definition, scorer.feature_set)
    probe = LiveLead("probe", 0, [], {}, [])
    matrix = compute_one(scorer.feature_set, view.plan, probe, DAY_US)
    scorer.explain(scorer.select(matrix.features.names, matrix.values))
    return Loaded(ref, scorer, view, differing_keys(workspace, scorer.definition))


def differing_keys(workspace: Workspace, definition: Definition) -> tuple[str, ...]:
    """Return the keys whose meaning differs between a workspace file and a model, whatever the model learnt beside them."""
    ours, theirs = workspace.definition().model_dump(), definition.model_dump()
    learnt = ("vocabulary", "categories", "bounds")
    return tuple(sorted(key for key in ours if key not in learnt and ours[key] != theirs.get(key)))
