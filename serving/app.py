"""The application: services made once, doors opened, every error turned into a problem."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Lifespan

from features.store import EventStore
from features.storing.engine import StoreUnavailable
from features.workspace import Workspace
from serving import health_routes, ingest_routes, lead_routes, score_routes
from serving.access import Access
from serving.guards import Doorkeeper
from serving.ledger import Ledger
from serving.live import LiveModel, Registry
from serving.metrics import Measured, Metrics
from serving.problems import Problem, Sealed, retry_later
from serving.ranking import Ranking
from serving.schemas import ProblemAnswer
from serving.services import Services
from serving.settings import Settings

log = logging.getLogger("trialwise.app")

_BY_STATUS = {404: "not_found", 405: "method_not_allowed"}


def create_app(workspace: Workspace, settings: Settings, *, source: Registry | None = None) -> FastAPI:
    """Return the server of one workspace; ``source`` stands in for the registry in tests."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services = await run_in_threadpool(_open, workspace, settings, metrics, source)
        app.state.services = services
        try:
            yield
        finally:
            await run_in_threadpool(_close, services)

    app = described(lifespan)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(StoreUnavailable, _store_unavailable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Sealed)
    app.add_middleware(Doorkeeper, loopback_only=settings.open_to_all)
    app.add_middleware(Measured, metrics=metrics)
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
        responses={"default": {"model": ProblemAnswer, "description": "A problem (application/problem+json)"}},
    )
    for part in (ingest_routes, score_routes, lead_routes, health_routes):
        app.include_router(part.router)
    return app


def _open(workspace: Workspace, settings: Settings, metrics: Metrics, source: Registry | None) -> Services:
    store = EventStore(settings.database_url)
    store.migrate()
    store.need_same_secret(settings.secret())
    access = Access(store, settings.secret(), open_to_all=settings.open_to_all)
    live = LiveModel(workspace, settings.home, metrics, poll_seconds=settings.poll_seconds, source=source)
    ledger = Ledger(store, metrics)
    services = Services(workspace, store, access, live, ledger, Ranking(workspace, store), metrics)
    live.start()
    ledger.start()
    return services


def _close(services: Services) -> None:
    services.live.stop()
    services.ledger.stop()
    services.store.close()


async def _problem(_request: Request, problem: Any) -> Response:
    found: Problem = problem
    return found.response()


async def _store_unavailable(_request: Request, trouble: Exception) -> Response:
    log.warning("%s", trouble)
    return retry_later("store_unavailable", "The store does not answer now; try again.").response()


async def _http(_request: Request, error: Any) -> Response:
    code = _BY_STATUS.get(error.status_code, "bad_request")
    problem = Problem(code, "There is nothing at this address." if code == "not_found" else "The request cannot be answered.")
    problem.headers.update(error.headers or {})
    return problem.response()


async def _invalid(_request: Request, _error: Exception) -> Response:
    return Problem("invalid_request", "A parameter does not have the right shape; see /openapi.json.").response()
