"""The door for why a stored lead's score changed, between two times and between two model versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse

from features.clock import now_us
from serving.change_schemas import ChangesAnswer
from serving.instants import read_as_of
from serving.items import RefusedCall, read_moment
from serving.lead_address import LEAD
from serving.lead_change import begun, change_of
from serving.one_lead import standing_of, stored_of
from serving.problems import Problem
from serving.score_routes import AsOf, Lang, Reasons
from serving.scoring import Record, answers_of, asked_of, read_wish
from serving.services import services_of

DOOR = "changes"

router = APIRouter(tags=["leads"])

Since = Annotated[str | None, Query(description="An earlier instant in ISO 8601; the start of the trial if left out.")]
Version = Annotated[
    str | None, Query(description="The model version for the earlier instant; the one that scored the lead then if left out.")
]


@router.get(f"{LEAD}/changes", response_model=ChangesAnswer, summary="Why the score of a stored lead changed")
async def changes(
    request: Request,
    lead_id: str,
    since: Since = None,
    as_of: AsOf = None,
    version: Version = None,
    reasons: Reasons = None,
    lang: Lang = None,
) -> JSONResponse:
    """Split the difference of two scores of a stored lead into behaviour, passing time and model, each by reason.

    The score now is by the model that serves. The score then is by the version that is asked for, else by the one that scored
    the lead then, as the ledger knows, if it is still kept here; else by the model that serves, and a warning says so.
    """
    services = services_of(request)
    caller = await services.caller(request, "score")
    wish = read_wish(services.workspace, reasons, lang, default=3)
    instant = read_as_of(as_of, services.workspace.timezone, now_us())
    begin = None if since is None else _read_since(since, services.workspace.timezone, instant)
    loaded = services.model()
    if loaded.view.definition.undated:
        raise Problem("invalid_since", "The model knows no times, so that nothing changes by them.")

    def work() -> Record:
        stored = stored_of(services.store, lead_id)
        standing = standing_of(stored, loaded.view, instant)
        earlier_at = begun(stored, standing, loaded, instant) if begin is None else begin
        earlier = services.past.then(lead_id, earlier_at, loaded, version)
        asked = asked_of(loaded, wish, stale=services.live.is_stale, more=services.silence.found.warnings())
        with services.metrics.score_seconds.labels(DOOR).time():
            answer, score = change_of(loaded, earlier, services.store, stored, earlier_at, instant, asked)
        services.ledger.note(answers_of(loaded, [score], DOOR, caller, instant, [None]))
        services.metrics.scores.labels(DOOR).inc()
        return answer

    return JSONResponse(await services.compute(work))


def _read_since(text: str, timezone: str, as_of: int) -> int:
    """Return the earlier instant; with the very same one, only the models can differ."""
    try:
        since = read_moment(text, timezone)
    except RefusedCall as refusal:
        raise Problem("invalid_since", refusal.detail) from None
    if since > as_of:
        raise Problem("invalid_since", "since lies after as_of.")
    return since
