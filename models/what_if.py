"""What if: a lead as it would look had it done something more, through the same kernel and the same model.

The answer is an association: leads of the past who looked like this paid that much more or less often. Why they did what they did
is not in the data, so nobody is promised that making a lead do it has that effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from features.feature import FeatureSet
from features.history import EventRow, Plan
from features.matrix import FeatureMatrix, LiveLead, compute_one
from models.changes import Shift, moved
from models.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a lead is imagined to have done, besides what it did: events, attributes told, another end of the trial."""

    events: Sequence[EventRow] = ()
    attributes: Mapping[str, object] | None = None
    trial_end: int | None = None
    """The instant at which the trial would end."""


@dataclass(frozen=True, eq=False)
class Imagined:
    """A lead without and with a hypothesis, and how far each player moves the score."""

    without: FeatureMatrix
    with_it: FeatureMatrix
    shift: Shift


def what_if(
    scorer: Scorer, plan: Plan, lead: LiveLead, as_of: int, hypothesis: Hypothesis, *, features: FeatureSet | None = None
) -> Imagined:
    """Return one lead as of an instant without and with a hypothesis, and the exact difference by player.

    Everything is computed twice by the one kernel; `plan` is that of the scorer's features, or an equal one. What is imagined is
    known as of the instant; whether it can happen is for the caller to judge (``models.possible``). Nothing else is looked at or
    kept, so plays may be ranked by calling this for each of them.
    """
    features = features or scorer.feature_set
    without = compute_one(features, plan, lead, as_of)
    with_it = compute_one(features, plan, imagine(lead, as_of, hypothesis), as_of)
    return Imagined(without, with_it, moved(scorer, without, with_it))


def imagine(lead: LiveLead, as_of: int, hypothesis: Hypothesis) -> LiveLead:
    """Return a lead with what it is imagined to have done; what was known of it stays as it is known."""
    known = {name: one for name, one in lead.attributes.items() if one[1] <= as_of}
    told = {name: (value, as_of) for name, value in (hypothesis.attributes or {}).items()}
    ends = [] if hypothesis.trial_end is None else [(hypothesis.trial_end, as_of)]
    # Of several ends that became known at one instant the latest counts; an end imagined now must win over one told just now.
    ends_told = [one for one in lead.trial_ends if not ends or one[1] < as_of]
    return replace(
        lead,
        events=[*lead.events, *hypothesis.events],
        attributes={**told, **known},
        trial_ends=[*ends_told, *ends],
    )


def beyond_training(scorer: Scorer, found: Imagined) -> list[str]:
    """Return the columns that a hypothesis lifts above all that training saw: more of it than the most counts as the most.

    What lies below, such as an event of this very instant, is as near to it as what training saw, and not told.
    """
    x, y = (scorer.select(one.features.names, one.values)[0] for one in (found.without, found.with_it))
    rows = zip(scorer.columns, x.tolist(), y.tolist(), strict=True)
    return [column.name for column, one, other in rows if column.kind == "number" and other > column.upper and not other <= one]
