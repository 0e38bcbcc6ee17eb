"""Behaviours: the words of the business, and which events of a product mean each of them."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from features.names import fold
from features.workspaces.section import Many, PlainName, Section, Text, TextSet, refused, unknown

VOCABULARY = (
    "session",
    "core_use",
    "milestone",
    "purchase_intent",
    "add_on",
    "support",
    "education",
    "community",
    "profile",
    "positive_feedback",
    "negative_feedback",
    "collaboration",
    "advocacy",
    "friction",
    "marketing",
    "sales",
)
"""The fixed behaviours: phrases, stage rules and plays know them."""

ANY = "any"
"""Every event, mapped or not."""

RESERVED = frozenset({ANY, "account", "event", "trial_age", "rest"})
"""Names that features or reasons use themselves."""

OPERATORS = ("eq", "in", "ge", "gt", "le", "lt", "glob")

Scalar = bool | int | float | str
Where = dict[str, dict[str, Scalar | tuple[Scalar, ...]]]
"""What a property must be: ``{score: {ge: 9}}``; all of it must hold."""


def _number(value: Any) -> Any:
    """Give 9.0 the one form 9, so that equal conditions have one fingerprint."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) <= 2**53


def _is_scalar(value: Any) -> bool:
    return isinstance(value, bool | str) or _is_number(value)


def _condition(operator: str, value: Any, at: tuple[str, ...]) -> Scalar | tuple[Scalar, ...]:
    if operator not in OPERATORS:
        raise unknown("operator", operator, OPERATORS, at=at)
    at = (*at, operator)
    if operator == "in":
        values = value if isinstance(value, tuple | list) else (value,)
        if not values or not all(_is_scalar(item) for item in values):
            raise refused("a list of texts, numbers or true and false", "write in: [a, b]", at=at)
        # One order and no repeats: the same condition is the same text.
        distinct = {(type(item).__name__, item): item for item in map(_number, values)}
        return tuple(distinct[key] for key in sorted(distinct))
    if operator == "glob" and not isinstance(value, str):
        raise refused("a text in which * and ? are open", "put it in quotes", at=at)
    if operator in ("ge", "gt", "le", "lt") and not _is_number(value):
        raise refused("a number", f"write {operator}: 9", at=at)
    if not _is_scalar(value):
        raise refused("a text, a number, true or false", "put a text in quotes", at=at)
    result: Scalar = _number(value)
    return result


def _conditions(value: Any) -> Any:
    """Write ``{country: NO}`` and ``{country: [NO, SE]}`` in full, and check every operator."""
    if not isinstance(value, dict):
        return value
    result: Where = {}
    for column in sorted(value):
        wanted = value[column]
        if not isinstance(wanted, dict):
            wanted = {"in" if isinstance(wanted, tuple | list) else "eq": wanted}
        if not wanted:
            raise refused(f"one of {', '.join(OPERATORS)}", "write {score: {ge: 9}}", at=(column,))
        result[column] = {operator: _condition(operator, wanted[operator], (column,)) for operator in sorted(wanted)}
    return result


Conditions = Annotated[Where, BeforeValidator(_conditions)]


def _folded(name: str) -> str:
    if not name.strip():
        raise refused("the name of an event, in which * and ? are open", "write the name or delete the entry")
    return fold(name)


class EventPattern(Section):
    """Events by name, folded, in which * and ? are open, and by their properties."""

    event: Annotated[Text, AfterValidator(_folded)]
    where: Conditions = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, data: Any) -> Any:
        return {"event": data} if isinstance(data, str) else data


def _in_one_order(patterns: tuple[EventPattern, ...]) -> tuple[EventPattern, ...]:
    by_text = {json.dumps([pattern.event, pattern.where], sort_keys=True): pattern for pattern in patterns}
    return tuple(by_text[text] for text in sorted(by_text))


EventPatterns = Annotated[tuple[EventPattern, ...], Many, AfterValidator(_in_one_order)]
"""Events that are alternatives: their order and repeats mean nothing, so they are kept in one order without repeats."""


def _levels(levels: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(levels)))


class Behaviour(Section):
    """The events that mean one behaviour, and the properties that say how long or how much."""

    events: EventPatterns = ()
    duration: Text | None = None
    amount: Text | None = None
    reach: Annotated[tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Many, AfterValidator(_levels)] = ()
    traits: TextSet = ()
    phrase: Text | dict[str, Text] | None = None

    @model_validator(mode="after")
    def _means_something(self) -> Behaviour:
        if not self.events and not self.traits:
            raise refused(
                "events, or traits of the lead", "list its events or delete the behaviour", given="a behaviour without events"
            )
        return self


Behaviours = dict[PlainName, Behaviour]
