"""Checking shapes without repeating what was sent: only places and rules are named."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from serving.change_schemas import ImaginedEvent, WhatIfBody
from serving.problems import Problem
from serving.schemas import LeadsBody, PostedEvent, PostedLead, ScoreBody

M = TypeVar("M", bound=BaseModel)

MOST_MISTAKES = 1000
"""Writing down a mistake takes time, and a hostile body can have a million of them."""

_RULES = {
    "missing": "is missing",
    "extra_forbidden": "holds a key that is not known",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "list_type": "must be an array",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "too_long": "has too many items",
    "greater_than_equal": "is too small",
    "less_than": "is too large",
}


_SHAPES = (PostedLead, PostedEvent, ScoreBody, LeadsBody, WhatIfBody, ImaginedEvent)
_NAMES = frozenset(name for model in _SHAPES for name in model.model_fields)
"""What a place may be called: any other word in it is the caller's."""


def shaped(model: type[M], body: Any) -> M:
    """Return a body in its shape, or the problem that says where it is not."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Problem("invalid_request", where_wrong(error)) from None


def where_wrong(error: ValidationError, whole: str = "The body") -> str:
    """Return where the first mistake is and which rule it breaks.

    A place is told by names of the schema and by indices; a key that the caller made up is not repeated.
    """
    if error.error_count() > MOST_MISTAKES:
        return f"{whole} has more mistakes than can be named."
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    rule = _RULES.get(first["type"], "does not have the right shape")
    loc = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    steps = [str(step) for step in loc if isinstance(step, int) or step in _NAMES]
    return f"{'.'.join(steps) or whole} {rule}."
