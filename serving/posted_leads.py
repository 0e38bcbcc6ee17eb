"""Scoring leads that are posted one by one, each judged by itself: in pieces, in their order, every score into the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from models.answer import Asked
from serving.access import Caller
from serving.proving import Loaded
from serving.scored_tables import CHUNK, UNKNOWN_FEATURES
from serving.scoring import Record, answers_of, score_matrix
from serving.segment import RefusedCall
from serving.services import Services
from serving.shadow_cases import posted_again
from serving.stateless import Posted, read_posted
from serving.view import stacked

Refused = dict[str, Any]
"""Which lead was not scored, and why: index, code, detail."""

DOOR = "score"


async def score_posted(
    services: Services,
    loaded: Loaded,
    leads: Sequence[Any],
    asked: Asked,
    caller: Caller,
    as_of: int,
    *,
    read: Callable[[Any], Any] | None = None,
) -> list[Record | Refused]:
    """Return for each lead its score or why there is none; `read` turns what was sent into a lead, or refuses it."""
    found: list[Record | Refused] = []
    with services.metrics.score_seconds.labels(DOOR).time():
        for start in range(0, len(leads), CHUNK):
            part = leads[start : start + CHUNK]
            found += await services.compute(partial(_score, services, loaded, part, start, asked, caller, as_of, read))
    services.metrics.scores.labels(DOOR).inc(sum(is_score(one) for one in found))
    return found


def is_score(one: Record | Refused) -> bool:
    """Tell a score from a refusal."""
    return "index" not in one


def _score(
    services: Services,
    loaded: Loaded,
    part: Sequence[Any],
    start: int,
    asked: Asked,
    caller: Caller,
    as_of: int,
    read: Callable[[Any], Any] | None,
) -> list[Record | Refused]:
    answers: list[Record | Refused] = []
    posted: list[Posted] = []
    places: list[int] = []
    for index, item in enumerate(part, start):
        try:
            posted.append(read_posted(item if read is None else read(item), services.workspace, loaded, as_of))
            places.append(index - start)
            answers.append({})
        except RefusedCall as refusal:
            answers.append({"index": index, "code": refusal.code, "detail": refusal.detail})
    for place, record in zip(places, _records(services, loaded, posted, asked, caller, as_of), strict=True):
        answers[place] = record
    return answers


def _records(services: Services, loaded: Loaded, posted: list[Posted], asked: Asked, caller: Caller, as_of: int) -> list[Record]:
    if not posted:
        return []
    started = np.array([one.started_at for one in posted], dtype=np.int64)
    ids = [one.lead_id for one in posted]
    records = score_matrix(loaded, stacked([one.row for one in posted]), ids, asked, started=started)
    for one, record in zip(posted, records, strict=True):
        if one.unknown:
            code, detail = UNKNOWN_FEATURES
            record["warnings"] = [*record["warnings"], {"code": code, "detail": detail}]
    services.ledger.note(answers_of(loaded, records, DOOR, caller, as_of, [one.inputs for one in posted]))
    services.shadow.note(loaded, records, posted_again(services.workspace, loaded, posted, as_of))
    return records
