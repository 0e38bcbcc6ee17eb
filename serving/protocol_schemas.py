"""Shapes of MLflow's scoring protocol and of the Open Inference Protocol, as /openapi.json shows them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from serving.schemas import Reason, Rest, Warned

_ROWS = {"type": "array", "items": {"type": "object"}}
_ANY: dict[str, Any] = {}

INVOCATION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "Exactly one of the four tables. Features go by name, in any order; absent ones are missing.",
                    "properties": {
                        "dataframe_split": {
                            "type": "object",
                            "required": ["columns", "data"],
                            "properties": {
                                "columns": {"type": "array", "items": {"type": "string"}},
                                "index": {"type": "array", "items": _ANY},
                                "data": {"type": "array", "items": {"type": "array", "items": _ANY}},
                            },
                        },
                        "dataframe_records": _ROWS,
                        "instances": _ROWS,
                        "inputs": _ANY,
                        "params": {
                            "type": "object",
                            "properties": {"reasons": _ANY, "lang": {"enum": ["en", "tr", "de"]}},
                            "additionalProperties": False,
                        },
                    },
                    "additionalProperties": False,
                }
            },
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}

_TENSOR: dict[str, Any] = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
        "datatype": {"type": "string"},
        "parameters": {"type": "object"},
        "data": {"type": "array", "items": _ANY},
    },
}
INFER: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "description": "One tensor for each feature, of shape [n] or [n, 1]; categories are BYTES.",
                    "properties": {
                        "id": {"type": "string"},
                        "parameters": {"type": "object"},
                        "inputs": {"type": "array", "items": _TENSOR, "minItems": 1},
                        "outputs": {"type": "array", "items": {"type": "object", "required": ["name"]}},
                    },
                    "additionalProperties": False,
                }
            }
        },
    },
    "responses": {
        "default": {
            "description": "An error in the protocol's shape",
            "content": {
                "application/json": {
                    "schema": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
                }
            },
        }
    },
}

_LINES: dict[str, Any] = {"schema": {"type": "string", "description": "A lead a line; reasons, lang and as_of in the address."}}
BULK: dict[str, Any] = {
    "application/x-ndjson": _LINES,
    "application/vnd.apache.arrow.stream": {
        "schema": {"type": "string", "format": "binary", "description": "Columns lead_id, perhaps started_at, and features."}
    },
}
"""The other bodies of ``POST /v1/score``."""


class Prediction(BaseModel):
    """What is said of one row; ``base``, ``reasons`` and ``rest`` where reasons were asked for."""

    lead_id: str | None = None
    probability: float
    grade: str
    percentile: float
    stage: str
    warnings: list[Warned]
    base: float | None = None
    reasons: list[Reason] | None = None
    rest: Rest | None = None


class PredictionsAnswer(BaseModel):
    """A prediction for each row, in their order."""

    predictions: list[Prediction]


class _Model(BaseModel):
    """An answer whose names begin with ``model_``, as the protocol has them."""

    model_config = ConfigDict(protected_namespaces=())


class Tensor(BaseModel):
    """An output."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class InferAnswer(_Model):
    """What was inferred."""

    model_name: str
    model_version: str
    id: str | None = None
    parameters: dict[str, Any]
    outputs: list[Tensor]


class InferenceError(BaseModel):
    """What went wrong, as the Open Inference Protocol says it."""

    error: str


class ServerMetadata(BaseModel):
    """Which server this is."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """An input or output of the model."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What the model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
