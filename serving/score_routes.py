"""The doors for scores: of leads that are posted whole, of one stored lead, of many, and of all open ones in order."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse

from features.clock import now_us
from models.answer import Asked
from serving.access import Caller
from serving.guards import SCORE_LIMIT, json_body
from serving.instants import read_as_of
from serving.live import Loaded
from serving.problems import Problem
from serving.schemas import ScoreBody, ScoresAnswer, body_of
from serving.scoring import Record, answers_of, asked_of, read_wish, score_matrix
from serving.segment import RefusedCall
from serving.services import Services, services_of
from serving.shapes import shaped
from serving.stateless import Posted, read_posted
from serving.view import stacked

MOST_LEADS = 5_000
CHUNK = 200
"""How many leads are scored in one go: between two of them other requests get their turn."""

UNKNOWN_FEATURES = ("unknown_features", "Some of the features that were sent are not known to the model")

router = APIRouter(tags=["score"])

AsOf = Annotated[str | None, Query(description="An instant in ISO 8601; now if left out.")]
Reasons = Annotated[str | None, Query(description="How many reasons, or all.")]
Lang = Annotated[str | None, Query(description="en, tr or de.")]


@router.post(
    "/v1/score", response_model=ScoresAnswer, summary="Score leads without storing them", openapi_extra=body_of(ScoreBody)
)
async def score(request: Request) -> JSONResponse:
    """Score posted leads: each with its events, or with a whole vector of features."""
    services = services_of(request)
    caller = await services.caller(request, "score")
    body = shaped(ScoreBody, await json_body(request, SCORE_LIMIT))
    if len(body.leads) > MOST_LEADS:
        raise Problem("too_large", f"At most {MOST_LEADS} leads in one request.")
    loaded = services.model()
    as_of = read_as_of(body.as_of, services.workspace.timezone, now_us())
    wish = read_wish(services.workspace, body.reasons, body.lang, default=3 if len(body.leads) == 1 else 0)
    asked = asked_of(services.workspace, loaded, wish, stale=services.live.is_stale)
    scores: list[Record] = []
    errors: list[dict[str, Any]] = []
    with services.metrics.score_seconds.labels("score").time():
        for start in range(0, len(body.leads), CHUNK):
            part = body.leads[start : start + CHUNK]
            found, refused = await services.compute(partial(_read, services, loaded, part, start, as_of))
            errors += refused
            if found:
                scores += await services.compute(partial(_score, services, loaded, found, asked, caller, as_of))
    services.metrics.scores.labels("score").inc(len(scores))
    return JSONResponse({"scores": scores, "errors": errors})


def _read(
    services: Services, loaded: Loaded, part: list[Any], start: int, as_of: int
) -> tuple[list[Posted], list[dict[str, Any]]]:
    found: list[Posted] = []
    refused: list[dict[str, Any]] = []
    for index, item in enumerate(part, start):
        try:
            found.append(read_posted(item, services.workspace, loaded, as_of))
        except RefusedCall as refusal:
            refused.append({"index": index, "code": refusal.code, "detail": refusal.detail})
    return found, refused


def _score(services: Services, loaded: Loaded, found: list[Posted], asked: Asked, caller: Caller, as_of: int) -> list[Record]:
    started = np.array([posted.started_at for posted in found], dtype=np.int64)
    ids = [posted.lead_id for posted in found]
    records = score_matrix(loaded, stacked([posted.row for posted in found]), ids, asked, started=started)
    for posted, record in zip(found, records, strict=True):
        if posted.unknown:
            code, detail = UNKNOWN_FEATURES
            record["warnings"] = [*record["warnings"], {"code": code, "detail": detail}]
    services.ledger.note(answers_of(loaded, records, "score", caller, as_of, [posted.inputs for posted in found]))
    return records
