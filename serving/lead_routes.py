"""The doors for stored leads: one score with its reasons, its features, many scores, and the work list."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from features.clock import format_us, now_us
from models import stages
from serving.access import Caller
from serving.answering import CHUNK, Answering
from serving.guards import BODY_LIMIT, json_body
from serving.instants import read_as_of
from serving.lead_address import LEAD
from serving.live_lead import Standing
from serving.one_lead import standing_of, stored_of, why_not
from serving.problems import Problem
from serving.proving import Loaded
from serving.quick_json import QuickJSON
from serving.ranking import page
from serving.schemas import FeaturesAnswer, LeadsBody, Score, ScorePage, ScoresAnswer, body_of
from serving.score_routes import AsOf, Lang, Reasons
from serving.scoring import Record, Wish, asked_of, read_wish, score_standings
from serving.services import Services, services_of
from serving.shadow_cases import stored_again
from serving.shapes import shaped

STAGES = (stages.LEAD, stages.MQL, stages.PQL, stages.SQL, stages.CUSTOMER, stages.EXPIRED)

router = APIRouter(tags=["leads"])


@router.get("/v1/leads", response_model=ScorePage, summary="The work list: open leads not contacted lately, best first")
async def ranked(
    request: Request,
    stage: Annotated[str | None, Query(description="Only leads of this stage.")] = None,
    limit: Annotated[str, Query(description="1 to 500 leads.")] = "50",
    cursor: Annotated[str | None, Query(description="The next of the page before.")] = None,
    reasons: Reasons = None,
    lang: Lang = None,
) -> QuickJSON:
    """Rank the open leads that nobody contacted in the last 14 days, and return one page of them."""
    services = services_of(request)
    caller = await services.caller(request, "score")
    wish = read_wish(services.workspace, reasons, lang, default=0)
    if stage is not None and stage not in stages.STAGES:
        raise Problem("invalid_request", f"stage must be one of {', '.join(stages.STAGES)}.")
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= 500):
        raise Problem("invalid_request", "limit must be a whole number from 1 to 500.")
    loaded = services.model()

    def work() -> dict[str, Any]:
        newest = services.ranking.newest(loaded)
        lines, following = page(newest, stage, int(limit), cursor)
        found = services.store.leads([line.lead_id for line in lines])
        standings = [loaded.view.standing(found[line.lead_id], newest.as_of) for line in lines if line.lead_id in found]
        there = [one for one in standings if one is not None]
        with services.metrics.score_seconds.labels("list").time():
            return {"items": _score(services, loaded, there, newest.as_of, wish, caller, "list"), "next": following}

    return QuickJSON(await services.compute(work))


@router.post("/v1/leads/scores", response_model=ScoresAnswer, summary="Score many stored leads", openapi_extra=body_of(LeadsBody))
async def many(request: Request) -> QuickJSON:
    """Score up to 500 stored leads."""
    services = services_of(request)
    caller = await services.caller(request, "score")
    body = shaped(LeadsBody, await json_body(request, BODY_LIMIT))
    wish = read_wish(services.workspace, body.reasons, body.lang, default=3 if len(body.lead_ids) == 1 else 0)
    as_of = read_as_of(body.as_of, services.workspace.timezone, now_us())
    loaded = services.model()

    def work(start: int) -> tuple[list[Record], list[dict[str, Any]]]:
        some = body.lead_ids[start : start + CHUNK]
        stored = services.store.leads(list(dict.fromkeys(some)))
        standings: list[Standing] = []
        errors: list[dict[str, Any]] = []
        for index, lead_id in enumerate(some, start):
            lead = stored.get(lead_id)
            standing = None if lead is None else loaded.view.standing(lead, as_of)
            if standing is None or standing.ignored:
                errors.append({"index": index, "code": "lead_not_found", "detail": why_not(lead is not None, standing)})
            else:
                standings.append(standing)
        return _score(services, loaded, standings, as_of, wish, caller, "leads"), errors

    scores: list[Record] = []
    errors: list[dict[str, Any]] = []
    with services.metrics.score_seconds.labels("leads").time():
        for start in range(0, len(body.lead_ids), CHUNK):
            found, missed = await services.compute(partial(work, start))
            scores += found
            errors += missed
    return QuickJSON({"scores": scores, "errors": errors})


@router.get(f"{LEAD}/score", response_model=Score, summary="Score one stored lead")
async def one(request: Request, lead_id: str, as_of: AsOf = None, reasons: Reasons = None, lang: Lang = None) -> QuickJSON:
    """Score a stored lead from what was known of it, now or as of a past instant."""
    services = services_of(request)
    caller = await services.caller(request, "score")
    wish = read_wish(services.workspace, reasons, lang, default=3)
    instant = read_as_of(as_of, services.workspace.timezone, now_us())
    loaded = services.model()

    def work() -> Record:
        standing = standing_of(stored_of(services.store, lead_id), loaded.view, instant)
        with services.metrics.score_seconds.labels("lead").time():
            return _score(services, loaded, [standing], instant, wish, caller, "lead")[0]

    return QuickJSON(await services.compute(work))


@router.get(f"{LEAD}/features", response_model=FeaturesAnswer, summary="The features of one stored lead")
async def features(request: Request, lead_id: str, as_of: AsOf = None) -> QuickJSON:
    """Return the numbers behind a score: by the model's definition, or by the workspace's own while there is no model."""
    services = services_of(request)
    await services.caller(request, "score")
    instant = read_as_of(as_of, services.workspace.timezone, now_us())
    view = services.view()

    def work() -> dict[str, Any]:
        standing = standing_of(stored_of(services.store, lead_id), view, instant)
        row = view.matrix([standing], instant, services.store).row(0)
        as_of_text = None if view.definition.undated else format_us(instant)
        return {"lead_id": lead_id, "as_of": as_of_text, "features": row, "fingerprint": view.definition.fingerprint}

    return QuickJSON(await services.compute(work))


def _score(
    services: Services, loaded: Loaded, standings: list[Standing], as_of: int, wish: Wish, caller: Caller, door: str
) -> list[Record]:
    asked = asked_of(loaded, wish, stale=services.live.is_stale, more=services.silence.found.warnings())
    records = score_standings(loaded, services.store, standings, as_of, asked, services.metrics.score_lag.observe)
    services.live_percentile.fill(records, loaded, as_of)
    ids = [standing.lead.lead_id for standing in standings]
    again = stored_again(services.workspace, services.store, ids, as_of)
    return Answering(services, loaded, asked, caller, door, as_of).given(records, [None] * len(records), again)
