"""The champion, fetched and checked: what the command line, notebooks and retraining score with."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from features.definition import Definition
from features.errors import InputError
from features.workspace import Workspace
from models import registry
from models.artifact import load
from models.registry import ChampionRef
from models.registry.signing import need_signed
from models.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Champion:
    """The version that serves, and the model itself."""

    ref: ChampionRef
    scorer: Scorer


def find_champion(name: str, home: Path | None = None) -> Champion | None:
    """Return the champion of a workspace if it has one, read strictly and checked against its registered digest.

    Raises
    ------
    StoppedError
        A promotion key is set, and the alias names a version that was not promoted with it.
    """
    ref = registry.champion(name, home)
    if ref is None:
        return None
    need_signed(ref)
    with tempfile.TemporaryDirectory() as scratch:
        folder = registry.download(ref, Path(scratch), home)
        return Champion(ref, load(folder, digest=ref.digest))


def need_champion(name: str, home: Path | None = None) -> Champion:
    """Return the champion, or say that there is none."""
    found = find_champion(name, home)
    if found is None:
        raise InputError(
            "There is no model to score with",
            given=f"workspace {name!r} without a champion",
            expected="a promoted model",
            do="run trialwise train; where its verdict is no usable signal, nothing is promoted",
        )
    return found


def same_mapping(ws: Workspace, definition: Definition) -> bool:
    """Tell whether a definition says what the workspace file says, whatever was learnt from data beside it."""
    return definition.model_copy(update={"vocabulary": {}, "categories": {}, "bounds": {}}) == ws.definition()
