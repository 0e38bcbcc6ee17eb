"""The Open Inference Protocol, version 2, over HTTP: the model as an inference server offers one.

Its errors are ``{"error": "..."}``, which is the protocol's shape and not that of the rest of this server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version as version_of
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from serving.guards import SCORE_LIMIT, parsed
from serving.mlflow_protocol import ABOUT
from serving.problems import Problem
from serving.protocol_schemas import INFER, InferAnswer, InferenceError, ModelMetadata, ServerMetadata
from serving.proving import Loaded
from serving.quick_json import QuickJSON
from serving.score_bodies import JSON, score_body
from serving.scored_tables import score_table
from serving.scoring import Record, asked_of, read_wish
from serving.services import Services, services_of
from serving.tensors import TEXTS, joined, packed, read_tensors, split_body, tensor

BINARY = "application/octet-stream"
HEADER = "Inference-Header-Content-Length"

OUTPUTS: Mapping[str, str] = {"probability": "FP64", "grade": TEXTS, "percentile": "FP64", "stage": TEXTS}
EXPLAINED: Mapping[str, str] = {"base": "FP64", "reasons": TEXTS, "rest": TEXTS}
"""Outputs that are given when they are asked for by name; reasons and rest are JSON, a text for each row."""

BINARY_ALL, BINARY_ONE = "binary_data_output", "binary_data"


router = APIRouter(responses={"default": {"model": InferenceError, "description": "What went wrong"}})


@router.get("/v2", tags=ABOUT, response_model=ServerMetadata, summary="The server, in the Open Inference Protocol")
async def server() -> JSONResponse:
    """Say which server this is, and which extensions of the protocol it knows."""
    version = await run_in_threadpool(version_of, "trialwise")
    return JSONResponse({"name": "trialwise", "version": version, "extensions": ["binary_tensor_data"]})


@router.get("/v2/health/live", tags=ABOUT, summary="The process answers", response_model=dict[str, bool])
async def live() -> JSONResponse:
    """Answer as long as the process does."""
    return JSONResponse({"live": True})


@router.get(
    "/v2/health/ready",
    tags=ABOUT,
    summary="A model serves",
    response_model=dict[str, bool],
    responses={503: {"model": dict[str, bool], "description": "Not ready"}},
)
async def ready(request: Request) -> JSONResponse:
    """Answer 200 once a model serves."""
    services = services_of(request)
    found = services.live.current is not None and not services.draining.begun
    # The protocol's own text shows `live` in this answer, clients of it look for either.
    told = {"ready": found, "live": found}
    return JSONResponse(told) if found else JSONResponse(told, 503, headers={"Retry-After": "5"})


@router.get(
    "/v2/models/{name}/versions/{version}/ready", tags=ABOUT, summary="This version serves", response_model=dict[str, Any]
)
@router.get("/v2/models/{name}/ready", tags=ABOUT, summary="The model serves", response_model=dict[str, Any])
async def model_ready(request: Request, name: str, version: str | None = None) -> JSONResponse:
    """Answer 200 while the model serves."""
    services = services_of(request)
    await services.caller(request, "score")
    _model(services, name, version)
    return JSONResponse({"name": name, "ready": True})


@router.get(
    "/v2/models/{name}/versions/{version}", tags=ABOUT, response_model=ModelMetadata, summary="What a version takes and gives"
)
@router.get("/v2/models/{name}", tags=ABOUT, response_model=ModelMetadata, summary="What the model takes and gives")
async def model(request: Request, name: str, version: str | None = None) -> JSONResponse:
    """Name the features that the model knows, and what it answers."""
    services = services_of(request)
    await services.caller(request, "score")
    loaded = _model(services, name, version)
    inputs = [(one.name, TEXTS if one.kind == "category" else "FP64") for one in loaded.view.features.features]
    return JSONResponse(
        {
            "name": name,
            "versions": [loaded.ref.version],
            "platform": "trialwise",
            "inputs": [{"name": feature, "datatype": kind, "shape": [-1]} for feature, kind in inputs],
            "outputs": [{"name": output, "datatype": kind, "shape": [-1]} for output, kind in OUTPUTS.items()],
        }
    )


@router.post(
    "/v2/models/{name}/versions/{version}/infer",
    tags=["score"],
    response_model=InferAnswer,
    summary="Score with a version",
    openapi_extra=INFER,
)
@router.post("/v2/models/{name}/infer", tags=["score"], response_model=InferAnswer, summary="Score features", openapi_extra=INFER)
async def infer(request: Request, name: str, version: str | None = None) -> Response:
    """Score tensors, one for each feature. A feature that is not sent is missing."""
    services = services_of(request)
    caller = await services.caller(request, "score")
    # Clients of this protocol send their JSON without a type; one that a web page could send unasked is not among these.
    _, data = await score_body(request, (JSON, BINARY, ""))
    head, binary = split_body(data, request.headers.get(HEADER))
    body = await parsed(head, SCORE_LIMIT, nan_is_missing=True)
    if not isinstance(body, dict) or not set(body) <= {"id", "parameters", "inputs", "outputs"}:
        raise Problem("invalid_request", "A request has inputs, and perhaps id, parameters and outputs.")
    if not isinstance(body.get("id", ""), str):
        raise Problem("invalid_request", "id is a text.")
    parameters = _parameters(body.get("parameters"))
    outputs = _outputs(body.get("outputs"), bool(parameters.get(BINARY_ALL)))
    loaded = _model(services, name, version)
    table = await services.compute(partial(read_tensors, body.get("inputs"), binary, loaded.view))
    explained = bool(set(outputs) & set(EXPLAINED))
    wish = read_wish(services.workspace, parameters.get("reasons"), parameters.get("lang"), default=3 if explained else 0)
    asked = asked_of(loaded, wish, stale=services.live.is_stale)
    records = await score_table(services, loaded, table, asked, caller, "v2")
    answer: dict[str, Any] = {"model_name": name, "model_version": loaded.ref.version}
    if "id" in body:
        answer["id"] = body["id"]
    answer["parameters"] = {"fingerprint": loaded.scorer.definition.fingerprint, "unknown_features": table.unknown}
    return _answered(answer, records, outputs)


def _model(services: Services, name: str, version: str | None) -> Loaded:
    loaded = services.model()
    if name != services.workspace.name or version not in (None, loaded.ref.version):
        raise Problem("not_found", "No model of this name and version serves here.")
    return loaded


def _parameters(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Problem("invalid_request", "parameters is an object.")
    return value


def _outputs(value: Any, all_binary: bool) -> dict[str, bool]:
    """Return the wanted outputs, and of each whether it is wanted in the binary form."""
    if value is None or value == []:
        return dict.fromkeys(OUTPUTS, all_binary)
    names = [one.get("name") if isinstance(one, dict) else None for one in value] if isinstance(value, list) else [None]
    if not all(isinstance(one, str) and one in {**OUTPUTS, **EXPLAINED} for one in names) or len(set(names)) < len(names):
        raise Problem("invalid_request", f"outputs are some of {', '.join((*OUTPUTS, *EXPLAINED))}, each once.")
    return {one["name"]: bool(_parameters(one.get("parameters")).get(BINARY_ONE, all_binary)) for one in value}


def _answered(answer: dict[str, Any], records: list[Record], outputs: Mapping[str, bool]) -> Response:
    made, parts = [], []
    for name, is_binary in outputs.items():
        kind = {**OUTPUTS, **EXPLAINED}[name]
        values = [record[name] for record in records]
        if name in ("reasons", "rest"):
            values = [json.dumps(value, ensure_ascii=False) for value in values]
        one = tensor(name, values, kind)
        if is_binary:
            one, part = packed(one)
            parts.append(part)
        made.append(one)
    answer["outputs"] = made
    if not parts:
        return QuickJSON(answer)
    data, length = joined(answer, parts)
    return Response(data, media_type=BINARY, headers={HEADER: str(length)})
