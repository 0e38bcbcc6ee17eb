"""The next step: which steps a lead has not taken, which plays answer them, and what the model expects of each.

What is expected of a play is what its own behaviours move: the probability with them, imagined now, minus the probability of
the same lead had it done as much of no behaviour in particular. That a lead does anything at all tells much as well, but it
would tell the same of every play, so it is told apart. Both are associations that the model learnt from what leads did, not the
effect of what people do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.feature import Feature
from features.matrix import FeatureMatrix, LiveLead
from features.workspaces.settings import CapacitySpec
from models.phrasing import Phrasing
from models.playbook import Play
from models.scorer import Scorer
from models.usual_events import doing
from models.what_if import Hypothesis, only_active

LAPSED_HOURS = 7 * 24.0
"""So long after the last time a step counts as missing again."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A play that answers steps which a lead is missing, and what is imagined of the lead: that it takes them now."""

    play: Play
    missing: tuple[Feature, ...]
    """What says that each of the steps is missing."""
    hypothesis: Hypothesis


@dataclass(frozen=True, slots=True)
class Step:
    """What a play is expected to bring."""

    candidate: Candidate
    probability: float
    """With the play's behaviours: the lead's own probability, and both differences."""
    activity: float
    """What doing anything at all would move, whatever it is."""
    difference: float
    """What the play's own behaviours move beyond that."""
    cost: float
    value: float | None
    """The difference in money, minus the cost; None where nobody said what a conversion brings."""

    @property
    def is_gain(self) -> bool:
        """Tell whether it is expected to bring more than it costs."""
        return self.difference > 0 and (self.value is None or self.value > 0)


def candidates(
    plays: Sequence[Play], lead: LiveLead, matrix: FeatureMatrix, stage: str, values: Mapping[str, object], as_of: int
) -> list[Candidate]:
    """Return the plays that suit a lead, of which ``matrix`` is the row, and answer a step that it is missing."""
    found = []
    for play in plays:
        if not play.suits(stage, values):
            continue
        missing = {name: feature for name in play.spec.moves if (feature := missing_step(matrix, name)) is not None}
        hypothesis = doing(lead, matrix.features.definition, missing, play.spec.times, as_of)
        if hypothesis is not None:
            found.append(Candidate(play, tuple(missing.values()), hypothesis))
    return found


def missing_step(matrix: FeatureMatrix, behaviour: str) -> Feature | None:
    """Return the feature that says that a lead never did something, or not for a week; None where it did, or nothing says so."""
    count, recency = f"{behaviour}_count_all", f"{behaviour}_recency_h"
    if count in matrix.features.places and float(matrix.column(count)[0]) == 0:
        return matrix.features[count]
    if recency in matrix.features.places and float(matrix.column(recency)[0]) >= LAPSED_HOURS:
        return matrix.features[recency]
    return None


def ranked(
    scorer: Scorer,
    found: Sequence[Candidate],
    without: FeatureMatrix,
    imagined: NDArray[np.float64],
    probability: float,
    capacity: CapacitySpec,
) -> list[Step]:
    """Return what each play is expected to bring, the best first.

    `without` is the lead's row, `probability` its own, and `imagined` has a row of the same features for each play.
    """
    if not found:
        return []
    active = only_active(without.features, without.values, imagined)
    scores = scorer.probability(scorer.select(without.features.names, np.vstack([imagined, active]))).tolist()
    steps = []
    for one, score, neutral in zip(found, scores[: len(found)], scores[len(found) :], strict=True):
        spec = one.play.spec
        cost = spec.cost + (0.0 if one.play.is_for_all else capacity.contact_cost or 0.0)
        difference = score - neutral
        worth = capacity.conversion_value
        value = None if worth is None else difference * worth - cost
        steps.append(Step(one, score, neutral - probability, difference, cost, value))
    return sorted(steps, key=lambda step: -(step.difference if step.value is None else step.value))


def told(step: Step, matrix: FeatureMatrix, phrasing: Phrasing, scorer: Scorer, age_days: float) -> list[dict[str, object]]:
    """Return the missing steps of a play in words, with how many trials of the same age have taken each."""
    records: list[dict[str, object]] = []
    for feature in step.candidate.missing:
        value = float(matrix.column(feature.name)[0])
        typical = scorer.reference.typical.get(feature.name)
        numbers = typical.at_age[scorer.reference.nearest(age_days)] if typical else ()
        records.append(
            {
                "player": feature.player,
                "text": phrasing.sentence(feature, value, scorer.definition),
                "typical": phrasing.typical(feature, typical.kind, numbers[0], value, scorer.definition)
                if typical and numbers
                else None,
            }
        )
    return records
