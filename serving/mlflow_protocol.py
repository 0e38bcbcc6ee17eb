"""MLflow's scoring protocol, so that whatever speaks to ``mlflow models serve`` can speak to this server instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from importlib.metadata import version as version_of
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from serving.feature_table import FeatureTable
from serving.guards import SCORE_LIMIT, parsed
from serving.mlflow_bodies import read_json
from serving.problems import Problem, retry_later
from serving.protocol_schemas import INVOCATION, PredictionsAnswer
from serving.quick_json import QuickJSON
from serving.score_bodies import CSV, JSON, PARQUET, score_body
from serving.scored_tables import score_table
from serving.scoring import Record, Wish, asked_of, read_wish
from serving.services import Services, services_of
from serving.tabular_bodies import read_csv, read_parquet
from serving.view import View

_TABULAR: Mapping[str, Callable[[bytes, View], FeatureTable]] = {CSV: read_csv, PARQUET: read_parquet}

PARAMS = ("reasons", "lang")
BRIEF = ("probability", "grade", "percentile", "stage", "warnings")
EXPLAINED = ("base", "reasons", "rest")
ABOUT: list[str | Enum] = ["operation"]
"""Whoever only asks about the server is answered also when it has no room for scores."""

router = APIRouter()


@router.post(
    "/invocations",
    tags=["score"],
    response_model=PredictionsAnswer,
    summary="Score a table of features, as MLflow's scoring server does",
    openapi_extra=INVOCATION,
)
async def invocations(request: Request) -> QuickJSON:
    """Return a prediction for each row, in their order. Features go by name; reasons are given where ``params`` asks for them."""
    services = services_of(request)
    caller = await services.caller(request, "score")
    form, data = await score_body(request, (JSON, *_TABULAR))
    loaded = services.model()
    params: Mapping[str, Any] = {}
    if form == JSON:
        body = await parsed(data, SCORE_LIMIT, nan_is_missing=True)  # MLflow's own clients write it
        table, params = await services.compute(partial(read_json, body, loaded.view))
    else:
        table = await services.compute(partial(_TABULAR[form], data, loaded.view))
    wish = _wish(services, params)
    asked = asked_of(loaded, wish, stale=services.live.is_stale)
    records = await score_table(services, loaded, table, asked, caller, "mlflow")
    return QuickJSON({"predictions": [_prediction(one, wish) for one in records]})


@router.get("/ping", tags=ABOUT, summary="A model serves, in MLflow's words", response_class=Response)
@router.get("/health", tags=ABOUT, summary="A model serves, in MLflow's words", response_class=Response)
async def ping(request: Request) -> Response:
    """Answer 200 once a model serves, and until the server is told to stop."""
    services = services_of(request)
    services.model()
    if services.draining.begun:
        raise retry_later("overloaded", "The server is stopping; ask another one.")
    return Response("\n", media_type=JSON)


@router.get("/version", tags=ABOUT, summary="The version of MLflow whose protocol this is", response_class=Response)
async def version() -> Response:
    """Return the version of MLflow that is installed."""
    return Response(await run_in_threadpool(version_of, "mlflow-skinny"), media_type=JSON)


def _wish(services: Services, params: Mapping[str, Any]) -> Wish:
    if not set(params) <= set(PARAMS):
        raise Problem("invalid_request", f"params knows {' and '.join(PARAMS)} only.")
    return read_wish(services.workspace, params.get("reasons"), params.get("lang"), default=0)


def _prediction(record: Record, wish: Wish) -> Record:
    keys = BRIEF if wish.reasons == 0 else (*BRIEF, *EXPLAINED)
    found = {key: record[key] for key in keys}
    return {"lead_id": record["lead_id"], **found} if record["lead_id"] else found
