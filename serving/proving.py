"""Proving: what a model folder has to show before anything is scored with it, whoever names it, champion or challenger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.clock import DAY_US
from features.definition import Definition
from features.matrix import LiveLead, compute_one
from features.workspace import Workspace
from models import artifact
from models.errors import damaged
from models.phrasing import LANGUAGES, Phrasing
from models.registry import ChampionRef
from models.scorer import Scorer
from models.stages import StageRules
from serving.view import View


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that passed every check: one object, so that whoever holds it holds parts of one version only."""

    ref: ChampionRef
    scorer: Scorer
    view: View
    differs: tuple[str, ...]
    """The keys in which the server's workspace says something else than the model's own definition."""
    words: Mapping[str, Phrasing]
    """How its reasons are told, by language."""
    stages: StageRules
    """Which of its leads are qualified."""


def prove(ref: ChampionRef, folder: Path, workspace: Workspace) -> Loaded:
    """Read a model folder and let it show that it is the one the registry names and gives the scores it gave when written.

    Then it explains a probe: a lead of which nothing is known but its start. That also compiles whatever the first request
    would have waited for.

    Raises
    ------
    ModelError
        Something about it is not as it was written.
    """
    scorer = artifact.load(folder, digest=ref.digest)
    view = View(workspace, scorer.definition, scorer.feature_set)
    probe = LiveLead("probe", 0, [], {}, [])
    matrix = compute_one(scorer.feature_set, view.plan, probe, DAY_US)
    found = scorer.explain(scorer.select(matrix.features.names, matrix.values))
    if not np.all((found.probability >= 0) & (found.probability <= 1)):
        raise damaged("The model gives no probability", given=str(found.probability[:1]), expected="a number from 0 to 1")
    differs = differing_keys(workspace, scorer.definition)
    words = {language: Phrasing.of(workspace, language) for language in LANGUAGES}
    return Loaded(ref, scorer, view, differs, words, StageRules.of(workspace, scorer))


def differing_keys(workspace: Workspace, definition: Definition) -> tuple[str, ...]:
    """Return the keys whose meaning differs between a workspace file and a model, whatever the model learnt beside them."""
    ours, theirs = workspace.definition().model_dump(), definition.model_dump()
    learnt = ("vocabulary", "categories", "bounds")
    return tuple(sorted(key for key in ours if key not in learnt and ours[key] != theirs.get(key)))
