"""What a training as of some day promises for leads that start later, beside what then became of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.catalog import feature_set
from features.matrix import compute
from features.tables import read_tables
from features.workspace import Workspace
from tests.training.small_world import silent
from training.ages import fixed_ages
from training.dataset import TrainingSet, Window, build, label_rule
from training.metrics import Floats
from training.recipe import Fitted, fit
from training.rows import Rows, rows_at
from training.tuning import Search


@dataclass(frozen=True)
class Ahead:
    """A training as of a day, and every look at a later lead whose horizon is over by the end of the data."""

    data: TrainingSet
    fitted: Fitted
    rows: Rows
    x: Floats
    """The columns of the model, within the range that training saw."""

    @property
    def promised(self) -> Floats:
        """Return the probability of each look."""
        return self.fitted.calibrator.probability(self.fitted.learner.raw(self.x))


def look_ahead(ws: Workspace, now: int, *, trials: int = 0) -> Ahead:
    """Train as of `now`, and look at the leads that start from then on."""
    data = build(ws, read_tables(ws, cut=now), Window(now), seed=0, say=silent)
    fitted = fit(data, Search(trials, None, 0), say=silent)
    everything, ages = read_tables(ws), fixed_ages(ws.snapshots.ages_days)
    at = np.broadcast_to(ages, (len(everything.leads), len(ages)))
    rows, _ = rows_at(everything.leads, at, label_rule(ws), now=everything.newest, started_from=now)
    features = feature_set(data.definition)
    values = compute(features, everything, rows.lead, rows.as_of).values
    x = values[:, [features.index(column.name) for column in data.columns]]
    lower, upper = (
        np.array([getattr(column, end) if column.kind == "number" else sign * np.inf for column in data.columns])
        for end, sign in (("lower", -1), ("upper", 1))
    )
    return Ahead(data, fitted, rows, np.clip(x, lower, upper))
