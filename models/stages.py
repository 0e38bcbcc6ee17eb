"""Stages: where a lead stands, by rule and score. A stage is never a feature.

A lead that is product-qualified stays so until its probability falls below a second, lower threshold. That takes knowing what it
was before; where nobody knows, the rule of this one look holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.feature import FeatureSet
from features.matrix import FeatureMatrix
from features.workspace import Workspace
from models.reference import Reference
from models.scorer import Scorer
from models.thresholds import BY_MODEL, Threshold, threshold_of

Mask = NDArray[np.bool_]

LEAD, MQL, PQL, SQL, CUSTOMER, EXPIRED = "lead", "mql", "pql", "sql", "customer", "expired"
STAGES = (LEAD, MQL, PQL, SQL, CUSTOMER, EXPIRED)
BESIDE_THE_PRODUCT = frozenset({"marketing", "sales", "support", "education", "community", "advocacy"})
"""Behaviours that say nothing about using the product itself."""


@dataclass(frozen=True, slots=True)
class StageRules:
    """Which behaviours make a lead marketing- or sales-qualified, and from which probability it is product-qualified."""

    mql: tuple[str, ...] = ("marketing",)
    sql: tuple[str, ...] = ("sales",)
    threshold: Threshold | None = None
    """None: the model's own."""

    @staticmethod
    def of(ws: Workspace, scorer: Scorer) -> StageRules:
        """Return the rules of a workspace."""
        return StageRules(ws.stages.mql, ws.stages.sql, threshold_of(ws, scorer))

    def threshold_for(self, reference: Reference) -> Threshold:
        """Return the threshold, the model's own where there is no other."""
        return self.threshold or Threshold(reference.pql_threshold, reference.pql_threshold, BY_MODEL)

    def product(self, counted: Iterable[str]) -> list[str]:
        """Return the behaviours that are use of the product, of those that are counted."""
        beside = {*BESIDE_THE_PRODUCT, *self.mql, *self.sql, "any"}
        return [name for name in counted if name not in beside]


class Places(NamedTuple):
    """Where the counts of the behaviours by which a stage is decided stand in a row of features."""

    mql: NDArray[np.int64]
    product: NDArray[np.int64]
    sql: NDArray[np.int64]


def places_of(features: FeatureSet, rules: StageRules) -> Places:
    """Return the places for some rules."""
    return _places(tuple(features.counted.items()), rules)


@lru_cache(maxsize=16)  # to find them takes longer than to look there
def _places(counted: tuple[tuple[str, int], ...], rules: StageRules) -> Places:
    place = dict(counted)
    return Places(
        *(
            np.array([place[one] for one in some if one in place], dtype=np.int64)
            for some in (rules.mql, rules.product(place), rules.sql)
        )
    )


def stages(
    matrix: FeatureMatrix,
    probability: NDArray[np.float64],
    reference: Reference,
    past_trial: Mask,
    *,
    states: Sequence[str | None] | None = None,
    before: Sequence[str | None] | None = None,
    rules: StageRules | None = None,
) -> list[str]:
    """Return each row's stage.

    `states` are those already settled, customer or expired; `before` is what each lead was last, None where nobody knows.
    """
    rules = rules or StageRules()
    threshold = rules.threshold_for(reference)
    enter = np.full(len(matrix), threshold.enter)
    if before is not None:
        enter[[stage == PQL for stage in before]] = threshold.leave
    places = places_of(matrix.features, rules)
    found = np.full(len(matrix), LEAD, dtype=object)
    found[_did(matrix, places.mql)] = MQL
    found[(probability >= enter) & _uses(matrix, places)] = PQL
    found[_did(matrix, places.sql)] = SQL
    found[past_trial] = EXPIRED
    settled = states or [None] * len(matrix)
    return [str(state or stage) for state, stage in zip(settled, found, strict=True)]


def would_stay(
    matrix: FeatureMatrix, probability: NDArray[np.float64], reference: Reference, found: Sequence[str], rules: StageRules
) -> Mask:
    """Tell which rows would be product-qualified if they had been so before: where that is not known, it is to be said."""
    threshold = rules.threshold_for(reference)
    between = (probability >= threshold.leave) & (probability < threshold.enter)
    if not between.any():
        return between
    unsettled = np.array([stage in (LEAD, MQL) for stage in found], dtype=bool)
    return np.asarray(between & unsettled & _uses(matrix, places_of(matrix.features, rules)))


def rule_of(
    stage: str,
    before: str | None,
    matrix: FeatureMatrix,
    row: int,
    probability: float | None,
    rules: StageRules,
    reference: Reference,
) -> dict[str, Any]:
    """Return by which rule a lead has a stage, as evidence: what the rule looks at, what it found, and the threshold.

    ``left`` says why a lead that was product-qualified is so no longer.
    """
    threshold = rules.threshold_for(reference)
    known = {"probability": probability, "from": threshold.by}
    rule: dict[str, Any] = {"by": "none"}
    if stage == PQL:
        used = _counts(matrix, row, rules.product(matrix.features.counted))
        rule = {"by": "probability", **known, "at_least": threshold.enter, "kept_from": threshold.leave, "used": used}
    elif stage in (MQL, SQL):
        wanted = rules.mql if stage == MQL else rules.sql
        rule = {"by": "behaviours", "any_of": list(wanted), "counts": _counts(matrix, row, wanted)}
    elif stage == CUSTOMER:
        rule = {"by": "conversion"}
    elif stage == EXPIRED:
        rule = {"by": "trial" if probability is not None else "end"}
    if before == PQL and stage in (LEAD, MQL) and probability is not None:
        rule["left"] = {"stage": PQL, "by": "probability", **known, "below": threshold.leave}
    return rule


def _uses(matrix: FeatureMatrix, places: Places) -> Mask:
    """Tell which rows use the product; where nothing says so, all of them."""
    return _did(matrix, places.product) if len(places.product) else np.ones(len(matrix), dtype=bool)


def _counts(matrix: FeatureMatrix, row: int, behaviours: Sequence[str]) -> dict[str, int]:
    """Return how often a lead did each of some behaviours, without those it never did."""
    counted = matrix.features.counted
    counts = {name: int(matrix.values[row, counted[name]]) for name in behaviours if name in counted}
    return {name: count for name, count in counts.items() if count > 0}


def _did(matrix: FeatureMatrix, places: NDArray[np.int64]) -> Mask:
    """Tell which rows have any event of the behaviours that are counted at some places."""
    return np.asarray((matrix.values[:, places] > 0).any(axis=1))
