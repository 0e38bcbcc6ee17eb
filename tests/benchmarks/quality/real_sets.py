"""The real sets and their splits: what is learnt from is seen as of the cut, what is answered as `trialwise score` sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from features.catalog import feature_set
from features.reading.inactivity import close_inactive
from features.tables import read_tables
from features.workspace import Workspace, load_workspace
from models.batch import matrices
from models.columns import ColumnSpec
from models.population import Asked, find_population, parse_when
from tests.benchmarks.quality.entry import Entry, Floats, Ints
from training.dataset import TrainingSet, Window, build, label_rule
from training.folds import plan_folds
from training.rows import clusters_of

WORKSPACES = Path(__file__).parents[2] / "workspaces"


@dataclass(frozen=True, slots=True)
class Split:
    """As of when to train, and whom to ask about at which age; nothing for a table without dates."""

    as_of: str | None = None
    age_days: float | None = None
    started_from: str | None = None
    started_before: str | None = None


SPLITS = {
    "365": Split("2022-08-01", 7, "2022-08-01"),
    "relax_7": Split("2013-07-01", 7, "2013-07-01", "2014-03-01"),
    "relax_14": Split("2013-07-01", 14, "2013-07-01", "2014-03-01"),
    "oulad": Split("2014-01-01", 28, "2013-10-01", "2014-01-01"),
    "x_education": Split(),
}


@dataclass(frozen=True, slots=True)
class Fit:
    """One training and the rows of the test that it answers."""

    training: TrainingSet
    entry: Entry
    place: Ints


@dataclass(frozen=True, slots=True)
class RealSet:
    """A set with its test: one fit going forward in time, or one for each hand of a table without dates."""

    ws: Workspace
    fits: tuple[Fit, ...]
    outcome: Ints
    cluster: Ints


def load(name: str) -> RealSet:
    """Return a set by the name of its workspace."""
    return read_split(WORKSPACES / f"{name}.yaml", SPLITS[name])


def read_split(workspace: Path, split: Split) -> RealSet:
    """Read the rows to learn from and the rows to answer."""
    ws = load_workspace(workspace)
    return _out_of_fold(ws) if ws.data.undated else _forward(ws, split)


def _forward(ws: Workspace, split: Split) -> RealSet:
    cut = parse_when(split.as_of, "--as-of", ws)
    data = build(ws, close_inactive(ws, read_tables(ws, cut=cut)), Window(cut), seed=0, say=_silent)
    asked = Asked(split.age_days, None, split.started_from, split.started_before)
    who = find_population(ws, asked, data.definition)
    features = feature_set(data.definition)
    values = np.concatenate([matrix.values for matrix, _ in matrices(who, features)])
    x = values[:, [features.index(column.name) for column in data.columns]]
    leads, rule = who.tables.leads, label_rule(ws)
    paid = leads.converted_at[who.lead]
    outcome = (paid > who.as_of + rule.gap_us) & (paid <= who.as_of + rule.horizon_us)
    fit = Fit(data, Entry(data.learners, data.columns, x), np.arange(len(x)))
    return RealSet(ws, (fit,), outcome.astype(np.int64), clusters_of(leads.account)[who.lead])


def _out_of_fold(ws: Workspace) -> RealSet:
    """Let each of the five hands of our own folds be answered by a training that saw the other four only.

    Which columns there are, and the codes of their categories, are of the whole table, for everybody; no outcome is in them.
    """
    data = build(ws, read_tables(ws), Window(now=0), seed=0, say=_silent)
    rows, fits = data.learners.rows, []
    for hand in (fold.examine for fold in (*data.folds.choice, data.folds.last)):
        learn = data.learners.take(np.setdiff1d(np.arange(len(rows)), hand))
        columns = tuple(_as_seen(column, learn.x[:, place]) for place, column in enumerate(data.columns))
        folds = plan_folds(learn.rows, learn.rows, seed=0)
        training = replace(data, learners=learn, exam=learn, folds=folds, columns=columns)
        fits.append(Fit(training, Entry(learn, columns, data.learners.x[hand]), hand))
    return RealSet(ws, tuple(fits), rows.outcome, rows.cluster)


def _as_seen(column: ColumnSpec, values: Floats) -> ColumnSpec:
    """Return a column with the range that these rows have."""
    if column.kind == "category":
        return column
    return replace(column, lower=float(np.nanmin(values)), upper=float(np.nanmax(values)))


def answered(found: RealSet, answers: list[Floats]) -> Floats:
    """Put the answers of the fits in the order of the test."""
    together = np.full(len(found.outcome), np.nan)
    for fit, one in zip(found.fits, answers, strict=True):
        together[fit.place] = one
    return together


def _silent(line: str) -> None:
    """Say nothing."""
