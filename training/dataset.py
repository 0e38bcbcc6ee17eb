"""TrainingSet: who was looked at, as of when, did they convert, and what would have been known: all of it as of one cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from features.catalog import feature_set
from features.clock import NEVER
from features.definition import Definition
from features.errors import StoppedError
from features.feature import FeatureSet
from features.matrix import compute_in_pieces
from features.progress import progress_bar
from features.tables import Tables
from features.vocabulary import learn_vocabulary
from features.workspace import Workspace
from models.columns import ColumnSpec, columns_of
from models.scorecard import EMPTY, Scorecard
from models.scorecard_fit import at_base_rate
from training.ages import fixed_ages, jittered_ages
from training.day_one import NO_FOLDS, columns_by_hand, looks_so_far, stated_base_rate, undated_so_far
from training.folds import Folds, plan_folds
from training.metrics import Floats
from training.pairs import Table
from training.points import asked_values, hand_made_card
from training.rows import Ints, LabelRule, Rows, rows_at, undated_rows

FEWEST_CONVERSIONS = 10
"""Below so many converting leads there is nothing to learn a model from: the scorecard answers."""


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
    card: Scorecard = EMPTY
    """The points by hand over the columns; with nothing to learn from, at the base rate that is stated."""

    @property
    def learnable(self) -> bool:
        """Whether there is enough to learn from; if not, the card answers."""
        return bool(self.folds.choice)

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
    """Look at every lead, keep the looks whose outcome is known, and compute their features.

    With too few outcomes to learn from, every look so far is kept, for the scorecard to answer.
    """
    rows, exam, dropped = _looks(ws, tables, window, seed)
    known, learnable = rows, _enough(rows)
    if not learnable:
        rows, exam = _looks_so_far(ws, tables, window, seed)
        rows = rows if len(rows) else exam  # a jittered look may lie ahead where the fixed one does not
    folds = plan_folds(rows, exam, seed=seed) if learnable else NO_FOLDS
    if folds.time_forward:
        # Looks before the first origin are never examined, so their features are not needed.
        first = folds.choice[0].origin or 0
        exam = exam.take(np.flatnonzero(exam.started_at >= first))
        folds = plan_folds(rows, exam, seed=seed)
    say(f"{len(rows):,} looks at {len(np.unique(rows.lead)):,} leads; computing features")

    vocabulary, categories = learn_vocabulary(ws, tables, window.now)
    for name, values in asked_values(ws).items():
        categories[name] = tuple(sorted({*categories.get(name, ()), *values}))
    features = feature_set(ws.definition(vocabulary=vocabulary, categories=categories))
    x, x_exam = _values(features, tables, (rows, exam), say)
    columns = columns_of(features, x) if learnable else columns_by_hand(ws, features)
    if learnable:
        _stop_without_columns(columns)
    card = hand_made_card(ws, features, columns)
    kept = np.array([features.index(column.name) for column in columns], dtype=np.int64)
    x = _columns(x, kept)
    x_exam = _columns(x_exam, kept)
    if not learnable:
        _stop_without_points(card, known, exam, dropped)
        card = at_base_rate(card, stated_base_rate(ws, known), x_exam, exam.weight)
    bounds = {column.name: (column.lower, column.upper) for column in columns if learnable and column.kind == "number"}
    return TrainingSet(
        tables=tables,
        definition=ws.definition(vocabulary=vocabulary, categories=categories, bounds=bounds),
        columns=columns,
        learners=Table(rows, x),
        exam=Table(exam, x_exam),
        folds=folds,
        dropped=dropped,
        ages_days=(0.0,) if ws.data.undated else tuple(ws.snapshots.ages_days),
        window=window,
        card=card,
    )


def _values(features: FeatureSet, tables: Tables, parts: Sequence[Rows], say: Callable[[str], None]) -> list[Floats]:
    """Return the features of each row; events are taken in some leads at a time."""
    found, computed, total = [], 0, sum(len(rows) for rows in parts)
    with progress_bar("features: looks", say=say) as moved:
        for rows in parts:
            values, done = np.empty((len(rows), len(features))), 0
            for matrix in compute_in_pieces(features, tables, rows.lead, rows.as_of):
                values[done : done + len(matrix)] = matrix.values
                done += len(matrix)
                moved(computed + done, total)
            found.append(values)
            computed += done
    return found


def _columns(x: Floats, kept: Ints) -> Floats:
    """Return some columns; all of them are not copied."""
    return x if len(kept) == x.shape[1] else np.ascontiguousarray(x[:, kept])


def label_rule(ws: Workspace) -> LabelRule:
    """Return what counts as converting in a workspace."""
    return LabelRule.of(
        horizon_days=ws.label.horizon_days, gap_hours=ws.label.gap_hours, day_resolution=ws.resolution.conversions == "day"
    )


def _looks(ws: Workspace, tables: Tables, window: Window, seed: int) -> tuple[Rows, Rows, dict[str, int]]:
    """Return the looks to learn from, the looks to be examined on, and what was dropped of the first."""
    if ws.data.undated:
        rows, dropped = undated_rows(tables.leads)
        return rows, rows, dropped
    jittered, fixed = _ages(ws, tables, seed)
    rows, dropped = rows_at(tables.leads, jittered, label_rule(ws), **asdict(window))
    exam, _ = rows_at(tables.leads, fixed, label_rule(ws), **asdict(window))
    return rows, exam, dropped


def _looks_so_far(ws: Workspace, tables: Tables, window: Window, seed: int) -> tuple[Rows, Rows]:
    """Return the same looks, whether their outcome is known or not."""
    if ws.data.undated:
        rows = undated_so_far(tables.leads)
        return rows, rows
    jittered, fixed = (looks_so_far(tables.leads, ages, label_rule(ws), **asdict(window)) for ages in _ages(ws, tables, seed))
    return jittered, fixed


def _ages(ws: Workspace, tables: Tables, seed: int) -> tuple[Ints, Ints]:
    """Return at which ages each lead is learnt from, and at which it is examined."""
    ages = ws.snapshots.ages_days
    jittered = jittered_ages(tables.leads.ids, ages, seed=seed, whole_days=ws.resolution.events == "day")
    return jittered, np.broadcast_to(fixed_ages(ages), jittered.shape)


def _enough(rows: Rows) -> bool:
    outcomes = [len(np.unique(rows.lead[rows.outcome == outcome])) for outcome in (0, 1)]
    return min(outcomes) >= FEWEST_CONVERSIONS


def _stop_without_columns(columns: Sequence[ColumnSpec]) -> None:
    if not columns:
        raise StoppedError(
            "No column says anything about the leads",
            given="columns that are all excluded, or the same for every lead",
            expected="at least one that differs",
            do="map events or attributes, or exclude fewer columns",
        )


def _stop_without_points(card: Scorecard, known: Rows, exam: Rows, dropped: dict[str, int]) -> None:
    """Stop where there is neither enough to learn from nor anything to score by hand."""
    bought, others = (len(np.unique(known.lead[known.outcome == outcome])) for outcome in (1, 0))
    lost = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items()) or "none"
    if not card.rules:
        raise StoppedError(
            "There is too little history to learn from, and the scorecard has no points",
            given=f"{bought} leads that converted and {others} that did not, their whole horizon over (looks dropped: {lost})",
            expected=f"at least {FEWEST_CONVERSIONS} of each, or points by hand",
            do="bring more history, shorten label.horizon_days, train later, or write scorecard.points or ideal_customer",
        )
    if not len(exam):
        raise StoppedError(
            "No lead has been looked at yet",
            given=f"no open lead as old as the youngest of snapshots.ages_days (looks dropped: {lost})",
            expected="at least one",
            do="train later, or add a younger age",
        )
