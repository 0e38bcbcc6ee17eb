"""Scoring leads that are posted one by one, each judged by itself: in pieces, in their order, every score into the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from models.answer import Asked
from serving.answering import Answering, doubted
from serving.items import RefusedCall
from serving.proving import Loaded
from serving.scoring import Record, score_matrix
from serving.shadow_cases import posted_again
from serving.stateless import Posted, read_posted
from serving.view import stacked

Refused = dict[str, Any]
"""Which lead was not scored, and why: index, code, detail."""


async def score_posted(
    answering: Answering, leads: Sequence[Any], *, read: Callable[[Any], Any] | None = None
) -> list[Record | Refused]:
    """Return for each lead its score or why there is none; `read` turns what was sent into a lead, or refuses it."""
    if _is_short(leads):
        return [await _scored_at_once(answering, leads[0])]
    return await answering.in_pieces(len(leads), partial(_scored, answering, leads, read))


def is_score(one: Record | Refused) -> bool:
    """Tell a score from a refusal."""
    return "index" not in one


def _is_short(leads: Sequence[Any]) -> bool:
    """Tell whether it takes but a moment to score some leads: one vector does, a thousand events may not."""
    return len(leads) == 1 and isinstance(leads[0], dict) and not leads[0].get("events")


async def _scored_at_once(answering: Answering, lead: dict[str, Any]) -> Record | Refused:
    try:
        posted = read_posted(lead, answering.services.workspace, answering.loaded, answering.as_of)
    except RefusedCall as refusal:
        return {"index": 0, "code": refusal.code, "detail": refusal.detail}
    record = await answering.at_once(posted, partial(_records_of, answering.loaded, answering.asked))
    return _given(answering, [record], [posted])[0]


def _scored(answering: Answering, leads: Sequence[Any], read: Callable[[Any], Any] | None, part: slice) -> list[Record | Refused]:
    answers: list[Record | Refused] = []
    posted: list[Posted] = []
    places: list[int] = []
    for place, item in enumerate(leads[part]):
        try:
            lead = item if read is None else read(item)
            posted.append(read_posted(lead, answering.services.workspace, answering.loaded, answering.as_of))
            places.append(place)
            answers.append({})
        except RefusedCall as refusal:
            answers.append({"index": part.start + place, "code": refusal.code, "detail": refusal.detail})
    for place, record in zip(places, _records(answering, posted), strict=True):
        answers[place] = record
    return answers


def _records(answering: Answering, posted: list[Posted]) -> list[Record]:
    if not posted:
        return []
    return _given(answering, _records_of(answering.loaded, answering.asked, posted), posted)


def _records_of(loaded: Loaded, asked: Asked, posted: Sequence[Posted]) -> list[Record]:
    started = np.array([one.started_at for one in posted], dtype=np.int64)
    ids = [one.lead_id for one in posted]
    return score_matrix(loaded, stacked([one.row for one in posted]), ids, asked, started=started)


def _given(answering: Answering, records: list[Record], posted: Sequence[Posted]) -> list[Record]:
    for one, record in zip(posted, records, strict=True):
        doubted(record, one.unknown, answering.asked.phrasing)
    again = posted_again(answering.services.workspace, answering.loaded, posted, answering.as_of)
    return answering.given(records, [one.inputs for one in posted], again)
