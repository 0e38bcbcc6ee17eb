"""PostHog's doors: its clients, pointed at this server, send their events here. What they ask at start is answered with nothing.

A client of PostHog never looks at what became of its events. The answer says it all the same, what is refused is kept, and both
are counted.
"""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from features.clock import now_us
from serving.access import Caller
from serving.browsers import check_key
from serving.ingest import take_calls
from serving.ingest_schemas import POSTHOG_BODY
from serving.items import Arrival, RefusedCall, read_moment
from serving.page_keys import as_seen_by
from serving.posthog import Sent, door, without_keys
from serving.posthog_bodies import read_body
from serving.problems import Problem
from serving.schemas import PostHogAnswer, described
from serving.services import Services, services_of

router = APIRouter(tags=["posthog"])

DOORS = {
    "/i/v0/e/": "PostHog's events",
    "/e/": "PostHog's events, from browsers",
    "/capture/": "PostHog's events, as older clients send them",
    "/batch/": "Many of PostHog's events",
}

NO_FLAGS: dict[str, Any] = {"flags": {}, "featureFlags": {}, "featureFlagPayloads": {}, "errorsWhileComputingFlags": False}
"""There are no feature flags here; a client that asks goes on with its defaults."""

CONFIGURATION: dict[str, Any] = {
    "supportedCompression": ["gzip-js"],
    "hasFeatureFlags": False,
    "sessionRecording": False,
    "heatmaps": False,
    "capturePerformance": False,
    "autocaptureExceptions": False,
    "siteApps": [],
    "elementsChainAsString": True,
}
"""What a page is told to do: send its events, and record nothing else."""

_TOKEN = re.compile("[A-Za-z0-9_-]{1,200}")
"""What may be written into a script."""

_AS_IT_SAYS = {"X-Content-Type-Options": "nosniff"}


async def take(request: Request) -> JSONResponse:
    """Take one event, an array, or an object with batch; the key is the api_key of the body, or stands in a header."""
    services = services_of(request)
    early = await services.caller(request, "page") if "authorization" in request.headers else None
    body = await read_body(request)
    envelope = body if isinstance(body, dict) else {}
    events = envelope.get("batch", body)
    if isinstance(events, dict):
        events = [events]
    if not isinstance(events, list):
        raise Problem("invalid_request", "The body must be an event, an array of events, or an object with batch, an array.")
    key = _key(envelope, events)
    caller = early or await services.caller(request, "page", key)
    check_key(request, caller)
    where = door(request.scope["route"].path.rstrip("/") + "/", _sent(request, services, caller, envelope))
    where = as_seen_by(caller, where, services.workspace)
    given = [without_keys(event, key) for event in events]
    answer = await services.write(lambda: take_calls(services.store, services.metrics, where, given))
    return JSONResponse({"status": 1} | answer)


for _path, _summary in DOORS.items():
    router.add_api_route(
        _path,
        take,
        methods=["POST"],
        name=_path,
        operation_id="posthog" + _path.replace("/", "_").rstrip("_"),
        response_model=PostHogAnswer,
        summary=_summary,
        openapi_extra=described(POSTHOG_BODY),
    )
    router.add_api_route(_path.rstrip("/"), take, methods=["POST"], include_in_schema=False)


@router.post("/flags/", include_in_schema=False)
@router.post("/flags", include_in_schema=False)
@router.post("/decide/", include_in_schema=False)
@router.post("/decide", include_in_schema=False)
async def flags() -> JSONResponse:
    """Say that there are no feature flags."""
    return JSONResponse(NO_FLAGS)


@router.get("/array/{token}/config", include_in_schema=False)
async def configuration() -> JSONResponse:
    """Say what a page may do; the same to everybody."""
    return JSONResponse(CONFIGURATION)


@router.get("/array/{token}/config.js", include_in_schema=False)
async def configuration_script(token: str) -> Response:
    """Say it as the script that a page asks for first, under the token of the page."""
    if _TOKEN.fullmatch(token) is None:
        raise Problem("not_found", "There is nothing at this address.")
    told = json.dumps({token: {"config": CONFIGURATION, "siteApps": []}})
    return Response(f"window._POSTHOG_REMOTE_CONFIG = {told};\n", media_type="text/javascript", headers=_AS_IT_SAYS)


def paths() -> list[str]:
    """Return the addresses of these doors, with a star where the key of a page follows."""
    return [route.path.partition("{")[0] + "*" * ("{" in route.path) for route in router.routes if isinstance(route, APIRoute)]


def _key(envelope: dict[str, Any], events: list[Any]) -> str | None:
    """Return the key of a body: beside the events, or in the first of them."""
    first = events[0] if events and isinstance(events[0], dict) else {}
    properties = first.get("properties")
    for place in (envelope, first, properties if isinstance(properties, dict) else {}):
        for name in ("api_key", "token"):
            if isinstance(place.get(name), str):
                return str(place[name])
    return None


def _sent(request: Request, services: Services, caller: Caller, envelope: dict[str, Any]) -> Sent:
    leads = services.workspace.data.leads
    arrival = Arrival(now_us(), services.workspace.timezone, may_backdate=caller.is_admin)
    stated = envelope.get("sent_at") or request.query_params.get("sent_at")
    return Sent(
        arrival,
        sent_at=_instant(stated, arrival.timezone) if isinstance(stated, str) else None,
        is_history=envelope.get("historical_migration") is True and caller.is_admin,
        account=leads.account if leads is not None else None,
    )


def _instant(text: str, timezone: str) -> int | None:
    """Read when a request was sent: ISO 8601, or in an address milliseconds since 1970; what cannot be read says nothing."""
    if text.isascii() and text.isdigit() and len(text) <= 14:
        return int(text) * 1000
    try:
        return read_moment(text, timezone)
    except RefusedCall:
        return None
