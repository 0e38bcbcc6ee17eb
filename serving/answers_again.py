"""An answer of the ledger computed again, from what the store knew by then or from what the caller had posted."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from features.store import EventStore
from features.storing.answered import Noted
from features.workspace import Workspace
from serving.items import RefusedCall, read_moment
from serving.proving import Loaded
from serving.scoring import Record, Wish, asked_of, score_matrix, score_standings
from serving.stateless import read_posted, vector


class NoAnswer(Exception):
    """There is nothing to be answered any more."""


def answer_again(noted: Noted, loaded: Loaded, store: EventStore, workspace: Workspace) -> Record:
    """Return the answer as it would be given again.

    Raises
    ------
    NoAnswer
        What was posted is refused now, or there is no such lead.
    """
    as_of = noted.at if noted.as_of is None else noted.as_of
    asked = asked_of(loaded, Wish(0, workspace.language))
    if noted.inputs is None:
        stored = store.lead(noted.lead_id)
        standing = None if stored is None else loaded.view.standing(stored, as_of)
        if standing is None:
            raise NoAnswer
        return score_standings(loaded, store, [standing], as_of, asked)[0]
    item = json.loads(noted.inputs)
    try:
        if item.get("features") is not None:
            return _of_features(item, loaded, workspace, as_of)
        posted = read_posted(item, workspace, loaded, as_of)
    except RefusedCall:
        raise NoAnswer from None
    started = np.array([posted.started_at], dtype=np.int64)
    return score_matrix(loaded, posted.row, [posted.lead_id], asked, started=started)[0]


def _of_features(item: dict[str, Any], loaded: Loaded, workspace: Workspace, as_of: int) -> Record:
    """Return the answer to a whole vector; tables are posted without ids and starts, so these are not asked for."""
    told = item.get("started_at")
    started = as_of if told is None else read_moment(told, workspace.timezone)
    matrix = vector(loaded.view, item["features"], as_of, started)
    asked = asked_of(loaded, Wish(0, workspace.language))
    return score_matrix(loaded, matrix, [str(item.get("lead_id", ""))], asked, started=np.array([started], dtype=np.int64))[0]


def same_bits(one: float | None, other: float | None) -> bool:
    """Tell whether two probabilities are the same number, to the last bit; both may be missing.

    >>> same_bits(0.1 + 0.2, 0.3), same_bits(0.3, 0.3), same_bits(None, None), same_bits(None, 0.0)
    (False, True, True, False)
    """
    if one is None or other is None:
        return one is other
    return float(one).hex() == float(other).hex()
