"""Stages: where a lead stands, by rule and score. A stage is never a feature."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from features.matrix import FeatureMatrix
from models.reference import Reference

Mask = NDArray[np.bool_]

LEAD, MQL, PQL, SQL, CUSTOMER, EXPIRED = "lead", "mql", "pql", "sql", "customer", "expired"
BESIDE_THE_PRODUCT = frozenset({"marketing", "sales", "support", "education", "community", "advocacy"})
"""Behaviours that say nothing about using the product itself."""


def stages(
    matrix: FeatureMatrix,
    probability: NDArray[np.float64],
    reference: Reference,
    past_trial: Mask,
    *,
    states: Sequence[str | None] | None = None,
    mql: Collection[str] = ("marketing",),
    sql: Collection[str] = ("sales",),
    pql_probability: float | None = None,
) -> list[str]:
    """Return each row's stage; `states` are those already settled, customer or expired."""
    threshold = reference.pql_threshold if pql_probability is None else pql_probability
    known = matrix.features.counted
    beside = {*BESIDE_THE_PRODUCT, *mql, *sql, "any"}
    product = [place for name, place in known.items() if name not in beside]
    likely = probability >= threshold
    if product:
        likely = likely & _did(matrix, product)
    found = np.full(len(matrix), LEAD, dtype=object)
    found[_did(matrix, [known[name] for name in mql if name in known])] = MQL
    found[likely] = PQL
    found[_did(matrix, [known[name] for name in sql if name in known])] = SQL
    found[past_trial] = EXPIRED
    settled = states or [None] * len(matrix)
    return [str(state or stage) for state, stage in zip(settled, found, strict=True)]


def _did(matrix: FeatureMatrix, places: Sequence[int]) -> Mask:
    """Tell which rows have any event of the behaviours whose counts stand in some places."""
    return np.asarray((matrix.values[:, places] > 0).any(axis=1))
