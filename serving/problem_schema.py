"""The schema of the API says of problems what they are: FastAPI describes every answer that has a model as application/json."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from serving.problems import MEDIA_TYPE
from serving.schemas import ProblemAnswer

REFERENCE = f"#/components/schemas/{ProblemAnswer.__name__}"


def describe_problems(app: FastAPI) -> None:
    """Let the application's schema give its default answers the media type of problems."""
    own = app.openapi

    def openapi() -> dict[str, Any]:
        schema = own()
        for methods in schema["paths"].values():
            for operation in methods.values():
                content = operation["responses"].get("default", {}).get("content", {})
                if content.get("application/json", {}).get("schema", {}).get("$ref") == REFERENCE:
                    content[MEDIA_TYPE] = content.pop("application/json")
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
