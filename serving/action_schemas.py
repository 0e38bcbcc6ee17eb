"""Shapes of the answers about what to do next, shown in /openapi.json."""

from __future__ import annotations

from pydantic import BaseModel

from serving.schemas import ModelName, Warned


class MissingStep(BaseModel):
    """A step that the lead has not taken, or not for a week, and how many trials of the same age have."""

    player: str
    text: str
    typical: str | None


class Action(BaseModel):
    """A play for a lead: what to do, what it answers, and what the model expects if the lead then takes the step.

    ``probability`` is the lead's own if it took the step now. ``activity`` is how much of that doing anything at all would add,
    which says nothing for this play; ``difference`` is what the step itself adds beyond that, and the plays are ranked by it. The
    lead's own probability and the two add up to ``probability``; all of it is an association. ``value`` is ``difference`` in
    money, minus the cost. ``reason`` says why it is not for now: contacted_recently, same_play_recently, capacity_used_up,
    no_gain or held_out; ``until`` says how long. ``propensity`` is the chance with which the hold-out lets it be proposed.
    """

    play: str
    text: str
    reach: str
    moves: list[str]
    missing: list[MissingStep]
    probability: float
    activity: float
    difference: float
    cost: float
    value: float | None
    held_out: bool
    propensity: float
    reason: str | None
    detail: str | None
    until: str | None


class Contacts(BaseModel):
    """How many contacts a week has, and how many there were in the last seven days."""

    contacts_per_week: float | None
    used_last_7_days: int


class ActionsAnswer(BaseModel):
    """What to do next for one lead, the best first; ``not_now`` are the plays that suit it and may not be done now."""

    lead_id: str
    as_of: str | None
    probability: float | None
    grade: str | None
    stage: str
    items: list[Action]
    not_now: list[Action]
    capacity: Contacts
    association: str
    model: ModelName
    warnings: list[Warned]
