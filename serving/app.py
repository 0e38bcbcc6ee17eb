"""The application: services made once, doors opened, every error turned into a problem."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Lifespan

from features.store import EventStore
from features.storing.engine import StoreUnavailable
from features.workspace import Workspace
from serving import (
    action_routes,
    change_routes,
    health_routes,
    inference_v2,
    ingest_routes,
    lead_routes,
    mlflow_protocol,
    posthog_routes,
    privacy_routes,
    sales_routes,
    score_routes,
    what_if_routes,
)
from serving.access import Access
from serving.background import parts_of
from serving.browsers import Browsers
from serving.connections import REFUSALS
from serving.draining import Draining
from serving.guarded_connect import Trust
from serving.guards import Doorkeeper
from serving.kept_models import ConfiguredRegistry, KeptModels, Registry
from serving.ledger import Ledger
from serving.live import LiveModel
from serving.metrics import Measured, Metrics
from serving.observed import Observed
from serving.overload import Rooms
from serving.past_models import PastModels
from serving.problem_schema import describe_problems
from serving.problems import Problem, Sealed, retry_later
from serving.ranking import Ranking
from serving.schemas import ProblemAnswer
from serving.services import Services
from serving.settings import Settings
from serving.shadow import Shadow
from serving.shadow_metrics import ShadowMetrics
from serving.silence import Silence
from serving.straight import Straight
from serving.tracing import configured
from serving.turned_away import Refusals, TurnedAway
from serving.webhook_endpoints import endpoints_of
from serving.webhook_metrics import WebhookMetrics

log = logging.getLogger("trialwise.app")

PAGE_DOORS = (*ingest_routes.paths(), *posthog_routes.paths())
"""What web pages may use: where events come in. Who paid and who was spoken to is not for a page to say."""

ROUTERS = tuple(
    part.router
    for part in (
        ingest_routes,
        sales_routes,
        posthog_routes,
        score_routes,
        lead_routes,
        change_routes,
        what_if_routes,
        action_routes,
        privacy_routes,
        mlflow_protocol,
        inference_v2,
        health_routes,
    )
)

NONE_OF_ITS_OWN: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI would tell traces and logs the texts of errors, which may quote data; `serving/tracing.py` tells them enough."""

_BY_STATUS = {404: "not_found", 405: "method_not_allowed"}


def create_app(workspace: Workspace, settings: Settings, *, source: Registry | None = None) -> FastAPI:
    """Return the server of one workspace; ``source`` stands in for the registry in tests."""
    metrics, rooms = Metrics(), Rooms(settings.limits)
    draining = Draining(settings.limits.drain_seconds)
    refusals = Refusals(rooms=rooms, metrics=metrics, routers=ROUTERS)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        services = await run_in_threadpool(_open, workspace, settings, metrics, source)
        app.state.services = services
        services.rooms, services.draining = rooms, draining
        draining.watch()
        try:
            yield {REFUSALS: refusals}
        finally:
            refusals.lines.sum_up()
            await run_in_threadpool(_close, services)

    app = described(lifespan)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(StoreUnavailable, _store_unavailable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Sealed)
    app.add_middleware(Doorkeeper, loopback_only=settings.open_to_all)
    app.add_middleware(Browsers, origins=settings.origins, doors=PAGE_DOORS)
    app.add_middleware(Measured, metrics=metrics)
    app.add_middleware(Observed, rooms=rooms, tracing=configured())
    app.add_middleware(TurnedAway, refusals=refusals)
    return app


def described(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return the application with its doors and their descriptions, and nothing behind them yet."""
    app = FastAPI(
        title="Trialwise",
        version="1",
        summary="How likely each free-trial lead is to pay, and why.",
        lifespan=lifespan,
        docs_url=None,  # these pages load code from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        telemetry=NONE_OF_ITS_OWN,
        responses={"default": {"model": ProblemAnswer, "description": "A problem"}},
    )
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Straight, routers=ROUTERS)
    describe_problems(app)
    return app


def _open(workspace: Workspace, settings: Settings, metrics: Metrics, source: Registry | None) -> Services:
    store = EventStore(settings.database_url)
    store.migrate()
    store.need_same_secret(settings.secret())
    access = Access(store, settings.secret(), open_to_all=settings.open_to_all, limits=settings.limits)
    models = KeptModels(workspace, settings.home, source or ConfiguredRegistry())
    live = LiveModel(workspace.name, models, metrics, poll_seconds=settings.poll_seconds)
    shadow = Shadow(workspace.name, models, live, ShadowMetrics(metrics.registry), poll_seconds=settings.poll_seconds)
    ledger = Ledger(store, metrics)
    silence = Silence(workspace, store, live, metrics)
    past = PastModels(models, store)
    services = Services(workspace, store, access, live, ledger, Ranking(workspace, store), metrics, silence, shadow, past)
    services.endpoints = endpoints_of(workspace, Trust.from_environment())
    parts = parts_of(workspace, store, live, WebhookMetrics(metrics.registry), services.is_busy)
    services.behind = (*parts, services.live_percentile, services.ranking)
    live.start()
    shadow.start()
    ledger.start()
    silence.start()
    for part in services.behind:
        part.start()
    return services


def _close(services: Services) -> None:
    for part in services.behind:
        part.stop()
    services.silence.stop()
    services.shadow.stop()
    services.live.stop()
    services.ledger.stop()
    services.store.close()


async def _problem(request: Request, problem: Any) -> Response:
    found: Problem = problem
    return found.response(request.scope["path"])


async def _store_unavailable(request: Request, trouble: Exception) -> Response:
    log.warning("%s", trouble)
    return retry_later("store_unavailable", "The store does not answer now; try again.").response(request.scope["path"])


async def _http(request: Request, error: Any) -> Response:
    code = _BY_STATUS.get(error.status_code, "bad_request")
    problem = Problem(code, "There is nothing at this address." if code == "not_found" else "The request cannot be answered.")
    problem.headers.update(error.headers or {})
    return problem.response(request.scope["path"])


async def _invalid(request: Request, _error: Exception) -> Response:
    problem = Problem("invalid_request", "A parameter does not have the right shape; see /openapi.json.")
    return problem.response(request.scope["path"])
