"""What if: a lead as it would look had it done something more, through the same kernel and the same model.

The answer is an association: leads of the past who looked like this paid that much more or less often. Why they did what they did
is not in the data, so nobody is promised that making a lead do it has that effect.

Whatever a lead does, it is active: the hours since it did anything go back to nought, and its active days grow. So the difference
is taken in two steps, each by itself. First the lead does something at that moment that means no behaviour in particular; this is
what being active at all would move, and it is the same whatever else is imagined. Then it is what was imagined that it does; this
is what the step itself moves, and by this plays are compared. The two add up to the whole, player by player.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.feature import FeatureSet
from features.history import EventRow, Plan
from features.matrix import FeatureMatrix, LiveLead, compute_one
from features.workspaces.behaviours import ANY
from models.changes import Shift, moved
from models.scorer import Scorer

Floats = NDArray[np.float64]


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

    scorer: Scorer
    without: FeatureMatrix
    active: FeatureMatrix
    """Had the lead done as much at those moments that means no behaviour."""
    with_it: FeatureMatrix

    @cached_property
    def activity(self) -> Shift:
        """What being active at all would move."""
        return moved(self.scorer, self.without, self.active)

    @cached_property
    def step(self) -> Shift:
        """What the step itself moves beyond that."""
        return moved(self.scorer, self.active, self.with_it)

    @cached_property
    def shift(self) -> Shift:
        """The two together: the whole difference."""
        return self.activity.plus(self.step)


def what_if(
    scorer: Scorer, plan: Plan, lead: LiveLead, as_of: int, hypothesis: Hypothesis, *, features: FeatureSet | None = None
) -> Imagined:
    """Return one lead as of an instant without and with a hypothesis, and the exact difference by player.

    Everything is computed twice by the one kernel; `plan` is that of the scorer's features, or an equal one. What is imagined is
    known as of the instant; whether it can happen is for the caller to judge (``models.possible``). Nothing else is looked at or
    kept.
    """
    features = features or scorer.feature_set
    without = compute_one(features, plan, lead, as_of)
    with_it = compute_one(features, plan, imagine(lead, as_of, hypothesis), as_of)
    active = replace(without, values=only_active(features, without.values, with_it.values))
    return Imagined(scorer, without, active, with_it)


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


def only_active(features: FeatureSet, without: Floats, with_it: Floats) -> Floats:
    """Return rows of features as if the same number of things had been done at the same moments, none of which means a behaviour.

    That is `without`, and what is told of the lead's events of any kind as in `with_it`; the rows of both go together.
    """
    of_any = [feature.selector == ANY and feature.over == "lead" for feature in features.features]
    return np.where(np.array(of_any, dtype=bool), with_it, without)


def beyond_training(scorer: Scorer, found: Imagined) -> list[str]:
    """Return the columns that a hypothesis lifts above all that training saw: more of it than the most counts as the most.

    What lies below, such as an event of this very instant, is as near to it as what training saw, and not told.
    """
    x, y = (scorer.select(one.features.names, one.values)[0] for one in (found.without, found.with_it))
    rows = zip(scorer.columns, x.tolist(), y.tolist(), strict=True)
    return [column.name for column, one, other in rows if column.kind == "number" and other > column.upper and not other <= one]
