"""The threshold of a product-qualified lead, and the lower one below which it is lost again.

It comes from the first of these that there is: a probability in the workspace file; money, where a contact pays from the quotient
of its cost and a conversion's value on; the capacity, by which the best so many of a week's new leads are qualified; or what was
frozen when the model was trained.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.workspace import Workspace
from models.reference import STEPS

if TYPE_CHECKING:
    from models.scorer import Scorer

LARGEST_SHARE = 0.3
"""However large the capacity, a lead outside the best 30 % is not called product-qualified."""

BY_HAND, BY_MONEY, BY_CONTACTS, BY_MODEL = (
    "stages.pql_probability",
    "capacity.contact_cost / capacity.conversion_value",
    "capacity.contacts_per_week",
    "model",
)


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which probability on a lead becomes product-qualified, and below which it is so no longer."""

    enter: float
    leave: float
    by: str
    """The keys of the workspace file that set it, or `model`."""


def threshold_of(ws: Workspace, scorer: Scorer) -> Threshold:
    """Return the threshold of a workspace as its file stands now."""
    enter, by = _enter(ws, scorer)
    return Threshold(enter, enter * (1.0 - ws.stages.hysteresis), by)


def _enter(ws: Workspace, scorer: Scorer) -> tuple[float, str]:
    capacity, frozen = ws.capacity, scorer.reference.pql_threshold
    if ws.stages.pql_probability is not None:
        return ws.stages.pql_probability, BY_HAND
    if capacity.contact_cost is not None and capacity.conversion_value is not None:
        return capacity.contact_cost / capacity.conversion_value, BY_MONEY
    learnt = scorer.meta.facts.get("capacity")
    if capacity.contacts_per_week is None or not isinstance(learnt, Mapping):
        return frozen, BY_MODEL
    if learnt.get("contacts_per_week") == capacity.contacts_per_week:
        return frozen, BY_CONTACTS  # what training computed from all scores, not from their quantiles
    a_week, best = learnt.get("leads_per_week"), learnt.get("best_scores")
    if not isinstance(a_week, int | float) or not isinstance(best, list) or len(best) != STEPS + 1:
        return frozen, BY_MODEL
    return float(best[_step(share_of(capacity.contacts_per_week, a_week))]), BY_CONTACTS


def share_of(contacts_per_week: float, leads_per_week: float) -> float:
    """Return the share of new leads that can be contacted, as far as it counts.

    >>> share_of(50, 1000), share_of(50, 20)
    (0.05, 0.3)
    """
    return min(LARGEST_SHARE, contacts_per_week / max(leads_per_week, 1e-9))


def _step(share: float) -> int:
    """Return the quantile above which no more than a share of the scores lies."""
    return math.ceil((1.0 - share) * STEPS - 1e-9)
