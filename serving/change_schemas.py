"""Shapes of the answers about changes and what-ifs, and of the question what if."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from serving.schemas import Id, ModelName, Rest, Warned

MOST_EVENTS = 100
MOST_ATTRIBUTES = 100
MOST_COUNT = 1000


class ImaginedEvent(BaseModel):
    """One event that might happen: a posted event, which needs no time."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    event: Id
    timestamp: str | None = None
    """The instant that is asked about, if left out."""
    id: Id | None = None
    received_at: str | None = None
    count: Annotated[int, Field(ge=1, le=MOST_COUNT)] = 1
    properties: dict[str, JsonValue] = Field(default_factory=dict)


class WhatIfBody(BaseModel):
    """What ``POST /v1/leads/{id}/what-if`` takes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    as_of: str | None = None
    lang: str | None = None
    reasons: int | str | None = None
    events: Annotated[list[ImaginedEvent], Field(max_length=MOST_EVENTS)] = Field(default_factory=list)
    attributes: Annotated[dict[str, JsonValue], Field(max_length=MOST_ATTRIBUTES)] = Field(default_factory=dict)
    trial_ends_at: str | None = None
    """Another end of the trial: an extension."""


class ChangeReason(BaseModel):
    """How much one player moved the difference, with what was so before and what is so after.

    Of the whole change, before is then and after is now. In the part of time, after is what would be so now had nothing happened
    since; in the part of behaviour that is what is before. The entry ``base`` of two models is the difference of their bases, and
    has no feature.
    """

    player: str
    feature: str | None
    value_before: float | str | None
    value: float | str | None
    points: float
    log_odds: float
    text_before: str | None
    text: str


class ChangePart(BaseModel):
    """One part of a difference; its reasons and the rest add up to it."""

    text: str
    points: float
    log_odds: float
    reasons: list[ChangeReason]
    rest: Rest


class ChangeParts(BaseModel):
    """The parts, which add up to the difference."""

    behaviour: ChangePart
    time: ChangePart
    model: ChangePart


class Difference(BaseModel):
    """The later probability minus the earlier one, and the same in log-odds."""

    points: float
    log_odds: float


class OneLook(BaseModel):
    """A score on one side of a difference."""

    as_of: str | None
    probability: float | None
    grade: str | None
    percentile: float | None
    stage: str
    base: float
    model: ModelName


class ChangesAnswer(BaseModel):
    """Why a score is another one than before: in all, and split into parts, which add up to it player by player.

    Of a lead that was not open then or is not open now there is no difference, and nothing of it.
    """

    lead_id: str
    since: str
    as_of: str
    then: OneLook
    now: OneLook
    model_then_by: Literal["ledger", "asked", "current"]
    text: str
    difference: Difference | None
    reasons: list[ChangeReason]
    rest: Rest | None
    parts: ChangeParts | None
    warnings: list[Warned]


class WhatIfParts(BaseModel):
    """What being active at all would move, whatever it is, and what the step itself moves beyond that: the whole difference.

    By ``step`` plays are ranked, where it is called ``difference``.
    """

    activity: ChangePart
    step: ChangePart


class WhatIfAnswer(BaseModel):
    """A score without and with what is imagined, the difference by reason and in parts, and what that does not promise."""

    lead_id: str
    as_of: str | None
    horizon_days: float
    by: str | None
    without: OneLook
    imagined: OneLook
    difference: Difference
    text: str
    association: str
    reasons: list[ChangeReason]
    rest: Rest
    parts: WhatIfParts
    warnings: list[Warned]
