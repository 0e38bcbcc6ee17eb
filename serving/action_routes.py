"""The door for what to do next: the plays that answer a lead's missing steps, the best first."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

import serving.lead_routes  # noqa: F401  (it teaches addresses to hold any id)
from features.clock import now_us
from serving.action_schemas import ActionsAnswer
from serving.next_steps import Record, next_steps
from serving.problems import Problem
from serving.score_routes import Lang
from serving.scoring import answers_of, asked_of, read_wish, score_standings
from serving.services import services_of

router = APIRouter(tags=["leads"])


@router.get("/v1/leads/{lead_id:id}/actions", response_model=ActionsAnswer, summary="What to do next for one stored lead")
async def actions(request: Request, lead_id: str, lang: Lang = None) -> JSONResponse:
    """Return the plays that may be done now, by what the model expects of them, and those that may not, with the reason."""
    services = services_of(request)
    caller = await services.caller(request, "score")
    wish = read_wish(services.workspace, None, lang, default=0)
    loaded = services.model()
    now = now_us()

    def work() -> Record:
        stored = services.store.lead(lead_id) if "\x00" not in lead_id else None
        standing = None if stored is None else loaded.view.standing(stored, now)
        if stored is None or standing is None or standing.ignored:
            raise Problem("lead_not_found", "There is no such lead now, or the workspace ignores it.")
        asked = asked_of(loaded, wish, stale=services.live.is_stale, more=services.silence.found.warnings())
        records = score_standings(loaded, services.store, [standing], now, asked)
        services.ledger.note(answers_of(loaded, records, "actions", caller, now, [None]))
        return next_steps(services.workspace, loaded, services.store, stored, standing, records[0], wish.language, now)

    return JSONResponse(await services.compute(work))
