"""The doors for what happened: Segment's calls, and a webhook of such calls. 200 means that it is on disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse

from features.clock import now_us
from serving.access import Caller
from serving.browsers import check_key, from_page
from serving.guards import BODY_LIMIT, EVENT_LIMIT, json_body
from serving.ingest import segment_door, take_calls
from serving.ingest_schemas import BATCH_BODY, CALL_BODY, EVENTS_BODY
from serving.items import Arrival
from serving.page_keys import as_seen_by
from serving.problems import Problem
from serving.schemas import IngestAnswer, described
from serving.services import Services, services_of

WRITE_KEY = "x-write-key"
"""Where Jitsu's clients write the key."""


router = APIRouter(tags=["ingest"])


def with_message(door: Callable[[Request], Awaitable[JSONResponse]]) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Give the problems of a door a ``message`` too: without one RudderStack's client takes a refusal for a broken line."""

    @wraps(door)
    async def take(request: Request) -> JSONResponse:
        try:
            return await door(request)
        except Problem as problem:
            problem.members["message"] = problem.detail
            raise

    return take


def _single(kind: str) -> None:
    """Open the door of one kind of call, and the one of a single letter that Segment's client for browsers uses."""

    async def take(request: Request) -> JSONResponse:
        services, caller, body = await read(request, EVENT_LIMIT)
        return await _calls(services, request, caller, [body], arrival_of(services, caller, {}), kind)

    for path in (f"/v1/{kind}", f"/v1/{kind[0]}"):
        router.add_api_route(
            path,
            with_message(take),
            methods=["POST"],
            name=kind,
            operation_id=kind,
            response_model=IngestAnswer,
            summary=f"Segment's {kind} call",
            openapi_extra=described(CALL_BODY),
            include_in_schema=path.endswith(kind),
        )


for _kind in ("track", "identify", "page", "screen", "group", "alias"):
    _single(_kind)


@router.post("/v1/batch", response_model=IngestAnswer, summary="Many Segment calls", openapi_extra=described(BATCH_BODY))
@router.post("/v1/b", include_in_schema=False)
@with_message
async def batch(request: Request) -> JSONResponse:
    """Take Segment's batch: calls of any type, with an outer context that each of them shares."""
    services, caller, body = await read(request, BODY_LIMIT)
    calls = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(calls, list):
        raise Problem("invalid_request", "The body must be an object with batch, an array of calls.")
    return await _calls(services, request, caller, calls, arrival_of(services, caller, body))


@router.post("/v1/events", response_model=IngestAnswer, summary="One call, or an array", openapi_extra=described(EVENTS_BODY))
@with_message
async def events(request: Request) -> JSONResponse:
    """Take one Segment call of any type, or a bare array of them: what webhook destinations send."""
    services, caller, body = await read(request, BODY_LIMIT)
    if not isinstance(body, dict | list):
        raise Problem("invalid_request", "The body must be a call, or an array of calls.")
    calls = body if isinstance(body, list) else [body]
    return await _calls(services, request, caller, calls, arrival_of(services, caller, {}))


def paths() -> list[str]:
    """Return the addresses of these doors."""
    return [route.path for route in router.routes if isinstance(route, APIRoute)]


async def read(request: Request, limit: int, scope: str = "page") -> tuple[Services, Caller, Any]:
    """Read who asks and what they send; a key in a header is judged before the body is read, by the least scope that it needs."""
    services = services_of(request)
    in_header = request.headers.get(WRITE_KEY)
    is_told = in_header is not None or "authorization" in request.headers
    early = await services.caller(request, scope, in_header) if is_told else None
    body = await json_body(request, limit, gzip=True, plain_text=from_page(request))
    written = body.get("writeKey") if isinstance(body, dict) else None
    caller = early or await services.caller(request, scope, written if isinstance(written, str) else None)
    check_key(request, caller)
    return services, caller, body


def arrival_of(services: Services, caller: Caller, envelope: dict[str, Any]) -> Arrival:
    """Return how what a request holds came in."""
    context = envelope.get("context")
    return Arrival(
        now=now_us(),
        timezone=services.workspace.timezone,
        sent_at=envelope.get("sentAt"),
        context=context if isinstance(context, dict) else None,
        may_backdate=caller.is_admin,
    )


async def _calls(
    services: Services, request: Request, caller: Caller, calls: list[Any], arrival: Arrival, kind: str | None = None
) -> JSONResponse:
    door = as_seen_by(caller, segment_door(str(request.scope["route"].path), arrival, kind), services.workspace)
    given = [_without_key(call) for call in calls]
    return JSONResponse(await services.write(lambda: take_calls(services.store, services.metrics, door, given)))


def _without_key(call: Any) -> Any:
    """Leave out the key of a call, so that it is not kept with one that is refused."""
    if not isinstance(call, dict) or "writeKey" not in call:
        return call
    return {name: value for name, value in call.items() if name != "writeKey"}
