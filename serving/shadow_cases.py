"""Shadow cases: how each kind of answered lead is scored once more, by a model that may see other features in it.

Stored leads are read again, as of the instant of their answer, and posted ones are read again from what was posted: each model
makes its own features of them. A vector of features is comparable only between models of the same definition.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from features.matrix import FeatureMatrix
from features.store import EventStore
from features.workspace import Workspace
from models.answer import Asked, score_records
from serving.feature_table import part_of
from serving.proving import Loaded
from serving.scoring import Record, Wish, asked_of, score_matrix, score_standings
from serving.shadow import Again
from serving.stateless import Posted, read_posted

LONGEST = 64_000
"""A posted lead of more characters is not kept until it is its turn."""


def stored_again(workspace: Workspace, store: EventStore, lead_ids: Sequence[str], as_of: int) -> Again:
    """Score stored leads again, unless they were forgotten since."""

    def again(challenger: Loaded, place: int) -> Record | None:
        stored = store.lead(lead_ids[place])
        standing = None if stored is None else challenger.view.standing(stored, as_of)
        if standing is None or standing.ignored:
            return None
        return score_standings(challenger, store, [standing], as_of, _asked(workspace, challenger))[0]

    return again


def posted_again(workspace: Workspace, champion: Loaded, posted: Sequence[Posted], as_of: int) -> Again:
    """Score posted leads again, from their own words."""
    texts = [one.inputs if len(one.inputs) <= LONGEST else None for one in posted]

    def again(challenger: Loaded, place: int) -> Record | None:
        text = texts[place]
        item = None if text is None else json.loads(text)
        if item is None or (item.get("features") is not None and not _same_features(champion, challenger)):
            return None
        lead = read_posted(item, workspace, challenger, as_of)
        started = np.array([lead.started_at], dtype=np.int64)
        return score_matrix(challenger, lead.row, [lead.lead_id], _asked(workspace, challenger), started=started)[0]

    return again


def rows_again(
    workspace: Workspace, champion: Loaded, rows: FeatureMatrix, ages: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> Again:
    """Score rows of features again; `ages` (days) go by row."""

    def again(challenger: Loaded, place: int) -> Record | None:
        if not _same_features(champion, challenger):
            return None
        row, age = part_of(rows, slice(place, place + 1)), ages[place : place + 1]
        return dict(score_records(challenger.scorer, row, [""], _asked(workspace, challenger), ages=age)[0])

    return again


def _same_features(one: Loaded, other: Loaded) -> bool:
    return one.scorer.definition.fingerprint == other.scorer.definition.fingerprint


def _asked(workspace: Workspace, loaded: Loaded) -> Asked:
    return asked_of(loaded, Wish(0, workspace.language))
