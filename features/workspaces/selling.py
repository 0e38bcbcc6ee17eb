"""The sections for growth and sales: points by hand, stages, plays, words, the ideal customer, webhooks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from features.workspaces.behaviours import Conditions
from features.workspaces.points import read_line
from features.workspaces.section import Many, PlainName, Section, Text, Texts

Share = Annotated[float, Field(gt=0, lt=1)]
Words = Text | dict[Literal["en", "tr", "de"], Text]
"""One text for every language, or one for each."""


class ScorecardSpec(Section):
    """Points by hand, in log-odds, for scoring before there is anything to learn from."""

    base_rate: Share | None = None
    points: dict[Text, Annotated[float, Field(ge=-20, le=20)]] = Field(default_factory=dict)
    """A line each: a behaviour, a column, or a condition on one; they are added to the default, and 0 takes one away."""

    @field_validator("points")
    @classmethod
    def _readable(cls, points: dict[str, float]) -> dict[str, float]:
        return {read_line(line).text: number for line, number in points.items()}


class StagesSpec(Section):
    """Which behaviours make a lead marketing- or sales-qualified, and from which probability it is product-qualified."""

    mql: Texts = ("marketing",)
    sql: Texts = ("sales",)
    pql_probability: Share | None = None
    """None: the threshold that the capacity sets."""
    hysteresis: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """How far below its threshold, as a share of it, a probability must fall before the stage is lost."""
    debounce_seconds: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    """How long a new stage or grade must hold before it counts as a change."""


class PlaySpec(Section):
    """Something that people can do for a lead."""

    text: Words | None = None
    moves: Texts = ()
    """The behaviours that it is meant to bring about."""
    times: Annotated[int, Field(ge=1, le=1000)] = 1
    """How often a lead is imagined to do each of them."""
    cost: Annotated[float, Field(ge=0)] = 0.0
    reach: Literal["one", "all"] = "one"
    stages: Annotated[tuple[Literal["lead", "mql", "pql", "sql", "expired"], ...], Many] = ()
    """Of which stages a lead must be; none means any."""
    suits: Conditions = Field(default_factory=dict)
    again_after_days: Annotated[float, Field(ge=0, le=3650)] = 30.0
    """How long the same lead is not proposed it again."""
    enabled: bool = True


class WebhookSpec(Section):
    """An address that is told when a lead changes."""

    url: Annotated[str, Field(pattern="^https?://", max_length=2000)] = Field(repr=False)
    secret: Annotated[str, Field(min_length=1)] | None = Field(default=None, repr=False)
    """One secret of Standard Webhooks, or several with blanks between them while a new one takes over."""
    on: Annotated[tuple[Literal["stage", "grade", "handed_over"], ...], Many] = ("stage",)
    format: Literal["standard", "cloudevents"] = "standard"


Plays = dict[PlainName, PlaySpec]
Phrases = dict[Text, Words]
Webhooks = dict[PlainName, WebhookSpec]
