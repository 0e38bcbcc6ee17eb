"""TrainingSet: who was looked at, as of when, did they convert, and what would have been known: all of it as of one cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.catalog import feature_set
from features.clock import NEVER
from features.definition import Definition
from features.errors import StoppedError
from features.feature import FeatureSet
from features.matrix import compute_in_pieces
from features.tables import Tables
from features.vocabulary import learn_vocabulary
from features.workspace import Workspace
from models.columns import ColumnSpec, columns_of
from training.ages import fixed_ages, jittered_ages
from training.folds import Folds, plan_folds
from training.metrics import Floats
from training.rows import LabelRule, Rows, rows_at, undated_rows
from training.tuning import Table

FEWEST_CONVERSIONS = 10
"""Below so many converting leads there is nothing to learn a model from."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which leads train, by their start, and the instant as of which everything is seen."""

    now: int
    started_from: int = -NEVER
    started_before: int = NEVER


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows with features, ready to learn from, with the folds that say who is examined on whom."""

    tables: Tables
    definition: Definition
    columns: tuple[ColumnSpec, ...]
    learners: Table
    """Looks at jittered ages: what is learnt from."""
    exam: Table
    """Looks at the configured ages: what is scored and judged."""
    folds: Folds
    dropped: dict[str, int]
    ages_days: tuple[float, ...]
    window: Window

    @property
    def leads(self) -> int:
        """How many leads there are to learn from."""
        return len(np.unique(self.learners.rows.lead))

    @property
    def conversions(self) -> int:
        """How many of them converted after some look."""
        rows = self.learners.rows
        return len(np.unique(rows.lead[rows.outcome == 1]))


def build(ws: Workspace, tables: Tables, window: Window, *, seed: int, say: Callable[[str], None]) -> TrainingSet:
    """Look at every lead, keep the looks whose outcome is known, and compute their features."""
    rows, exam, dropped = _looks(ws, tables, window, seed)
    _stop_without_outcomes(rows, dropped)
    folds = plan_folds(rows, exam, seed=seed)
    if folds.time_forward:
        # Looks before the first origin are never examined, so their features are not needed.
        first = folds.choice[0].origin or 0
        exam = exam.take(np.flatnonzero(exam.started_at >= first))
        folds = plan_folds(rows, exam, seed=seed)
    say(f"{len(rows):,} looks at {len(np.unique(rows.lead)):,} leads; computing features")

    vocabulary, categories = learn_vocabulary(ws, tables, window.now)
    features = feature_set(ws.definition(vocabulary=vocabulary, categories=categories))
    x, x_exam = (_values(features, tables, part) for part in (rows, exam))
    columns = columns_of(features, x)
    kept = np.array([features.index(column.name) for column in columns], dtype=np.int64)
    bounds = {column.name: (column.lower, column.upper) for column in columns if column.kind == "number"}
    return TrainingSet(
        tables=tables,
        definition=ws.definition(vocabulary=vocabulary, categories=categories, bounds=bounds),
        columns=columns,
        learners=Table(rows, np.ascontiguousarray(x[:, kept])),
        exam=Table(exam, np.ascontiguousarray(x_exam[:, kept])),
        folds=folds,
        dropped=dropped,
        ages_days=(0.0,) if ws.data.undated else tuple(ws.snapshots.ages_days),
        window=window,
    )


def _values(features: FeatureSet, tables: Tables, rows: Rows) -> Floats:
    """Return the features of each row; events are taken in some leads at a time."""
    values, done = np.empty((len(rows), len(features))), 0
    for matrix in compute_in_pieces(features, tables, rows.lead, rows.as_of):
        values[done : done + len(matrix)] = matrix.values
        done += len(matrix)
    return values


def label_rule(ws: Workspace) -> LabelRule:
    """Return what counts as converting in a workspace."""
    return LabelRule.of(
        horizon_days=ws.label.horizon_days, gap_hours=ws.label.gap_hours, day_resolution=ws.resolution.conversions == "day"
    )


def _looks(ws: Workspace, tables: Tables, window: Window, seed: int) -> tuple[Rows, Rows, dict[str, int]]:
    """Return the looks to learn from, the looks to be examined on, and what was dropped of the first."""
    leads, ages, rule = tables.leads, ws.snapshots.ages_days, label_rule(ws)
    if ws.data.undated:
        rows, dropped = undated_rows(leads)
        return rows, rows, dropped
    limits = {"now": window.now, "started_from": window.started_from, "started_before": window.started_before}
    jittered = jittered_ages(leads.ids, ages, seed=seed, whole_days=ws.resolution.events == "day")
    fixed = np.broadcast_to(fixed_ages(ages), jittered.shape)
    rows, dropped = rows_at(leads, jittered, rule, **limits)
    exam, _ = rows_at(leads, fixed, rule, **limits)
    return rows, exam, dropped


def _stop_without_outcomes(rows: Rows, dropped: dict[str, int]) -> None:
    bought = len(np.unique(rows.lead[rows.outcome == 1]))
    others = len(np.unique(rows.lead[rows.outcome == 0]))
    if min(bought, others) >= FEWEST_CONVERSIONS:
        return
    lost = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items()) or "none"
    raise StoppedError(
        "There is too little history to learn from",
        given=f"{bought} leads that converted and {others} that did not, with their whole horizon over (looks dropped: {lost})",
        expected=f"at least {FEWEST_CONVERSIONS} of each",
        do="bring more history, shorten label.horizon_days, or train later",
    )
