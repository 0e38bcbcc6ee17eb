"""Possible: what cannot happen to a lead is refused before it is imagined, each refusal with a code that is never renamed.

Codes: `before_start`, `in_future`, `beyond_trial`, `unmapped_event`, `condition_not_met`, `is_payment`, `negative_duration`,
`unknown_attribute`, `attribute_known`, `invalid_attribute`, `end_before_as_of`, `no_trial`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from features.clock import DAY_US
from features.definition import Definition
from features.exact import number
from features.history import EventRow, Plan
from features.matrix import LiveLead
from features.names import matches
from features.workspaces.behaviours import EventPattern
from features.workspaces.conditions import all_hold
from models.stages import BESIDE_THE_PRODUCT
from models.what_if import Hypothesis

AFTER_A_TRIAL = BESIDE_THE_PRODUCT | {"purchase_intent", "positive_feedback", "negative_feedback"}
"""Behaviours that need no trial: what happens beside the product, and around its price."""


class Impossible(NamedTuple):
    """One thing that cannot happen, and where it stands in the hypothesis."""

    place: str
    """``events/0``, ``attributes`` or ``trial_ends_at``."""
    code: str
    detail: str


def impossible(
    definition: Definition,
    plan: Plan,
    lead: LiveLead,
    as_of: int,
    hypothesis: Hypothesis,
    *,
    payments: Sequence[EventPattern] = (),
) -> list[Impossible]:
    """Return everything about a hypothesis that cannot happen to a lead as of an instant; nothing where all of it can.

    `payments` are the events by which the workspace tells a payment: what is asked is how likely it is, so it is not imagined.
    """
    wrong_end = [*_of_the_end(definition, hypothesis.trial_end, as_of)]
    found = [*wrong_end, *_of_attributes(definition, lead, hypothesis, as_of)]
    is_moved = hypothesis.trial_end is not None and not wrong_end
    end = hypothesis.trial_end if is_moved else trial_end(definition, lead, as_of)
    if end is not None and any(event.at > end for event in lead.events):
        end = None  # the lead is active after its trial, so that the product evidently lets it in
    for index, event in enumerate(hypothesis.events):
        refusal = _of_time(event, lead, as_of) or _of_meaning(plan, event, payments) or _of_the_trial(plan, event, end)
        if refusal is not None:
            found.append(Impossible(f"events/{index}", *refusal))
    return found


def trial_end(definition: Definition, lead: LiveLead, as_of: int) -> int | None:
    """Return when a trial ends as far as is known: as told last, else by the usual length; None where there is no end."""
    told = [(since, end) for end, since in lead.trial_ends if since <= as_of]
    if told:
        return max(told)[1]
    return None if definition.trial_days is None else lead.started_at + round(definition.trial_days * DAY_US)


def _of_time(event: EventRow, lead: LiveLead, as_of: int) -> tuple[str, str] | None:
    if event.at < lead.started_at:
        return "before_start", "The event lies before the lead's trial began."
    if max(event.at, event.known) > as_of:
        return "in_future", "The event is not known as of the instant that is asked about; give it an earlier time, or none."
    return None


def _of_the_trial(plan: Plan, event: EventRow, end: int | None) -> tuple[str, str] | None:
    """Refuse what needs the product once the trial is over; people can still be talked to, and look at prices."""
    if end is None or event.at <= end:
        return None
    taken = [plan.selectors[place] for place in plan.use(event.name).selectors(event.properties)]
    if any(one.key in AFTER_A_TRIAL for one in taken):
        return None
    return "beyond_trial", "The trial is over by then; give trial_ends_at a later end to ask about a longer trial."


def _of_meaning(plan: Plan, event: EventRow, payments: Sequence[EventPattern]) -> tuple[str, str] | None:
    if any(matches(one.event, event.name) and all_hold(event.properties, one.where) for one in payments):
        return "is_payment", "The event is the payment itself, which is what the probability is about."
    use = plan.use(event.name)
    taken = [plan.selectors[place] for place in use.selectors(event.properties)]
    if all(one.everything for one in taken):
        if not use.asking:
            return "unmapped_event", "No behaviour of the model counts this event, so that it would say nothing about the lead."
        named = ", ".join(use.asked)
        return "condition_not_met", f"The event counts only under conditions, which do not hold. They ask for: {named}."
    for one in taken:
        seconds = number(event.properties.get(one.duration)) if one.duration else None
        if seconds is not None and seconds < 0:
            return "negative_duration", "Nothing lasts less than no time."
    return None


def _of_attributes(definition: Definition, lead: LiveLead, hypothesis: Hypothesis, as_of: int) -> Iterator[Impossible]:
    traits = {trait for behaviour in definition.behaviours.values() for trait in behaviour.traits}
    for name, value in (hypothesis.attributes or {}).items():
        if name not in definition.attributes and name not in traits:
            yield Impossible("attributes", "unknown_attribute", "The model knows no attribute of that name.")
        elif name in lead.attributes and lead.attributes[name][1] <= as_of:
            yield Impossible(
                "attributes", "attribute_known", f"The attribute {name} of the lead is known, and the first value told counts."
            )
        elif definition.attributes.get(name) == "number" and number(value) is None:
            yield Impossible("attributes", "invalid_attribute", f"The attribute {name} is a number.")


def _of_the_end(definition: Definition, end: int | None, as_of: int) -> Iterator[Impossible]:
    if end is None:
        return
    if definition.trial_days is None:
        yield Impossible("trial_ends_at", "no_trial", "Trials of this workspace have no end.")
    elif end <= as_of:
        yield Impossible("trial_ends_at", "end_before_as_of", "A trial can be given an end that is still to come.")
