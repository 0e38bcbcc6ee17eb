"""The door for what if: a stored lead scored with events that did not happen, through the same kernel and the same model."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from features.clock import now_us
from models.answer import Asked
from models.change_phrasing import association, from_to
from models.change_reasons import what_if_record
from models.what_if import Imagined, beyond_training, what_if
from serving.change_schemas import WhatIfAnswer, WhatIfBody
from serving.guards import BODY_LIMIT, json_body
from serving.hypotheses import read_hypothesis
from serving.instants import read_as_of
from serving.lead_address import LEAD
from serving.lead_change import ONE_LOOK
from serving.one_lead import standing_of, stored_of, with_account
from serving.problems import Problem
from serving.proving import Loaded
from serving.schemas import body_of
from serving.scoring import Record, Wish, answers_of, asked_of, read_wish, score_matrix
from serving.services import services_of
from serving.shapes import shaped
from serving.view import stacked

DOOR = "what_if"

router = APIRouter(tags=["leads"])


@router.post(
    f"{LEAD}/what-if",
    response_model=WhatIfAnswer,
    summary="The score of a stored lead if it had done something more",
    openapi_extra=body_of(WhatIfBody),
)
async def imagined(request: Request, lead_id: str) -> JSONResponse:
    """Score a stored lead without and with imagined events, attributes or another end of its trial.

    Nothing is stored of what is imagined. The difference is an association in the data, and the answer says so.
    """
    services = services_of(request)
    caller = await services.caller(request, "score")
    body = shaped(WhatIfBody, await json_body(request, BODY_LIMIT))
    wish = read_wish(services.workspace, body.reasons, body.lang, default=3)
    instant = read_as_of(body.as_of, services.workspace.timezone, now_us())
    loaded = services.model()

    def work() -> Record:
        standing = standing_of(stored_of(services.store, lead_id), loaded.view, instant)
        if not standing.is_open:
            raise Problem("lead_closed", "The lead is a customer or has ended: nothing it does can make it a customer any more.")
        hypothesis = read_hypothesis(body, services.workspace, loaded.view, standing.lead, instant)
        asked = asked_of(
            loaded,
            Wish(0, wish.language),
            stale=services.live.is_stale,
            more=services.silence.found.warnings(),
        )
        lead = with_account(standing, loaded.view, services.store, instant)
        with services.metrics.score_seconds.labels(DOOR).time():
            found = what_if(loaded.scorer, loaded.view.plan, lead, instant, hypothesis)
            score, other = _scores(loaded, found, lead_id, lead.started_at, asked)
            answer = _answer(loaded, found, score, other, asked, wish)
        services.ledger.note(answers_of(loaded, [score], DOOR, caller, instant, [None]))
        services.metrics.scores.labels(DOOR).inc()
        return answer

    return JSONResponse(await services.compute(work))


def _scores(loaded: Loaded, found: Imagined, lead_id: str, started_at: int, asked: Asked) -> list[Record]:
    started = np.array([started_at] * 2, dtype=np.int64)
    return score_matrix(loaded, stacked([found.without, found.with_it]), [lead_id] * 2, asked, started=started)


def _answer(loaded: Loaded, found: Imagined, score: Record, other: Record, asked: Asked, wish: Wish) -> Record:
    record = what_if_record(found, asked.phrasing, wish.reasons)
    new = [one for one in other["warnings"] if one not in score["warnings"] and one["code"] != "clipped"]
    warnings = [*score["warnings"], *new]
    most = beyond_training(loaded.scorer, found)
    if most:
        warnings.append(_warning(asked, "beyond_trained_values", names=", ".join(most)))
    if score["probability"] == other["probability"]:
        warnings.append(_warning(asked, "changes_nothing"))
    return {
        **{name: score[name] for name in ("lead_id", "as_of", "horizon_days", "by")},
        "without": {name: score[name] for name in ONE_LOOK},
        "imagined": {name: other[name] for name in ONE_LOOK},
        "difference": {"points": record["points"], "log_odds": record["log_odds"]},
        "text": from_to(wish.language, "what_if", score["probability"], other["probability"]),
        "association": association(wish.language),
        "reasons": record["reasons"],
        "rest": record["rest"],
        "parts": record["parts"],
        "warnings": warnings,
    }


def _warning(asked: Asked, code: str, **slots: str) -> Record:
    return {"code": code, "detail": asked.phrasing.warning(code, **slots)}
