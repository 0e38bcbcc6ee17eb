"""The doors for scores of leads that are posted and not stored: as JSON, a lead a line, or as a table."""

from __future__ import annotations

from functools import partial
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from features.clock import now_us
from serving.access import Caller
from serving.answering import Answering
from serving.bulk import lines_of, read_line, read_stream, written_lines, written_stream
from serving.feature_table import need_size
from serving.guards import SCORE_LIMIT, parsed
from serving.instants import read_as_of
from serving.posted_leads import is_score, score_posted
from serving.protocol_schemas import BULK
from serving.quick_json import QuickJSON
from serving.schemas import ScoreBody, ScoresAnswer, body_of, in_query
from serving.score_bodies import ARROW, JSON, NDJSON, score_body
from serving.scored_tables import score_table
from serving.scoring import asked_of, read_wish
from serving.services import Services, services_of
from serving.shapes import shaped

T = TypeVar("T")

router = APIRouter(tags=["score"])

ASKED = {
    "as_of": "An instant in ISO 8601; now if left out.",
    "reasons": "How many reasons, or all.",
    "lang": "en, tr or de.",
}
"""What an address may say of the scores that are wanted."""

AsOf = Annotated[str | None, Query(description=ASKED["as_of"])]
Reasons = Annotated[str | None, Query(description=ASKED["reasons"])]
Lang = Annotated[str | None, Query(description=ASKED["lang"])]


@router.post(
    "/v1/score",
    response_model=ScoresAnswer,
    summary="Score leads without storing them",
    openapi_extra=body_of(ScoreBody, BULK) | {"parameters": [in_query(name, told) for name, told in ASKED.items()]},
)
async def score(request: Request) -> Response:
    """Score posted leads: each with its events, or with a whole vector of features.

    What a JSON body says itself wins over the address; lines and tables have only the address to say it in.
    """
    services = services_of(request)
    as_of, reasons, lang = (request.query_params.get(name) for name in ASKED)
    caller = await services.caller(request, "score")
    form, data = await score_body(request, (JSON, NDJSON, ARROW))
    if form == JSON:
        body = shaped(ScoreBody, await parsed(data, SCORE_LIMIT))
        need_size(len(body.leads))
        said = (_first(body.as_of, as_of), _first(body.reasons, reasons), _first(body.lang, lang))
        asking = _asking(services, caller, *said, default=3 if len(body.leads) == 1 else 0)
        answers = await score_posted(asking, body.leads)
        scores = [one for one in answers if is_score(one)]
        return QuickJSON({"scores": scores, "errors": [one for one in answers if not is_score(one)]})
    asking = _asking(services, caller, as_of, reasons, lang, default=0)
    return await (_lines(asking, data) if form == NDJSON else _table(asking, data))


def _first(one: T | None, other: T | None) -> T | None:
    return other if one is None else one


def _asking(
    services: Services, caller: Caller, as_of: str | None, reasons: object, lang: str | None, *, default: int
) -> Answering:
    """Return who asks, and what: by which model, as of when, in which words."""
    loaded = services.model()
    instant = read_as_of(as_of, services.workspace.timezone, now_us())
    wish = read_wish(services.workspace, reasons, lang, default=default)
    asked = asked_of(loaded, wish, stale=services.live.is_stale)
    return Answering(services, loaded, asked, caller, "score", instant)


async def _lines(asking: Answering, data: bytes) -> Response:
    """Answer a line for each line: its score, or why there is none."""
    answers = await score_posted(asking, lines_of(data), read=read_line)
    return Response(await asking.services.compute(partial(written_lines, answers)), media_type=NDJSON)


async def _table(asking: Answering, data: bytes) -> Response:
    """Answer a row for each row."""
    services, loaded = asking.services, asking.loaded
    table = await services.compute(partial(read_stream, data, loaded, services.workspace.timezone, asking.as_of))
    records = await score_table(services, loaded, table, asking.asked, asking.caller, asking.door, asking.as_of)
    explained = asking.asked.reasons != 0
    return Response(await services.compute(partial(written_stream, records, loaded, explained=explained)), media_type=ARROW)
