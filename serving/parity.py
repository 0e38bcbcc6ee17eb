"""``trialwise parity``: answers that were given are computed again, and each has to come out the same to the last bit.

A stored lead is looked at as it was known at the time of its answer, by the model that answered; what was posted is scored again
as it was posted. What was stored of a lead only after its answer, though it happened and counts as known before, is no fault of
anybody: such answers are counted apart, and so are those whose model is nowhere to be had any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from features.clock import format_us
from features.errors import TrialwiseError
from features.store import EventStore
from features.storing.answered import Noted, read_noted, sample_answers
from features.storing.holdings import person_of
from features.storing.late import forgotten_since, is_late, with_mates
from features.workspace import Workspace, load_workspace
from models import registry
from models.registry import ChampionRef
from serving.answers_again import NoAnswer, answer_again, same_bits
from serving.kept_models import ConfiguredRegistry, KeptModels
from serving.proving import Loaded
from serving.settings import Settings

SAMPLE = 10_000
CHUNK = 500
MOST_SHOWN = 10
WAIT_MS = 10_000

Find = Callable[[str, str], Loaded | None]
"""Returns the model of a version and a digest, or None where it is gone."""


@dataclass(slots=True)
class Parity:
    """What came of computing answers again."""

    answers: int = 0
    """How many there are in all."""
    checked: int = 0
    same: int = 0
    mismatches: int = 0
    late: int = 0
    """Something of the lead, or of its account, was stored after the answer."""
    mates_forgotten: int = 0
    """Since the answer somebody was forgotten, perhaps of the same account."""
    stages_differ: int = 0
    """The probability is the same and the stage is not: the workspace file has other rules now."""
    without_model: Counter[str] = field(default_factory=Counter)
    """By version, the answers whose model is not to be had."""
    shown: list[dict[str, Any]] = field(default_factory=list)
    """A few of the mismatches."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as a report."""
        names = ("answers", "checked", "same", "mismatches", "late", "mates_forgotten", "stages_differ")
        told: dict[str, Any] = {name: getattr(self, name) for name in names}
        return told | {"without_model": dict(sorted(self.without_model.items())), "shown": self.shown}

    def lines(self) -> list[str]:
        """Return it for people."""
        found = [f"{self.checked:,} of {self.answers:,} answers checked: {self.same:,} the same, {self.mismatches:,} not."]
        if self.late:
            found.append(f"{self.late:,} came out otherwise since something of the lead was stored after the answer.")
        if self.mates_forgotten:
            found.append(f"{self.mates_forgotten:,} came out otherwise since a lead was forgotten that may have been a mate.")
        if self.stages_differ:
            found.append(f"{self.stages_differ:,} have another stage: the workspace file has other rules now.")
        found += [f"{number:,} by version {name}, which is not to be had." for name, number in sorted(self.without_model.items())]
        for one in self.shown:
            told = (one["lead_id"], one["as_of"], f"answered {one['answered']!r}", f"now {one['again']!r}")
            found.append("  ".join(str(part) for part in told))
        return found


def run_parity(
    path: str | Path, *, sample: int = SAMPLE, progress: Callable[[int, int], None] | None = None, find: Find | None = None
) -> Parity:
    """Compute a sample of the answers of the ledger again."""
    workspace = load_workspace(path)
    settings = Settings.from_environment()
    store = EventStore(settings.database_url, wait_ms=WAIT_MS)
    try:
        store.migrate()
        return check_parity(workspace, store, find or _Models(workspace, settings.home).find, sample=sample, progress=progress)
    finally:
        store.close()


def check_parity(
    workspace: Workspace,
    store: EventStore,
    find: Find,
    *,
    sample: int = SAMPLE,
    progress: Callable[[int, int], None] | None = None,
) -> Parity:
    """Compute a sample of the answers of a store again."""
    found = Parity()
    with store.reading() as connection:
        found.answers, numbers = sample_answers(connection, sample)
    for start in range(0, len(numbers), CHUNK):
        with store.reading() as connection:
            lines = read_noted(connection, numbers[start : start + CHUNK])
        for noted in lines:
            loaded = find(noted.model_version, noted.model_digest)
            if loaded is None:
                found.without_model[noted.model_version] += 1
            else:
                _check(found, noted, loaded, store, workspace)
        if progress is not None:
            progress(min(start + CHUNK, len(numbers)), len(numbers))
    return found


def _check(found: Parity, noted: Noted, loaded: Loaded, store: EventStore, workspace: Workspace) -> None:
    found.checked += 1
    try:
        record = answer_again(noted, loaded, store, workspace)
    except NoAnswer:
        record = {"probability": None, "stage": None}
    if record["stage"] is not None and same_bits(noted.probability, record["probability"]):
        found.same += 1
        found.stages_differ += record["stage"] != noted.stage
        return
    reason = None if noted.inputs is not None else _reason(noted, loaded, store)
    if reason == "late":
        found.late += 1
    elif reason == "mates_forgotten":
        found.mates_forgotten += 1
    else:
        found.mismatches += 1
        if len(found.shown) < MOST_SHOWN:
            found.shown.append(_shown(noted, record["probability"]))


def _reason(noted: Noted, loaded: Loaded, store: EventStore) -> str | None:
    """Return what explains that an answer about a stored lead comes out otherwise now, if anything does."""
    with store.reading() as connection:
        ids = person_of(connection, noted.lead_id)
        over_mates = loaded.view.features.over_mates
        everybody = with_mates(connection, ids) if over_mates else ids
        if is_late(connection, everybody, noted.at, noted.at if noted.as_of is None else noted.as_of):
            return "late"
        return "mates_forgotten" if over_mates and forgotten_since(connection, noted.at) else None


def _shown(noted: Noted, again: float | None) -> dict[str, Any]:
    return {
        "lead_id": noted.lead_id,
        "door": noted.door,
        "at": format_us(noted.at),
        "as_of": None if noted.as_of is None else format_us(noted.as_of),
        "model_version": noted.model_version,
        "answered": noted.probability,
        "again": again,
    }


class _Models:
    """Models by version and digest: kept by a server on this machine, else from the registry; each is looked for once."""

    def __init__(self, workspace: Workspace, home: Path) -> None:
        self._name = workspace.name
        self._kept = KeptModels(workspace, home, ConfiguredRegistry())
        self._found: dict[tuple[str, str], Loaded | None] = {}

    def find(self, version: str, digest: str) -> Loaded | None:
        """Return a model, or None where it is gone."""
        key = (version, digest)
        if key not in self._found:
            self._found[key] = self._look_for(version, digest)
        return self._found[key]

    def _look_for(self, version: str, digest: str) -> Loaded | None:
        try:
            return self._kept.again(ChampionRef(self._name, version, digest, ""))
        except (TrialwiseError, OSError):
            pass
        try:
            ref = registry.version(self._name, version)
            return None if ref is None or ref.digest != digest else self._kept.obtain(ref)
        except (TrialwiseError, OSError):
            return None
