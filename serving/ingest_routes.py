"""The doors for what happened: Segment's calls, a webhook of such calls, and conversions. 200 means that it is on disk."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from features.clock import now_us
from serving.access import Caller
from serving.guards import BODY_LIMIT, EVENT_LIMIT, json_body
from serving.ingest import take_calls, take_conversions
from serving.problems import Problem
from serving.schemas import BATCH_BODY, CALL_BODY, CONVERSIONS_BODY, EVENTS_BODY, IngestAnswer, described
from serving.segment import Arrival
from serving.services import Services, services_of

router = APIRouter(tags=["ingest"])


def _single(kind: str) -> None:
    """Open the door of one kind of call."""

    async def take(request: Request) -> JSONResponse:
        services, caller, body = await _read(request, EVENT_LIMIT)
        return await _calls(services, request, [body], _arrival(services, caller, {}), kind)

    router.add_api_route(
        f"/v1/{kind}",
        take,
        methods=["POST"],
        name=kind,
        operation_id=kind,
        response_model=IngestAnswer,
        summary=f"Segment's {kind} call",
        openapi_extra=described(CALL_BODY),
    )


for _kind in ("track", "identify", "page", "screen", "group", "alias"):
    _single(_kind)


@router.post("/v1/batch", response_model=IngestAnswer, summary="Many Segment calls", openapi_extra=described(BATCH_BODY))
async def batch(request: Request) -> JSONResponse:
    """Take Segment's batch: calls of any type, with an outer context that each of them shares."""
    services, caller, body = await _read(request, BODY_LIMIT)
    calls = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(calls, list):
        raise Problem("invalid_request", "The body must be an object with batch, an array of calls.")
    return await _calls(services, request, calls, _arrival(services, caller, body))


@router.post("/v1/events", response_model=IngestAnswer, summary="One call, or an array", openapi_extra=described(EVENTS_BODY))
async def events(request: Request) -> JSONResponse:
    """Take one Segment call of any type, or a bare array of them: what webhook destinations send."""
    services, caller, body = await _read(request, BODY_LIMIT)
    if not isinstance(body, dict | list):
        raise Problem("invalid_request", "The body must be a call, or an array of calls.")
    return await _calls(services, request, body if isinstance(body, list) else [body], _arrival(services, caller, {}))


@router.post(
    "/v1/conversions", response_model=IngestAnswer, summary="Who paid, and when", openapi_extra=described(CONVERSIONS_BODY)
)
async def conversions(request: Request) -> JSONResponse:
    """Take conversions; a lead may pay before anything else is heard of it."""
    services, caller, body = await _read(request, BODY_LIMIT)
    items = body.get("conversions") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise Problem("invalid_request", "The body must be an object with conversions, an array.")
    arrival = _arrival(services, caller, {})
    resolution = services.workspace.resolution.conversions
    return JSONResponse(
        await services.write(lambda: take_conversions(services.store, services.metrics, items, arrival, resolution))
    )


async def _read(request: Request, limit: int) -> tuple[Services, Caller, Any]:
    """Read who asks and what they send; a key in the header is judged before the body is read."""
    services = services_of(request)
    early = await services.caller(request, "ingest") if "authorization" in request.headers else None
    body = await json_body(request, limit, gzip=True)
    written = body.get("writeKey") if isinstance(body, dict) else None
    caller = early or await services.caller(request, "ingest", written if isinstance(written, str) else None)
    return services, caller, body


def _arrival(services: Services, caller: Caller, envelope: dict[str, Any]) -> Arrival:
    context = envelope.get("context")
    return Arrival(
        now=now_us(),
        timezone=services.workspace.timezone,
        sent_at=envelope.get("sentAt"),
        context=context if isinstance(context, dict) else None,
        may_backdate=caller.is_admin,
    )


async def _calls(
    services: Services, request: Request, calls: list[Any], arrival: Arrival, kind: str | None = None
) -> JSONResponse:
    door = str(request.scope["route"].path)
    return JSONResponse(await services.write(lambda: take_calls(services.store, services.metrics, door, calls, arrival, kind)))
