"""What serves and how it is: the model, liveness, readiness, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from features.storing.engine import StoreUnavailable
from models.registry import CHAMPION
from serving.schemas import HealthAnswer, ModelAnswer
from serving.services import services_of

router = APIRouter(tags=["operation"])


@router.get("/v1/model", response_model=ModelAnswer, summary="Which model serves, and why")
async def model(request: Request) -> JSONResponse:
    """Say which model answers, whether it is up to date, in what the workspace differs from it, and how its challenger does."""
    services = services_of(request)
    await services.caller(request, "score")
    loaded = services.live.current
    ref = loaded.ref if loaded else None
    scorer = loaded.scorer if loaded else None
    return JSONResponse(
        {
            "name": services.workspace.name,
            "alias": CHAMPION,
            "serving": loaded is not None,
            "version": ref.version if ref else None,
            "digest": ref.digest if ref else None,
            "run_id": ref.run_id if ref else None,
            "fingerprint": scorer.definition.fingerprint if scorer else None,
            "horizon_days": scorer.meta.horizon_days if scorer else None,
            "base": scorer.base if scorer else None,
            "verdict": scorer.reference.verdict if scorer else None,
            "stale": services.live.is_stale,
            "problem": services.live.problem,
            "differing_keys": list(loaded.differs) if loaded else [],
            "data_digest": _text(scorer.meta.facts.get("rows_sha256")) if scorer else None,
            "shadow": services.shadow.told(),
        }
    )


def _text(fact: object) -> str | None:
    return fact if isinstance(fact, str) else None


@router.get("/livez", response_model=HealthAnswer, summary="The process answers")
async def livez() -> JSONResponse:
    """Answer as long as the process does."""
    return JSONResponse({"status": "ok", "checks": {}})


@router.get(
    "/readyz",
    response_model=HealthAnswer,
    summary="A model serves and the store answers",
    responses={503: {"model": HealthAnswer, "description": "Not ready"}},
)
async def readyz(request: Request) -> JSONResponse:
    """Answer 200 only when a model has proved itself and the store can be read."""
    services = services_of(request)
    checks = {"model": "ok" if services.live.current is not None else "no model", "store": "ok"}
    if services.draining.begun:
        checks["process"] = "stopping"
    told = {"registry": "unavailable" if services.live.is_stale else "ok"}  # without it the last good model answers
    try:
        await run_in_threadpool(services.store.ping)  # not with the writers: a busy server is ready
    except StoreUnavailable:
        checks["store"] = "unavailable"
    ready = all(what == "ok" for what in checks.values())
    headers = {} if ready else {"Retry-After": "5"}
    answer = {"status": "ok" if ready else "unavailable", "checks": checks | told}
    return JSONResponse(answer, 200 if ready else 503, headers=headers)


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Return the metrics in Prometheus' text format."""
    text = await run_in_threadpool(services_of(request).metrics.text)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
