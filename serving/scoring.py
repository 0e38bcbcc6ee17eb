"""Scoring: standings in, records out, each noted in the ledger with all that is needed to compute it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.clock import now_us
from features.matrix import FeatureMatrix
from features.store import EventStore
from features.storing.rows import Answer
from features.workspace import Workspace
from models.answer import Asked, score_records, states_of
from models.phrasing import LANGUAGES
from serving.access import Caller
from serving.live_lead import Standing
from serving.problems import Problem
from serving.proving import Loaded
from serving.silence import Untold

Record = dict[str, Any]

MOST_REASONS = 100
LIVE_US = 10_000_000
"""A score as of an instant so near is one as of now."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a caller wants answers."""

    reasons: int | None
    """How many; None for all of them."""
    language: str


def read_wish(workspace: Workspace, reasons: object, language: object, *, default: int) -> Wish:
    """Read how many reasons are wanted, and in which language."""
    lang = workspace.language if language is None else language
    if lang not in LANGUAGES:
        raise Problem("invalid_request", f"lang must be one of {', '.join(LANGUAGES)}.")
    if reasons == "all":
        return Wish(None, str(lang))
    if isinstance(reasons, str) and reasons.isascii() and reasons.isdigit() and len(reasons) < 4:
        reasons = int(reasons)
    wanted = default if reasons is None else reasons
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 0 <= wanted <= MOST_REASONS:
        raise Problem("invalid_request", f"reasons must be a whole number from 0 to {MOST_REASONS}, or all.")
    return Wish(wanted, str(lang))


def asked_of(loaded: Loaded, wish: Wish, *, stale: bool = False, more: Sequence[Untold] = ()) -> Asked:
    """Return a wish in the words of the models chapter, with what has to be said of the model itself, and ``more`` warnings."""
    words = loaded.words[wish.language]
    warnings = [(one.code, words.warning(one.text, names=one.names)) for one in more]
    if loaded.differs:
        warnings.append(("workspace_differs", words.warning("workspace_differs_in", names=", ".join(loaded.differs))))
    if stale:
        warnings.append(("model_stale", words.warning("model_stale")))
    return Asked(
        name=loaded.ref.name,
        version=loaded.ref.version,
        reasons=wish.reasons,
        phrasing=words,
        stages=loaded.stages,
        warnings=tuple(warnings),
    )


def score_standings(
    loaded: Loaded,
    store: EventStore,
    standings: Sequence[Standing],
    as_of: int,
    asked: Asked,
    lag: Callable[[float], None] | None = None,
    before: Sequence[str | None] | None = None,
) -> list[Record]:
    """Score stored leads as of one instant; who pays already or has ended gets its stage and no probability.

    ``before`` is the stage that each of them had last; without it, it is the one that the store has of that instant.
    ``lag`` is told, for each open lead with events, how many seconds before a score as of now its newest event came in.
    """
    if not standings:
        return []
    matrix = loaded.view.matrix(standings, as_of, store)
    started = np.array([standing.lead.started_at for standing in standings], dtype=np.int64)
    states = states_of(
        np.array([standing.converted_at is not None for standing in standings], dtype=bool),
        np.array([standing.ended for standing in standings], dtype=bool),
    )
    if lag is not None and abs(now_us() - as_of) < LIVE_US:
        for heard, start, state in zip(matrix.features_as_of.tolist(), started.tolist(), states, strict=True):
            if state is None and heard > start:
                lag(max(0, as_of - heard) / 1e6)
    ids = [standing.lead.lead_id for standing in standings]
    if before is None:
        known = store.states.stages_at(ids, as_of)
        before = [known.get(one) for one in ids]
    return score_matrix(loaded, matrix, ids, asked, started=started, states=states, before=before)


def score_matrix(
    loaded: Loaded,
    matrix: FeatureMatrix,
    lead_ids: Sequence[str],
    asked: Asked,
    *,
    started: np.ndarray[Any, np.dtype[np.int64]],
    states: Sequence[str | None] | None = None,
    before: Sequence[str | None] | None = None,
) -> list[Record]:
    """Score rows of features."""
    dated = None if loaded.view.definition.undated else started
    found = score_records(loaded.scorer, matrix, lead_ids, asked, started_at=dated, states=states, before=before)
    return [dict(one) for one in found]


def answers_of(
    loaded: Loaded, records: Sequence[Record], door: str, caller: Caller, as_of: int | None, inputs: Sequence[str | None]
) -> list[Answer]:
    """Return the lines of the ledger for some records."""
    now = now_us()
    return [
        Answer(
            at=now,
            door=door,
            key_id=caller.key_id,
            lead_id=record["lead_id"],
            as_of=as_of,
            model_version=loaded.ref.version,
            model_digest=loaded.ref.digest,
            fingerprint=record["model"]["fingerprint"],
            probability=record["probability"],
            stage=record["stage"],
            inputs=given,
        )
        for record, given in zip(records, inputs, strict=True)
    ]
