"""The doors for what sales tells: who paid, and who was spoken to and what came of it. 200 means that it is on disk."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from serving.guards import BODY_LIMIT
from serving.ingest_routes import arrival_of, read
from serving.ingest_schemas import CONTACTS_BODY, CONVERSIONS_BODY
from serving.problems import Problem
from serving.sales import take_contacts, take_conversions
from serving.schemas import IngestAnswer, described

router = APIRouter(tags=["ingest"])


@router.post(
    "/v1/conversions", response_model=IngestAnswer, summary="Who paid, and when", openapi_extra=described(CONVERSIONS_BODY)
)
async def conversions(request: Request) -> JSONResponse:
    """Take conversions; a lead may pay before anything else is heard of it."""
    services, caller, body = await read(request, BODY_LIMIT, "ingest")
    items = body.get("conversions") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise Problem("invalid_request", "The body must be an object with conversions, an array.")
    arrival = arrival_of(services, caller, {})
    resolution = services.workspace.resolution.conversions
    return JSONResponse(
        await services.write(lambda: take_conversions(services.store, services.metrics, items, arrival, resolution))
    )


@router.post("/v1/contacts", response_model=IngestAnswer, summary="What sales did", openapi_extra=described(CONTACTS_BODY))
async def contacts(request: Request) -> JSONResponse:
    """Take contacts: who was spoken to, by which play, what came of it, to whom the lead went; an array, or one."""
    services, caller, body = await read(request, BODY_LIMIT, "ingest")
    items = [body] if isinstance(body, dict) and "lead_id" in body else body.get("contacts") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise Problem("invalid_request", "The body must be a contact, or an object with contacts, an array.")
    arrival = arrival_of(services, caller, {})
    endpoints, source = services.endpoints, services.workspace.name
    return JSONResponse(
        await services.write(lambda: take_contacts(services.store, services.metrics, items, arrival, endpoints, source))
    )
