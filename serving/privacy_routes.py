"""The doors of privacy: forget one lead, or hand out everything that is held on it. Both need a key of scope admin."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from features.clock import now_us
from features.workspace import Workspace
from serving.lead_address import LEAD
from serving.problems import Problem
from serving.schemas import ForgetAnswer
from serving.services import services_of

router = APIRouter(tags=["privacy"])


@router.get(f"{LEAD}/export", response_model=dict[str, Any], summary="Everything that is held on a lead")
async def export(request: Request, lead_id: str) -> JSONResponse:
    """Return what every table holds of a lead, under all its ids. ``batch`` can be posted to /v1/batch by an administrator."""
    services = services_of(request)
    await services.caller(request, "admin")
    columns = time_columns(services.workspace)
    found = await services.compute(lambda: services.store.privacy.export(_storable(lead_id), columns))
    if found is None:
        raise Problem("lead_not_found", "Nothing is held on this lead.")
    return JSONResponse(found)


@router.delete(LEAD, response_model=ForgetAnswer, summary="Forget a lead")
async def forget(request: Request, lead_id: str) -> JSONResponse:
    """Remove everything that is held on a lead, under all its ids, and refuse what still comes of it. Once more does no harm."""
    services = services_of(request)
    await services.caller(request, "admin")
    done = await services.write(lambda: services.store.privacy.forget(_storable(lead_id), now_us()))
    return JSONResponse(done.as_dict())


def time_columns(workspace: Workspace) -> dict[str, str]:
    """Return the columns of the leads table that say when a lead started, ended and when its trial ends."""
    spec = workspace.data.leads
    names = {name: getattr(spec, name, None) for name in ("started_at", "ended_at", "trial_ends_at")}
    return {name: str(column) for name, column in names.items() if column is not None}


def _storable(lead_id: str) -> str:
    """Return an id that a store can hold; of another there is nothing."""
    if not 0 < len(lead_id) <= 256 or "\x00" in lead_id:
        raise Problem("lead_not_found", "No lead can have this id.")
    return lead_id
